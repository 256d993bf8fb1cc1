"""Mean and spread of what the model answers, with or without labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, Outcomes

__all__ = ["CentralSums", "PredictionSums", "PredictionSumsPart"]


@dataclass(frozen=True, slots=True)
class CentralSums:
    """n, the mean m, and Σ(x - m)², Σ(x - m)³, Σ(x - m)⁴: merged without an anchor and without cancellation.

    References
    ----------
    Pébay (2008), Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical
    moments, doi:10.2172/1028931.

    Examples
    --------
    >>> CentralSums.of(np.array([1.0, 2.0])).merged(CentralSums.of(np.array([6.0])))
    CentralSums(n=3, mean=3.0, second=14.0, third=18.0, fourth=98.0)
    """

    n: int = 0
    mean: float = 0.0
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0

    @classmethod
    def of(cls, x: NDArray[np.float64]) -> CentralSums:
        """Return the sums of finite values, shape (m,)."""
        if not len(x):
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(x.mean())
            d = x - mean
            squares = d * d
            return cls(
                len(x), mean, float(squares.sum()),
                float(np.einsum("i,i->", d, squares)), float(np.einsum("i,i->", squares, squares)),
            )  # fmt: skip

    def merged(self, other: CentralSums) -> CentralSums:
        """Return the sums of both."""
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        mean = self.mean + (other.mean - self.mean) * (other.n / n)
        a, b = self._about(mean), other._about(mean)
        return CentralSums(n, mean, a[0] + b[0], a[1] + b[1], a[2] + b[2])

    def _about(self, centre: float) -> tuple[float, float, float]:
        """Return Σ(x - c)², Σ(x - c)³, Σ(x - c)⁴."""
        # Products instead of powers: a power that overflows raises, a product becomes infinite.
        by = self.mean - centre
        square = by * by
        return (
            self.second + self.n * square,
            self.third + 3.0 * by * self.second + self.n * by * square,
            self.fourth + 4.0 * by * self.third + 6.0 * square * self.second + self.n * square * square,
        )


@dataclass(frozen=True, slots=True)
class PredictionSumsPart:
    """Rows in all, and the sums over those that carry a finite prediction or score.

    Attributes
    ----------
    rows
        Rows, labelled or not.
    sums
        n, mean and central sums of the summed number.
    of
        What is summed: ``prediction`` of a regressor, ``score``, or ``class`` for the indicator of the positive class;
        empty when there is nothing to sum.
    """

    rows: int = 0
    sums: CentralSums = field(default_factory=CentralSums)
    of: str = ""

    @property
    def variance(self) -> float:
        """Sample variance (n - 1); NaN below two rows."""
        return self.sums.second / (self.sums.n - 1) if self.sums.n > 1 else nan


class _Work:
    def __init__(self, has_score: bool) -> None:
        self.has_score = has_score
        self.rows = 0
        self.sums = CentralSums()
        self.of = ""

    def add(self, block: Outcomes) -> None:
        self.rows += block.rows
        self.of = self._chosen(block) or self.of
        if self.of == "class":
            self._count(block)
            return
        numbers = block.prediction if self.of == "prediction" else block.score if self.of == "score" else None
        if numbers is None:
            return
        for start in range(0, block.rows, BLOCK):
            piece = numbers[start : start + BLOCK].astype(np.float64, copy=False)
            with np.errstate(over="ignore", invalid="ignore"):
                suspicious = not np.isfinite(piece.sum())
            if suspicious:
                piece = piece[np.isfinite(piece)]
            self.sums = self.sums.merged(CentralSums.of(piece))

    def _chosen(self, block: Outcomes) -> str:
        """Return what is summed, from the schema and not from which columns this block happens to have."""
        if not block.classes and any(a is not None and a.dtype.kind == "f" for a in (block.label, block.prediction)):
            return "prediction"
        if self.has_score:
            return "score"
        return "class" if block.positive is not None else ""

    def _count(self, block: Outcomes) -> None:
        """Take the indicator of the positive class in, from its two counts."""
        if block.prediction is None:
            return
        n = int(np.count_nonzero(block.prediction != -1))
        ones = int(np.count_nonzero(block.prediction == block.positive))
        for value, times in ((1.0, ones), (0.0, n - ones)):
            if times:
                self.sums = self.sums.merged(CentralSums(times, value))

    def part(self) -> PredictionSumsPart:
        return PredictionSumsPart(self.rows, self.sums, self.of)


class PredictionSums:
    """Count, mean and central sums up to the fourth of the predictions of all rows, labelled or not.

    Of a regressor the prediction is summed, of a classifier the score where the schema has one, otherwise the
    indicator of the positive class. Exact up to float64 rounding; nulls, NaN and infinities are counted and left out.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "prediction_sums"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = PredictionSumsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory; a score column without a name says that the schema has none."""
        return _Work(bool(column.name))

    def merge(self, a: PredictionSumsPart, b: PredictionSumsPart) -> PredictionSumsPart:
        """Merge the sums."""
        return PredictionSumsPart(a.rows + b.rows, a.sums.merged(b.sums), a.of or b.of)

    def result(self, part: PredictionSumsPart) -> dict[str, float]:
        """Return rows, rows with a prediction, mean and variance."""
        mean = part.sums.mean if part.sums.n else nan
        return {"rows": part.rows, "n": part.sums.n, "mean": mean, "variance": part.variance}
