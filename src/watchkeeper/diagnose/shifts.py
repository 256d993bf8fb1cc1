"""Whether other traffic explains what moved, or whether rows inside segments are other rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import ROWS, State
from watchkeeper.diagnose.case import Case, dkw_half_width
from watchkeeper.diagnose.sampled import States, segment_columns, segments_of
from watchkeeper.stats.blocks import KEYS
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Mix", "Moved", "moved", "segment_mix", "shares_of"]

Counts = dict[str, float] | NDArray[np.float64]


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
        lower = max(0.0, distance - by_chance - dkw_half_width(size))
        found.append(Mix(column, before, now, distance, lower))
    return sorted(found, key=lambda mix: -mix.lower)


def moved(case: Case, mix: Mix | None) -> list[Moved]:
    """Return how far each feature moved, and how far inside segments; the farthest inside segments first.

    Without declared segments the two are the same. What moves by itself, such as the month, explains nothing.
    """
    left_out, moving = (Kind.TEXT, Kind.VECTOR, Kind.UNUSABLE), case.spec.schema.moving
    columns = [c for c in case.spec.schema.features if c.kind not in left_out and c.name not in moving]
    found: list[Moved] = []
    for column in columns:
        pair = case.both(column.name)
        if pair is None:
            continue
        before, now = (_counts(side) for side in pair)
        n0, n = _rows(before), _rows(now)
        if not n0 or not n:
            continue
        free = dkw_half_width(effective_size(n0, n), len(columns), case.effects.get(column.name, 1.0))
        total = inside = _distance(before, now)
        if mix is not None and mix.column == column.name:
            inside = 0.0
        elif mix is not None:
            expected = _mixed(case, column, mix)
            inside = _distance(expected if _rows(expected) else before, now)
        found.append(Moved(column.name, total, inside, max(0.0, total - free), max(0.0, inside - free)))
    return sorted(found, key=lambda one: (-one.lower_within, -one.within))


def _counts(state: State) -> Counts:
    """Return the rows of each level, or of each of the 65,536 bins of the universal histogram."""
    held = state.parts.get("levels")
    if isinstance(held, LevelsPart):
        return {name: float(count) for name, count in zip(held.names, held.counts.tolist(), strict=True)}
    histogram = state.parts.get("histogram")
    if isinstance(histogram, HistogramPart):
        found = np.zeros(KEYS)
        found[histogram.bins] = histogram.counts
        return found
    return {}


def _rows(counts: Counts) -> float:
    return float(counts.sum()) if isinstance(counts, np.ndarray) else sum(counts.values())


def _mixed(case: Case, column: Column, mix: Mix) -> Counts:
    """Return the reference's counts with its segments at their current shares."""
    bins, levels = np.zeros(KEYS), dict[str, float]()
    for segment, share in mix.now.items():
        state = case.reference.get((segment, column.name))
        if state is None or state.problem or not mix.before.get(segment):
            continue
        counts, weight = _counts(state), share / mix.before[segment]
        if isinstance(counts, np.ndarray):
            bins += counts * weight
            continue
        for value, count in counts.items():
            levels[value] = levels.get(value, 0.0) + count * weight
    return levels or bins


def _distance(before: Counts, now: Counts) -> float:
    """Return the Kolmogorov–Smirnov distance of bins, or the largest difference of the shares of levels."""
    n0, n = _rows(before), _rows(now)
    if not n0 or not n:
        return 0.0
    if isinstance(before, np.ndarray) and isinstance(now, np.ndarray):
        return float(np.abs(np.cumsum(now / n - before / n0)).max())
    if isinstance(before, np.ndarray) or isinstance(now, np.ndarray):
        return 1.0
    return max(abs(now.get(value, 0.0) / n - before.get(value, 0.0) / n0) for value in {*before, *now})
