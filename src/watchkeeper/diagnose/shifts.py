"""Whether other traffic explains what moved, or whether rows inside segments are other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import ROWS, State
from watchkeeper.diagnose.case import Case, room
from watchkeeper.diagnose.sampled import States, segment_columns, segments_of
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Mix", "Moved", "moved", "segment_mix", "shares_of"]

Counts = dict[float | str, float]


@dataclass(frozen=True, slots=True)
class Mix:
    """How the shares of the segments of one column changed.

    Attributes
    ----------
    before, now
        Share of rows by segment.
    distance
        The largest change of the share of any set of segments, Σ|q - p|/2.
    lower
        Its lower bound at 95 %, 0 where sampling explains it.
    """

    column: str
    before: Mapping[str, float]
    now: Mapping[str, float]
    distance: float = 0.0
    lower: float = 0.0

    @property
    def risen(self) -> tuple[str, ...]:
        """The segments by how much their share changed, the largest change first."""
        return tuple(sorted(self.now, key=lambda s: -abs(self.now[s] - self.before.get(s, 0.0))))


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a column moved.

    Attributes
    ----------
    distance
        Largest difference of the distribution functions, or of the share of a level.
    within
        The same against the reference with its segments at their current shares: what other traffic does not explain.
    lower, lower_within
        Lower bounds at 95 % for all columns together.
    """

    column: str
    distance: float
    within: float
    lower: float
    lower_within: float


def shares_of(states: States, column: str) -> dict[str, int]:
    """Return the rows of each segment of a column."""
    found: dict[str, int] = {}
    for segment in segments_of(column, states):
        state = states.get((segment, ROWS))
        sample = state.parts.get("row_sample") if state is not None else None
        if isinstance(sample, RowSamplePart):
            found[segment] = sample.rows
    return found


def segment_mix(case: Case) -> list[Mix]:
    """Return how the shares of each segment column changed, the largest change first.

    The lower bound takes off what chance adds to Σ|q - p|/2 at most in one of twenty cases: √(π/2) times the sum of
    mean absolute errors on average, and the bounded-differences inequality above that (McDiarmid 1989).
    """
    found: list[Mix] = []
    for column in segment_columns(case.spec.schema):
        rows0, rows = shares_of(case.reference, column), shares_of(case.current, column)
        n0, n = sum(rows0.values()), sum(rows.values())
        if not n0 or not n:
            continue
        before = {s: k / n0 for s, k in rows0.items()}
        now = {s: rows.get(s, 0) / n for s in {*rows0, *rows}}
        size = effective_size(n0, n) / max(1.0, case.effects.get(column, 1.0))
        distance = sum(abs(now[s] - before.get(s, 0.0)) for s in now) / 2
        by_chance = sum(float(np.sqrt(2 / np.pi * p * (1 - p) / size)) for p in before.values()) / 2
        lower = max(0.0, distance - by_chance - room(size))
        found.append(Mix(column, before, now, distance, lower))
    return sorted(found, key=lambda mix: -mix.lower)


def moved(case: Case, mix: Mix | None) -> list[Moved]:
    """Return how far each feature moved, and how far inside segments; the farthest inside segments first.

    Without declared segments the two are the same.
    """
    columns = [c for c in case.spec.schema.features if c.kind not in (Kind.TEXT, Kind.VECTOR, Kind.UNUSABLE)]
    found: list[Moved] = []
    for column in columns:
        pair = case.both(column.name)
        if pair is None:
            continue
        before, now = (_counts(side) for side in pair)
        n0, n = sum(before.values()), sum(now.values())
        if not n0 or not n:
            continue
        free = room(effective_size(n0, n), len(columns), case.effects.get(column.name, 1.0))
        total = inside = _distance(before, now)
        if mix is not None and mix.column == column.name:
            inside = 0.0
        elif mix is not None:
            inside = _distance(_mixed(case, column, mix) or before, now)
        found.append(Moved(column.name, total, inside, max(0.0, total - free), max(0.0, inside - free)))
    return sorted(found, key=lambda one: (-one.lower_within, -one.within))


def _counts(state: State) -> Counts:
    held = state.parts.get("levels")
    if isinstance(held, LevelsPart):
        return {name: float(count) for name, count in zip(held.names, held.counts.tolist(), strict=True)}
    histogram = state.parts.get("histogram")
    if isinstance(histogram, HistogramPart):
        return dict(zip(histogram.bins.astype(float).tolist(), histogram.counts.astype(float).tolist(), strict=True))
    return {}


def _mixed(case: Case, column: Column, mix: Mix) -> Counts:
    """Return the reference's counts with its segments at their current shares."""
    found: Counts = {}
    for segment, share in mix.now.items():
        state = case.reference.get((segment, column.name))
        if state is None or state.problem or not mix.before.get(segment):
            continue
        for value, count in _counts(state).items():
            found[value] = found.get(value, 0.0) + count * share / mix.before[segment]
    return found


def _distance(before: Counts, now: Counts) -> float:
    """Return the Kolmogorov–Smirnov distance of bins, or the largest difference of the shares of levels."""
    values = sorted({*before, *now}, key=lambda v: (isinstance(v, str), v))
    p: NDArray[np.float64] = np.array([before.get(v, 0.0) for v in values])
    q: NDArray[np.float64] = np.array([now.get(v, 0.0) for v in values])
    if not p.sum() or not q.sum():
        return 0.0
    gaps = q / q.sum() - p / p.sum()
    ordered = not any(isinstance(v, str) for v in values)
    return float(np.abs(np.cumsum(gaps) if ordered else gaps).max())
