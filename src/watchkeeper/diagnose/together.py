"""Whether columns of numbers go together otherwise than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt, tanh

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from watchkeeper.core.columns import series_named
from watchkeeper.core.schema import Column, Kind
from watchkeeper.diagnose.density_ratio import usable
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.stats.blocks import to_float

__all__ = ["Together", "moved_together"]

Floats = NDArray[np.float64]

_LEAST = 100
_MOST_COLUMNS = 50
_SURE = 0.05
_CONSTANT = 0.9


@dataclass(frozen=True, slots=True)
class Together:
    """Two columns whose correlation inside segments changed.

    Attributes
    ----------
    columns
        Both, in the order of the schema.
    before, now
        Correlation of the ranks of each side.
    lower
        Lower bound of the change at 95 % for all pairs together.
    """

    columns: tuple[str, str]
    before: float
    now: float
    lower: float


def moved_together(features: Sequence[Column], rows0: Sampled, rows: Sampled) -> list[Together]:
    """Return the pairs of columns of numbers whose correlation surely changed, the largest change first.

    Spearman's correlation of the residuals from the medians of segments, so that neither the unit, nor a wild value,
    nor other shares of segments make a difference. The bound is that of the difference of Fisher's z with the variance
    1.06/(n - 3) of rank correlations, taken back to a correlation at its smaller end; rows whose weights differ count
    by their effective number. At most 50 columns; those that hardly vary on a side are left out.

    References
    ----------
    Fieller, Hartley, Pearson (1957), Tests for rank correlation coefficients, doi:10.1093/biomet/44.3-4.470.
    """
    if min(len(rows0), len(rows)) < _LEAST:
        return []
    numbers = [c for c in usable(features, rows0.frame, rows.frame) if c.kind in (Kind.NUMERIC, Kind.TIME)]
    sides = (rows0, rows)
    numbers = [c for c in numbers if all(_varies(series_named(side.frame, c.name)) for side in sides)][:_MOST_COLUMNS]
    if len(numbers) < 2:
        return []
    r0, r = (_correlations(numbers, side) for side in (rows0, rows))
    sizes = [1.0 / float((side.weights**2).sum()) for side in (rows0, rows)]
    pairs = list(combinations(range(len(numbers)), 2))
    far = float(ndtri(1 - _SURE / 2 / len(pairs))) * sqrt(sum(1.06 / max(n - 3, 1.0) for n in sizes))
    found: list[Together] = []
    for a, b in pairs:
        before, now = float(r0[a, b]), float(r[a, b])
        z0, z = (float(np.arctanh(np.clip(x, -0.999999, 0.999999))) for x in (before, now))
        if abs(z - z0) > far:
            # From the old correlation, go as far as is sure.
            nearest = tanh(z0 + (z - z0) * (1 - far / abs(z - z0)))
            found.append(Together((numbers[a].name, numbers[b].name), before, now, abs(nearest - before)))
    return sorted(found, key=lambda one: -one.lower)


def _varies(column: pl.Series) -> bool:
    """Return whether no single value fills nine of ten rows: the rest would make up the correlation."""
    values, counts = np.unique(to_float(column).fill_null(float("nan")).to_numpy(), return_counts=True)
    return len(values) > 1 and int(counts.max()) <= _CONSTANT * len(column)


def _correlations(columns: Sequence[Column], side: Sampled) -> Floats:
    """Return the weighted rank correlations of residuals from the medians of segments; 0 where one is constant."""
    numbers = (to_float(series_named(side.frame, c.name)).to_numpy() for c in columns)
    ranks = np.column_stack([_ranks(x, side.segments) for x in numbers])
    weights = side.weights / side.weights.sum()
    away = ranks - weights @ ranks
    covariance = (away.T * weights) @ away
    spread = np.sqrt(np.diag(covariance))
    scale = np.outer(spread, spread)
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0))


def _ranks(values: Floats, segments: NDArray[np.str_]) -> Floats:
    from scipy.stats import rankdata

    x = np.asarray(values, float).copy()
    x[~np.isfinite(x)] = np.nan
    for segment in np.unique(segments):
        own = segments == segment
        known = own & np.isfinite(x)
        middle = float(np.median(x[known])) if known.any() else 0.0
        x[own] = np.where(np.isfinite(x[own]), x[own] - middle, 0.0)
    return np.asarray(rankdata(x), float)
