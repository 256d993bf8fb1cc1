"""Rows, nulls, NaN and infinities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import Levels, Numbers
from watchkeeper.stats.texts import Texts
from watchkeeper.stats.vectors import Vectors

__all__ = ["Count", "CountPart"]


@dataclass(frozen=True, slots=True)
class CountPart:
    """Rows in all, and how many of them are null, NaN, +inf and -inf."""

    rows: int = 0
    nulls: int = 0
    nans: int = 0
    positive: int = 0
    negative: int = 0

    @property
    def missing(self) -> int:
        """Nulls and NaN together: rows that carry no value."""
        return self.nulls + self.nans

    @property
    def valid(self) -> int:
        """Rows that carry a finite value."""
        return self.rows - self.missing - self.positive - self.negative


class _Work:
    def __init__(self) -> None:
        self.rows = self.nulls = self.nans = self.positive = self.negative = 0

    def add(self, block: Numbers | Levels | Texts | Vectors) -> None:
        self.rows += block.rows
        self.nulls += block.nulls
        if isinstance(block, Numbers):
            self.nans += block.nans
            self.positive += block.positive
            self.negative += block.negative

    def part(self) -> CountPart:
        return CountPart(self.rows, self.nulls, self.nans, self.positive, self.negative)


class Count:
    """Number of rows, nulls, NaN and infinities; exact.

    Examples
    --------
    >>> Count().result(CountPart(rows=10, nulls=2, nans=1))
    {'rows': 10, 'valid': 7, 'missing_share': 0.3}
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "count"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Numbers, Levels, Texts, Vectors)
    part_type: ClassVar[type] = CountPart

    def applies(self, column: Column) -> bool:
        """Every column."""
        return True

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: CountPart, b: CountPart) -> CountPart:
        """Add the counts."""
        return CountPart(
            a.rows + b.rows, a.nulls + b.nulls, a.nans + b.nans, a.positive + b.positive, a.negative + b.negative
        )

    def result(self, part: CountPart) -> dict[str, float]:
        """Return rows, valid rows and the share of nulls and NaN."""
        share = part.missing / part.rows if part.rows else float("nan")
        return {"rows": part.rows, "valid": part.valid, "missing_share": share}
