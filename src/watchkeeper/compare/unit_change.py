"""A column that arrives in another unit."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import effective_size, lacking, sizes
from watchkeeper.compare.scale import SURE, distance_turned
from watchkeeper.compare.transformations import LARGE, KnownTransformation, known_transformations
from watchkeeper.compare.unit_step import LEAST_WINDOWS, still_turned, unit_step
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.evidence import Evidence, Size, Transformation, TransformationKind
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.core.state import State
from watchkeeper.schema.kinds import ROUNDING
from watchkeeper.schema.names import words_of
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.words.transformations import transformation_words

__all__ = ["UnitChange", "times_of"]

Kinds = TransformationKind

_RESOLVED = 64
_CODES = 5
_COUNTS = frozenset({"count", "counts", "cnt", "n", "num", "qty", "quantity", "rows"})
_FARTHEST = log(50.0)
_ALIKE = ((log(100.0), 0.25), (log(8.0), 0.1), (0.0, 0.05))
"""Distance that what is turned back may surely keep, by the logarithm of the factor: the farther, the less it grew."""

_AS_IT_WAS = 0.1


class UnitChange:
    """By how many times a column is what it was, where a known transformation explains the change; 1 where none does.

    From the windows before, where four at least are known: see ``unit_step``. A transformation that was named is named
    again as long as undoing it brings the values four times nearer to the windows before than they are.

    From the reference alone, where none are known, so that a step cannot be told from growth: let D be the
    Kolmogorov–Smirnov distance, D_t the one that is left after turning the values back, and e = 1.36·√(1/n0 + 1/n),
    what sampling adds to a distance in one of twenty samples. A transformation is named where

    - D is at least .15 and four times D_t, and D_t + e at most .1 (.25 of factors of a hundred and more);
    - what is near it, such as another factor, leaves more than D_t + e;
    - nothing grows that far: factors of fifty or more, and offsets. A smaller factor has to be one of units that the
      name of the column speaks of; one below eight leaves no more than .05.

    Where the change is so large that the current values share a few bins of the reference's histogram, means and
    deviations are compared instead, which agree within a tenth of a deviation, and 10 %.

    A column with two to four values is one of codes, which have no unit; nor has a score, a share (a column with
    fractions that stays within [0, 1] on both sides), or a number of things, which is a column of whole numbers whose
    name says so, such as ``n_orders`` or ``row_count``. An arbitrary ratio is no unit but growth, see ``scale_of``.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "unit_change"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric columns that may have a unit."""
        counts = column.dtype.startswith(("Int", "UInt")) and not _COUNTS.isdisjoint(words_of(column.name))
        return column.kind is Kind.NUMERIC and column.role not in (Role.SCORE, Role.CLASS_SCORE) and not counts

    def compare(self, reference: State, current: State) -> Measurement:
        """Return by how many times the column is what it was, by the reference alone."""
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        before = distance_turned(p, q)
        if len(p.bins) == len(q.bins) == 1 and before > 0:
            why = "one value beside another one tells nothing of units"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=q.n)
        does = None if _no_unit(reference, current) else _named(reference, current, before)
        evidence = Evidence(size=sizes(p.n, q.n), distance=before, transformation=does)
        return self._of(reference, current, evidence)

    def compare_windows(self, reference: State, current: State, lately: Lately) -> Measurement:
        """Return the same by the windows before, where there are enough."""
        before, named = lately.shapes, lately.turned
        if len(before) < LEAST_WINDOWS and named is None:
            return self.compare(reference, current)
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        does = None
        if not _no_unit(reference, current) and distance_turned(p, q) > _AS_IT_WAS:
            does = named if named and still_turned(current, before, named) else unit_step(current, before)
        # It was held against windows, whose own scatter is allowed for: no further limit is.
        return self._of(reference, current, Evidence(size=Size(float(p.n)), transformation=does))

    def _of(self, reference: State, current: State, evidence: Evidence) -> Measurement:
        does, n = evidence.transformation, current.part("histogram", HistogramPart).n
        value = 1.0 if does is None else does.factor if does.kind is Kinds.RATIO else times_of(reference, current)
        return Measurement.of(current.key, Family.COMPARISON, self.name, value, n, evidence=evidence)

    def describe(self, measurement: Measurement) -> str:
        """Say what was done to the column."""
        does = measurement.evidence.transformation
        return f"is {measurement.value or 0.0:.4g} times what it was" if does is None else transformation_words(does)


def _no_unit(reference: State, current: State) -> bool:
    """Return whether the column is one of codes, or of shares: numbers from 0 to 1 on both sides, not all whole."""
    bins = len(reference.part("histogram", HistogramPart).bins)
    p, q = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
    whole = p.smallest == 0 and p.largest == 0
    shares = min(p.smallest, q.smallest) >= 0 and max(p.largest, q.largest) <= 1 + ROUNDING and not whole
    return 1 < bins < _CODES or shares


def _named(reference: State, current: State, before: float) -> Transformation | None:
    """Return the transformation that explains how the column differs from its reference; None where none does."""
    p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
    n_e = effective_size(p.n, q.n)
    if before < max(0.15, 2.5 / sqrt(n_e)):
        return None
    blurred = before >= 0.5 and len(q.bins) < _RESOLVED <= len(p.bins)
    lower, upper, middle = p.quantile([0.05, 0.95, 0.5]).tolist()
    fits: list[tuple[float, int]] = []
    known = [one for one in known_transformations(current.key.column) if _far(one) and one.plausible(lower, upper)]
    for number, one in enumerate(known):
        after = _apart(one, reference, current, blurred=blurred)
        size = abs(log(abs(one.does.factor))) if one.does.kind is Kinds.RATIO else LARGE
        kept = next(kept for least, kept in _ALIKE if size >= least)
        if after <= before / 4 and after + SURE / sqrt(n_e) <= kept:
            fits.append((after, number))
    if not fits:
        return None
    least, best = min(fits)
    told_apart = (
        _apart(other, reference, current, blurred=blurred) > least + SURE / sqrt(n_e)
        for other in known[best].neighbours(middle, sudden=False)
    )
    return known[best].does if all(told_apart) else None


def _far(one: KnownTransformation) -> bool:
    ratio = one.does.kind is Kinds.RATIO
    return one.linear and (one.hinted or not ratio or abs(log(one.does.factor)) >= _FARTHEST)


def _apart(one: KnownTransformation, reference: State, current: State, *, blurred: bool) -> float:
    """Return how far the current values, turned back, lie from the reference: a distance of distribution functions.

    Of blurred values the larger of .39 times the distance of the means in deviations, and .24 times that of the
    logarithms of the deviations, which are the distances of normal columns that differ so.
    """
    factor, offset = one.does.factor, one.does.offset
    if not blurred:
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        return distance_turned(p, q, factor, offset)
    before, now = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
    deviation = now.deviation / abs(factor)
    if not (before.n > 1 and now.n > 1 and before.deviation > 0 and deviation > 0):
        return 1.0
    mean = abs((now.mean - offset) / factor - before.mean) / before.deviation
    return min(1.0, max(0.39 * mean, 0.24 * abs(log(deviation / before.deviation))))


def times_of(reference: State, current: State) -> float:
    """Return the ratio of the means; where that is about 1, of the deviations; 2 where that is too."""
    before, now = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
    for first, second in ((before.mean, now.mean), (before.deviation, now.deviation)):
        if first and np.isfinite(second / first) and not 0.98 < second / first < 1.02:
            return float(second / first)
    return 2.0
