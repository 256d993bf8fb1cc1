"""How far a regressor's predictions are from the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.prediction_sums import CentralSums

__all__ = ["ErrorSums", "ErrorSumsPart"]

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class ErrorSumsPart:
    """Sums over rows with a finite label y and a finite prediction p; e = p - y.

    Attributes
    ----------
    rows, labelled
        Rows in all, and rows with a finite label.
    errors, labels
        n, mean and central sums of e and of y.
    absolute, fourth
        Σ|e| and Σe⁴.
    relative, relative_squares
        Σr and Σr² of r = |e| / max(|y|, 2.2e-16).
    symmetric, symmetric_squares
        Σs and Σs² of s = 2|e| / (|y| + |p|), 0 where both are 0.
    cross, cross_squares
        Σe²(y - ȳ) and Σe²(y - ȳ)², ȳ the mean label.
    zeros
        Rows whose label is 0, where a relative error means little.
    """

    rows: int = 0
    labelled: int = 0
    errors: CentralSums = field(default_factory=CentralSums)
    labels: CentralSums = field(default_factory=CentralSums)
    absolute: float = 0.0
    fourth: float = 0.0
    relative: float = 0.0
    relative_squares: float = 0.0
    symmetric: float = 0.0
    symmetric_squares: float = 0.0
    cross: float = 0.0
    cross_squares: float = 0.0
    zeros: int = 0

    @property
    def n(self) -> int:
        """Rows in the sums."""
        return self.errors.n

    @property
    def squared(self) -> float:
        """Σe²."""
        return self.errors.second + self.errors.n * self.errors.mean * self.errors.mean

    def merged(self, other: ErrorSumsPart) -> ErrorSumsPart:
        """Return the sums of both."""
        labels = self.labels.merged(other.labels)
        a, b = self._cross_about(labels.mean), other._cross_about(labels.mean)
        return ErrorSumsPart(
            self.rows + other.rows, self.labelled + other.labelled,
            self.errors.merged(other.errors), labels,
            self.absolute + other.absolute, self.fourth + other.fourth,
            self.relative + other.relative, self.relative_squares + other.relative_squares,
            self.symmetric + other.symmetric, self.symmetric_squares + other.symmetric_squares,
            a[0] + b[0], a[1] + b[1], self.zeros + other.zeros,
        )  # fmt: skip

    def _cross_about(self, centre: float) -> tuple[float, float]:
        if not self.n:
            return 0.0, 0.0
        by = self.labels.mean - centre
        squared = self.squared
        return self.cross + by * squared, self.cross_squares + 2.0 * by * self.cross + by * by * squared


def _sums(y: NDArray[np.float64], p: NDArray[np.float64], rows: int, labelled: int) -> ErrorSumsPart:
    if not len(y):
        return ErrorSumsPart(rows, labelled)
    with np.errstate(over="ignore", invalid="ignore"):
        labels = CentralSums.of(y)
        e = p - y
        squares = e * e
        errors = CentralSums.of(e)
        d = y - labels.mean
        weighted = squares * d
        absolute = np.abs(e)
        size = np.abs(y)
        relative = absolute / np.maximum(size, _EPSILON)
        size += np.abs(p)
        # Where both are 0 so is the error, and 0 divided by the smallest number is 0.
        np.maximum(size, 5e-324, out=size)
        symmetric = np.divide(absolute, size, out=size)
        symmetric *= 2.0
        return ErrorSumsPart(
            rows, labelled, errors, labels,
            float(absolute.sum()), float(np.einsum("i,i->", squares, squares)),
            float(relative.sum()), float(np.einsum("i,i->", relative, relative)),
            float(symmetric.sum()), float(np.einsum("i,i->", symmetric, symmetric)),
            float(weighted.sum()), float(np.einsum("i,i->", weighted, d)),
            len(y) - int(np.count_nonzero(y)),
        )  # fmt: skip


class _Work:
    def __init__(self) -> None:
        self.known = ErrorSumsPart()

    def add(self, block: Outcomes) -> None:
        label, prediction = block.label, block.prediction
        if block.classes or any(a is not None and a.dtype.kind != "f" for a in (label, prediction)):
            return
        if label is None:
            self.known = self.known.merged(ErrorSumsPart(block.rows))
            return
        for start in range(0, block.rows, BLOCK):
            y = label[start : start + BLOCK].astype(np.float64, copy=False)
            rows = len(y)
            known = np.isfinite(y)
            labelled = int(np.count_nonzero(known))
            if prediction is None:
                self.known = self.known.merged(ErrorSumsPart(rows, labelled))
                continue
            p = prediction[start : start + BLOCK].astype(np.float64, copy=False)
            known &= np.isfinite(p)
            if not known.all():
                y, p = y[known], p[known]
            self.known = self.known.merged(_sums(y, p, rows, labelled))

    def part(self) -> ErrorSumsPart:
        return self.known


class ErrorSums:
    """Sums of the errors of a regressor, for MAE, MSE, RMSE, MAPE, SMAPE, R², bias and their standard errors.

    Exact up to float64 rounding: errors and labels are kept as central moments, so that R² stays right when the
    labels lie far from zero. Rows without a finite label or prediction are counted and left out.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "error_sums"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ErrorSumsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: ErrorSumsPart, b: ErrorSumsPart) -> ErrorSumsPart:
        """Merge the sums."""
        return a.merged(b)

    def result(self, part: ErrorSumsPart) -> dict[str, float]:
        """Return n, Σe, Σ|e| and Σe²."""
        return {
            "n": part.n,
            "error": part.n * part.errors.mean,
            "absolute": part.absolute,
            "squared": part.squared,
        }
