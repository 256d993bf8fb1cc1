"""How well scores agree, as probabilities, with what came true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, NumericMap
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.score_histogram import ScoredRows, scored_rows

__all__ = ["BINS", "Calibration", "CalibrationPart"]

BINS = 15
"""Equal-width bins of the reliability curve."""

_N = TypeVar("_N", np.int64, np.float64)
_CELLS = BINS + 1
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class CalibrationPart:
    """Sums over the labelled rows of a binary classifier whose score s is a probability of y = 1.

    Attributes
    ----------
    counts, positives
        Rows and positives of each bin (k/15, (k+1)/15], int64, shape (15,).
    scores
        Σs of each bin, float64, shape (15,).
    log_loss, log_loss_squares
        Σl and Σl², l = -ln of the probability given to what came true, clipped at 2.2e-16.
    squared, squared_squares
        Σ(s - y)² and Σ(s - y)⁴.
    outside
        Rows whose finite score lies outside [0, 1]; they are in no sum.
    unscored
        Labelled rows whose score is null, NaN or infinite; they are in no sum.
    probability
        False when the score column's map says that it holds something else than probabilities.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    positives: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    log_loss: float = 0.0
    log_loss_squares: float = 0.0
    squared: float = 0.0
    squared_squares: float = 0.0
    outside: int = 0
    unscored: int = 0
    probability: bool = True

    @property
    def n(self) -> int:
        """Rows in the sums."""
        return int(self.counts.sum())


class _Work:
    def __init__(self, probability: bool) -> None:
        self.probability = probability
        self.counts = np.zeros(2 * _CELLS, np.int64)
        self.scores = np.zeros(2 * _CELLS)
        self.sums = [0.0, 0.0, 0.0, 0.0]
        self.outside = self.unscored = 0
        self.given, self.loss = np.empty(BLOCK), np.empty(BLOCK)
        self.keys = np.empty(BLOCK, np.intp)

    def add(self, block: Outcomes) -> None:
        for piece in scored_rows(block):
            self.unscored += piece.unscored
            if self.probability and len(piece.scores):
                inside = self._inside(piece)
                self._count(inside)
                self._lose(inside)

    def _inside(self, piece: ScoredRows) -> ScoredRows:
        if piece.scores.min() >= 0.0 and piece.scores.max() <= 1.0:
            return piece
        inside = (piece.scores >= 0.0) & (piece.scores <= 1.0)
        self.outside += len(inside) - int(np.count_nonzero(inside))
        return ScoredRows(piece.scores[inside], piece.positive[inside], 0)

    def _count(self, piece: ScoredRows) -> None:
        m = len(piece.scores)
        place, offset, keys = self.given[:m], self.loss[:m], self.keys[:m]
        np.multiply(piece.scores, BINS, out=place)
        np.ceil(place, out=place)
        offset[:] = piece.positive
        offset *= _CELLS
        place += offset
        keys[:] = place
        self.counts += np.bincount(keys, minlength=2 * _CELLS)
        self.scores += np.bincount(keys, piece.scores, minlength=2 * _CELLS)

    def _lose(self, piece: ScoredRows) -> None:
        m = len(piece.scores)
        given, loss = self.given[:m], self.loss[:m]
        # |1 - y - s| is the probability given to what came true, exactly.
        given[:] = piece.positive
        np.subtract(1.0, given, out=given)
        given -= piece.scores
        np.abs(given, out=given)
        np.subtract(1.0, given, out=loss)
        loss *= loss
        self.sums[2] += float(loss.sum())
        self.sums[3] += float(np.einsum("i,i->", loss, loss))
        np.maximum(given, _EPSILON, out=given)
        np.log(given, out=given)
        self.sums[0] -= float(given.sum())
        self.sums[1] += float(np.einsum("i,i->", given, given))

    def part(self) -> CalibrationPart:
        counts = _closed(self.counts.reshape(2, _CELLS))
        scores = _closed(self.scores.reshape(2, _CELLS))
        log_loss, log_loss_squares, squared, squared_squares = self.sums
        return CalibrationPart(
            counts.sum(axis=0), counts[1].copy(), scores.sum(axis=0), log_loss, log_loss_squares,
            squared, squared_squares, self.outside, self.unscored, self.probability,
        )  # fmt: skip


def _closed(cells: NDArray[_N]) -> NDArray[_N]:
    """Add the cell of the score 0 to the first bin; the shape changes from (2, 16) to (2, 15)."""
    bins = cells[:, 1:].copy()
    bins[:, 0] += cells[:, 0]
    return bins


class Calibration:
    """Reliability bins, log loss and squared error of the scores of a binary classifier.

    Exact. Bins are closed on the right, as in scikit-learn's ``calibration_curve``; the log loss is clipped as in
    scikit-learn's ``log_loss``. Scores outside [0, 1] are counted and left out.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "calibration"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = CalibrationPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory; the map of the score column says whether it holds probabilities."""
        return _Work(column.map == NumericMap())

    def merge(self, a: CalibrationPart, b: CalibrationPart) -> CalibrationPart:
        """Add the counts and sums."""
        return CalibrationPart(
            a.counts + b.counts, a.positives + b.positives, a.scores + b.scores,
            a.log_loss + b.log_loss, a.log_loss_squares + b.log_loss_squares,
            a.squared + b.squared, a.squared_squares + b.squared_squares,
            a.outside + b.outside, a.unscored + b.unscored, a.probability and b.probability,
        )  # fmt: skip

    def result(self, part: CalibrationPart) -> list[tuple[float, float, int]]:
        """Return mean score, share of positives and rows of each occupied bin."""
        return [
            (float(s / n), float(p / n), int(n))
            for s, p, n in zip(part.scores, part.positives, part.counts, strict=True)
            if n
        ]
