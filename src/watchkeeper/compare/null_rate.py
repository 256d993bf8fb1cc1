"""Change of the share of rows without a usable value."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

from watchkeeper.compare.cells import UNCOUNTED, effective_size, lacking, uncounted
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, is_countable
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.intervals import newcombe, wilson
from watchkeeper.words.change import from_to

__all__ = ["NullRate"]


class NullRate:
    """Share of nulls, NaN and infinities now, minus the same share in the reference.

    The interval is Newcombe's hybrid of two Wilson intervals. Exact.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "null_rate"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Every single column whose rows can be counted."""
        return column.kind is not Kind.JOINT and is_countable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the change, positive when more is missing."""
        if uncounted(reference, current):
            return Measurement.missing(current.key, Family.COMPARISON, self.name, UNCOUNTED)
        a, b = reference.part("count", CountPart), current.part("count", CountPart)
        missing = lacking(self.name, current, a.rows, b.rows)
        if missing:
            return missing
        lost0, lost = a.rows - a.valid, b.rows - b.valid
        p, q = lost0 / a.rows, lost / b.rows
        high0 = wilson(lost0, a.rows)[1]
        pooled = (lost0 + lost) / (a.rows + b.rows)
        size = effective_size(a.rows, b.rows)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, q - p, b.rows,
            error=sqrt(p * (1 - p) / a.rows + q * (1 - q) / b.rows),
            floor=sqrt(2 / pi * pooled * (1 - pooled) / size),
            interval=newcombe(lost0, a.rows, lost, b.rows),
            evidence=Evidence(
                Change(Quantity.NULL_SHARE, p, q, high0),
                Size(a.rows, size),
                details={"nulls": b.nulls, "nans": b.nans, "infinities": b.positive + b.negative},
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say how many values are missing, or infinite where most of them are."""
        infinite = float(measurement.evidence.details.get("infinities", 0))
        what = "infinite" if infinite > 0.5 * (measurement.value or 0.0) * measurement.n else "without a value"
        return f"{what}: {from_to(measurement.evidence.change)}"
