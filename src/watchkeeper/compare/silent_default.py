"""A value that stands in for what is missing."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import lacking, rest_alike, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.words.change import from_to

__all__ = ["SilentDefault"]

_WORDS = frozenset(
    {"", "?", "-", "--", ".", "n/a", "na", "nan", "null", "nil", "none", "unknown", "undefined", "missing", "default",
     "tbd", "not available", "not applicable", "-1", "-9", "-99", "-999", "-9999", "999", "9999", "99999",
     "1900-01-01", "1970-01-01", "9999-12-31"}
)  # fmt: skip

_ABSENT, _PLAIN, _FAR, _CODES = 0.01, 0.05, 3.0, 10
_LEAST, _VERY_FAR = 30, 30.0


class SilentDefault:
    """How much the share of one value rose that the reference (almost) lacked, and that reads like a default.

    Of numbers and times it is the commonest value with less than 1 % of the reference's rows and 2 % of these, if

    - it is 0 and the reference has more than ten values; or lies further outside of the reference's range than three
      times its width; or no value of the reference has 5 % of its rows, so that a spike is foreign to the column; and
    - the other rows still look like the reference: their Kolmogorov–Smirnov distance from it is at most
      .05 + 1.63·√(1/n0 + 1/n'). Where fewer than 30 other rows are left, it must be 0 or thirty widths outside.

    A counter, a month or a price list moves on as a whole and is thereby left to drift. Of levels it is the one
    that rose most among words such as N/A, unknown, -999 and 1970-01-01, whatever the reference held of it. Counts
    of numbers are short by less than 1 % of the rows.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "silent_default"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Numeric, time and categorical columns."""
        return column.kind in (Kind.NUMERIC, Kind.TIME, Kind.CATEGORICAL)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return by how much its share rose, with the value."""
        leveled = current.spec is not None and current.spec.kind is Kind.CATEGORICAL
        kept: tuple[str, type[LevelsPart | AtomsPart]] = ("levels", LevelsPart) if leveled else ("atoms", AtomsPart)
        q, p = current.part(*kept), reference.part(*kept)
        n0, n = p.n, q.n
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        value, before, now = _word(reference, current) if leveled else _number(reference, current)
        upper = before + 3 * sqrt(before * (1 - before) / n0) + 10 / n0
        evidence = Evidence(Change(Quantity.SHARE, before, now, upper, (value,) if value else ()), sizes(n0, n))
        error = sqrt(before * (1 - before) / n0 + now * (1 - now) / n)
        rise = max(0.0, now - before)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, rise, n, error=error, floor=0.0, evidence=evidence
        )

    def describe(self, measurement: Measurement) -> str:
        """Say which value stands in for missing ones."""
        change = measurement.evidence.change
        return f"is {change.levels[0]!r}, as if by default: {from_to(change)}" if change.levels else ""


def _word(reference: State, current: State) -> tuple[str, float, float]:
    p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
    before, now = p.as_dict(), q.as_dict()
    words = [name for name in now if name.strip().casefold() in _WORDS]
    rises = [(now[name] / q.n - before.get(name, 0) / p.n, name) for name in words]
    if not rises or max(rises)[0] <= 0:
        return "", 0.0, 0.0
    name = max(rises)[1]
    return name, before.get(name, 0) / p.n, now[name] / q.n


def _number(reference: State, current: State) -> tuple[str, float, float]:
    p, q = reference.part("atoms", AtomsPart), current.part("atoms", AtomsPart)
    held = dict(zip(p.values.tolist(), p.counts.tolist(), strict=True))
    order = np.argsort(-q.counts, kind="stable")
    range_ = reference.part("moments", MomentsPart)
    plain = int(p.counts.max(initial=0)) < _PLAIN * p.n
    coded = len(p.values) <= _CODES and int(p.counts.sum()) > (1 - _ABSENT) * p.n
    for place in order[:8]:
        value, count = float(q.values[place]), int(q.counts[place])
        before, now = held.get(value, 0) / p.n, count / q.n
        # Which of the values that hold less are kept depends on how the rows were cut.
        if before >= _ABSENT or now < 2 * _ABSENT:
            continue
        foreign = (value == 0 and not coded) or _far(value, range_)
        alone = (value == 0 and not coded) or _far(value, range_, _VERY_FAR)
        if (foreign or plain) and _rest_alike(reference, current, value, count, alone=alone):
            return f"{value:.15g}", before, now
    return "", 0.0, 0.0


def _far(value: float, part: MomentsPart, widths: float = _FAR) -> bool:
    width = part.largest - part.smallest
    beyond = max(value - part.largest, part.smallest - value)
    return isfinite(width) and beyond > widths * width > 0


def _rest_alike(reference: State, current: State, value: float, count: int, *, alone: bool) -> bool:
    """Return whether the rows without the value look like the reference."""
    p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
    if q.n - count < _LEAST:
        return alone
    upper = q.edges()[1]
    near = np.clip(np.searchsorted(upper, value, side="left"), 0, len(q.bins) - 1)
    # The value lies in this bin, or by rounding in one beside it: in the one that can hold its rows.
    places = [i for i in (near, near - 1, near + 1) if 0 <= i < len(q.bins) and q.counts[i] >= count]
    if not places:
        return False
    counts = q.counts.copy()
    counts[places[0]] -= count
    return rest_alike(p, q, counts)
