"""Count, mean, variance, smallest and largest value."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap
from watchkeeper.stats.blocks import Numbers

__all__ = ["Moments", "MomentsPart"]

_PIECE = 8_192


@dataclass(frozen=True, slots=True)
class MomentsPart:
    """n, Σ(x - a) and Σ(x - a)² about the anchor a, with the smallest and largest value."""

    anchor: float
    n: int = 0
    first: float = 0.0
    second: float = 0.0
    smallest: float = inf
    largest: float = -inf

    @property
    def mean(self) -> float:
        """Arithmetic mean; NaN without rows."""
        return self.anchor + self.first / self.n if self.n else nan

    @property
    def variance(self) -> float:
        """Sample variance (n - 1); NaN below two rows."""
        if self.n < 2:
            return nan
        return max(0.0, (self.second - self.first * self.first / self.n) / (self.n - 1))

    @property
    def deviation(self) -> float:
        """Sample standard deviation; NaN below two rows."""
        return sqrt(self.variance) if self.n >= 2 else nan

    @property
    def mean_error(self) -> float:
        """Standard error of the mean; NaN below two rows."""
        return self.deviation / sqrt(self.n) if self.n >= 2 else nan


class _Work:
    def __init__(self, map: NumericMap) -> None:
        self.anchor = map.anchor
        self.n, self.first, self.second = 0, 0.0, 0.0
        self.smallest, self.largest = inf, -inf

    def add(self, block: Numbers) -> None:
        if not len(block.x):
            return
        difference = block.difference
        self.n += len(difference)
        self.first += block.total
        # Longer dot products wake the threads of the linear-algebra library, which then spin on the other core.
        for start in range(0, len(difference), _PIECE):
            piece = difference[start : start + _PIECE]
            self.second += float(np.vdot(piece, piece))
        self.smallest = min(self.smallest, float(block.x.min()))
        self.largest = max(self.largest, float(block.x.max()))

    def part(self) -> MomentsPart:
        return MomentsPart(self.anchor, self.n, self.first, self.second, self.smallest, self.largest)


class Moments:
    """Mean and variance from sums anchored at the reference median, so that nothing cancels.

    mean = a + Σ(x - a)/n, variance = (Σ(x - a)² - (Σ(x - a))²/n) / (n - 1). Exact up to float64 rounding as long as
    the anchor lies within a few standard deviations of the mean; the NIST StRD univariate sets are the test.

    References
    ----------
    Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance, doi:10.1080/00031305.1983.10483115.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "moments"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Numbers,)
    part_type: ClassVar[type] = MomentsPart

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return column.kind in (Kind.NUMERIC, Kind.TIME)

    def start(self, column: Column) -> _Work:
        """Return empty working memory about the column's anchor."""
        return _Work(column.map)

    def merge(self, a: MomentsPart, b: MomentsPart) -> MomentsPart:
        """Add the sums; StateError when the anchors differ."""
        if a.anchor != b.anchor:
            raise StateError(f"moments about {a.anchor} and {b.anchor} do not merge; summarise both with one reference")
        return MomentsPart(
            a.anchor, a.n + b.n, a.first + b.first, a.second + b.second,
            min(a.smallest, b.smallest), max(a.largest, b.largest),
        )  # fmt: skip

    def result(self, part: MomentsPart) -> dict[str, float]:
        """Return n, mean, standard deviation, smallest and largest value."""
        return {
            "n": part.n,
            "mean": part.mean,
            "deviation": part.deviation,
            "smallest": part.smallest,
            "largest": part.largest,
        }
