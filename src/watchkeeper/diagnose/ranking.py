"""How often rows are ranked wrongly: 1 - AUROC of weighted rows, and what each row adds to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Schema
from watchkeeper.stats.outcomes import outcomes

__all__ = ["Ranking", "ranking"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores and what came true.

    Attributes
    ----------
    score
        float64, shape (k,), NaN where the score or the label is not known.
    positive
        Whether the label is the positive class, shape (k,).
    """

    score: Floats
    positive: NDArray[np.bool_]

    def where(self, kept: NDArray[np.bool_]) -> Ranking:
        """Return some of the rows."""
        return Ranking(self.score[kept], self.positive[kept])

    def loss(self, weights: Floats) -> float:
        """Return 1 - AUROC: how often a negative row outranks a positive one, ties counting one half."""
        level, _ = self._misplaced(weights)
        return level

    def row_losses(self, weights: Floats) -> Floats:
        """Return what each row adds, shape (k,): weighted, they have the mean 1 - AUROC.

        With c_i the share of the rows of the other class on the wrong side of row i, L = 1 - AUROC the mean of c over
        either class and π the share of positive rows, l_i = L + (c_i - L)/π for positive rows and L + (c_i - L)/(1 - π)
        for negative ones: the influence function, by which to first order L changes where rows of a kind become more.
        NaN where a score is, and everywhere where a class has no rows.

        References
        ----------
        DeLong, DeLong, Clarke-Pearson (1988), Comparing the areas under two or more correlated receiver operating
        characteristic curves, doi:10.2307/2531595, for c.
        """
        level, misplaced = self._misplaced(weights)
        known = np.isfinite(self.score)
        total = float(weights[known].sum())
        share = float(weights[known & self.positive].sum()) / total if total > 0 else 0.0
        if not 0 < share < 1:
            return np.full(len(self.score), np.nan)
        return level + (misplaced - level) / np.where(self.positive, share, 1 - share)

    def _misplaced(self, weights: Floats) -> tuple[float, Floats]:
        known = np.isfinite(self.score)
        values, place = np.unique(self.score[known], return_inverse=True)
        positive, w = self.positive[known], weights[known]
        ups, downs = (np.bincount(place, w * side, len(values)) for side in (positive, ~positive))
        found = np.full(len(self.score), np.nan)
        if ups.sum() <= 0 or downs.sum() <= 0:
            return float("nan"), found
        above = (downs.sum() - np.cumsum(downs) + downs / 2) / downs.sum()
        below = (np.cumsum(ups) - ups / 2) / ups.sum()
        found[known] = np.where(positive, above[place], below[place])
        return float(ups @ above / ups.sum()), found


def ranking(frame: pl.DataFrame, schema: Schema) -> Ranking | None:
    """Return the scores and labels of a binary classifier's rows; None where they cannot be read."""
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError):
        return None
    if block.label is None or block.score is None or block.positive is None:
        return None
    score = np.where(block.labelled & np.isfinite(block.score), block.score, np.nan)
    return Ranking(score, np.asarray(block.label == block.positive))
