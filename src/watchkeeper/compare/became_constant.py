"""A column that holds one value, where every row had its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import UNCOUNTED, lacking, sizes, uncounted
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, is_countable
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.distinct import Distinct, DistinctPart

__all__ = ["BecameConstant"]

_LEAST = 30
_COMING = 0.05


class BecameConstant:
    """1 where all values are one and the reference's were many, else 0; of columns that nothing else is compared of.

    Many are more than one in twenty rows: times of day, ids and lists that differ from row to row. A date or the id of
    a batch that is one within a window and another in the next has few, and is not spoken of; nor are fewer than 30
    rows. Lists and structs need two. One value is told exactly, the number of different ones within some per cent.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "became_constant"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Speak of identifiers, times, lists and structs."""
        return column.kind in (Kind.IDENTIFIER, Kind.TIME, Kind.UNUSABLE) and is_countable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return whether it became constant."""
        if uncounted(reference, current):
            return Measurement.missing(current.key, Family.COMPARISON, self.name, UNCOUNTED)
        n0, n = (side.part("count", CountPart).valid for side in (reference, current))
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        before, now = (side.part("distinct", DistinctPart) for side in (reference, current))
        nested = current.spec is not None and current.spec.kind is Kind.UNUSABLE
        different0, different = (Distinct().result(part) for part in (before, now))
        many = _registers(before) > 1 if nested else different0 > _COMING * n0
        constant = n >= _LEAST and many and _registers(now) <= 1
        shares = min(1.0, different0 / n0), min(1.0, different / n)
        evidence = Evidence(Change(Quantity.SHARE, *shares, levels=("different values",)), sizes(n0, n))
        return Measurement.of(current.key, Family.COMPARISON, self.name, float(constant), n, evidence=evidence)

    def describe(self, measurement: Measurement) -> str:
        """Say that it is constant."""
        return f"holds one value in all {measurement.n:,} rows, where it differed from row to row"


def _registers(part: DistinctPart) -> int:
    """Return how many registers a value has reached: one value reaches one."""
    return int(np.count_nonzero(part.registers))
