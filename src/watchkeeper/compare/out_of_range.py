"""Share of rows outside of everything that was ever seen."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.calendar_course import off_dates
from watchkeeper.compare.cells import lacking, rest_alike, sizes
from watchkeeper.compare.recent import Seen, last_range
from watchkeeper.compare.value_range import CONSTANT_BEFORE, ValueRange, beyond, value_range
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.intervals import wilson
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.words.change import from_to

__all__ = ["OutOfRange"]


class OutOfRange:
    """Share of the values outside of all that was seen: beyond its range by its width, or most by a quarter of it.

    The range is that of the reference and of the last eight windows, so that it runs with growth; of a window only the
    values inside of it and a quarter more widen it, so that a fault never does. Codes such as -999 that the reference
    holds itself lie outside and are counted on both sides. Values are told apart by the bins of the universal
    histogram, which are at most 1/128 of the distance from the reference's median wide.

    A column without negative values has bounds of another kind: ages, prices and lengths below zero count however near
    they lie, as long as the other rows look like the reference; where all of them move, it is the season.

    A part of the calendar, such as a month, may have only the numbers that the dates of the window allow; any other
    counts, by the values that hold most rows.

    A column that held one value has no range: that it moves now is no fault.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "out_of_range"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Numeric columns."""
        return column.kind is Kind.NUMERIC

    def compare(self, reference: State, current: State) -> Measurement:
        """Return by how much the share rose, by the range of the reference alone."""
        return self.compare_recent(reference, current, ())

    def compare_recent(self, reference: State, current: State, recent: tuple[Seen, ...]) -> Measurement:
        """Return by how much the share rose, by the range of the reference and of the windows before."""
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        missing = lacking(self.name, current, p.n, q.n)
        if missing:
            return missing
        dates = dict(pair for one in recent for pair in one.dates)
        known = value_range(p)
        own = known or (ValueRange(min(dates), max(dates)) if dates else None)
        if own is None:
            return Measurement.missing(current.key, Family.COMPARISON, self.name, CONSTANT_BEFORE, n=q.n)
        span, moments = own.joined(last_range(recent)), current.part("moments", MomentsPart)
        outside0, outside = beyond(p, own) if known else 0, max(beyond(q, span), self._negative(reference, current))
        if dates:
            outside = max(outside, off_dates(current.part("atoms", AtomsPart), dates))
            span = ValueRange(min(dates), max(dates))
        before, now = outside0 / p.n, outside / q.n
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, max(0.0, now - before), q.n,
            error=sqrt(before * (1 - before) / p.n + now * (1 - now) / q.n),
            evidence=Evidence(
                Change(Quantity.SHARE, before, now, wilson(outside0, p.n)[1]), sizes(p.n, q.n),
                details={"lower": span.lower, "upper": span.upper,
                         "smallest": moments.smallest, "largest": moments.largest, **({"dates": 1} if dates else {})},
            ),
        )  # fmt: skip

    @staticmethod
    def _negative(reference: State, current: State) -> int:
        """Return how many values are negative where none was and all others are as they were; counted by whole bins."""
        p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
        before, now = (side.part("moments", MomentsPart).smallest for side in (reference, current))
        below = q.edges()[1] <= 0
        if before < 0 or now >= 0 or not rest_alike(p, q, np.where(below, 0, q.counts)):
            return 0
        return int(q.counts[below].sum())

    def describe(self, measurement: Measurement) -> str:
        """Say how many rows lie outside of which range, and how far the values reach."""
        lower, upper, smallest, largest = self.reach(measurement)
        share, now = from_to(measurement.evidence.change), f"{smallest:.4g} to {largest:.4g}"
        if self.by_date(measurement):
            return f"is not what the dates say ({_from_to(lower, upper)}): {share}, now {_from_to(smallest, largest)}"
        return f"lies outside of all that was seen ({lower:.4g} to {upper:.4g}): {share}, now {now}"

    @staticmethod
    def by_date(measurement: Measurement) -> bool:
        """Return whether the range is that of the dates of the rows."""
        return "dates" in measurement.evidence.details

    @staticmethod
    def reach(measurement: Measurement) -> tuple[float, float, float, float]:
        """Return the range that was seen, and the smallest and largest value now, of a measurement of this."""
        held = measurement.evidence.details
        return float(held["lower"]), float(held["upper"]), float(held["smallest"]), float(held["largest"])


def _from_to(smallest: float, largest: float) -> str:
    return f"{smallest:.4g}" if smallest == largest else f"{smallest:.4g} to {largest:.4g}"
