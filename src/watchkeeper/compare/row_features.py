"""Rows as points for detectors of anomalies: comparable units, levels by how rare they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["RowFeatures"]

Matrix = NDArray[np.float64]

_FARTHEST = 1e6
"""Interquartile ranges beyond which a value is no farther; infinities lie there."""


@dataclass(frozen=True, slots=True)
class RowFeatures:
    """How rows become points, learnt from some rows of the reference and the same for all others.

    A number is taken from the median in interquartile ranges (mean absolute deviations, or its own unit, where there
    are none). A null is the median, and a coordinate of its own says that it was null where the rows learnt from have
    nulls. A level becomes its surprisal -ln p in nats, p its share, so that rare levels lie far from common ones; a
    level that was never seen counts as one row in n + 1.

    Attributes
    ----------
    middle, scale
        Of each of the d numeric features, shape (d,).
    holed
        Numeric features that have nulls, shape (d,).
    surprisals
        By level, for each categorical feature; null is a level.
    unseen
        Surprisal of a level that was never seen.
    """

    middle: Matrix
    scale: Matrix
    holed: NDArray[np.bool_]
    surprisals: tuple[Mapping[str | None, float], ...]
    unseen: float

    @classmethod
    def of(cls, x: Matrix, levels: pl.DataFrame) -> RowFeatures:
        """Learn from rows.

        Parameters
        ----------
        x
            Numeric features in their own units, NaN where there is none, shape (n, d).
        levels
            Categorical features of the same rows as text.
        """
        known = np.where(np.isfinite(x), x, np.nan)
        known[:, np.isnan(known).all(axis=0)] = 0.0
        low, middle, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
        away = np.nanmean(np.abs(known - middle), axis=0)
        scale = np.where(high > low, high - low, np.where(away > 0, away, 1.0))
        counts = [Counter(series.to_list()) for series in levels.iter_columns()]
        surprisals = tuple({level: -log(k / len(x)) for level, k in found.items()} for found in counts)
        return cls(middle, scale, np.asarray(np.isnan(x).any(axis=0)), surprisals, log(len(x) + 1))

    def points(self, x: Matrix, levels: pl.DataFrame) -> Matrix:
        """Return rows as points, shape (k, d + number of holed features + number of levels)."""
        lost = np.isnan(x)
        with np.errstate(over="ignore"):
            z = np.clip((np.where(lost, self.middle, x) - self.middle) / self.scale, -_FARTHEST, _FARTHEST)
        coded = [
            np.array([table.get(level, self.unseen) for level in series.to_list()], float)
            for table, series in zip(self.surprisals, levels.iter_columns(), strict=True)
        ]
        return np.column_stack([z, lost[:, self.holed], *coded])
