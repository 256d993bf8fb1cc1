"""How a model's answer changes with one feature, on average and for single rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.explanation.explainer import Predict
from watchkeeper.explanation.mixing import asked
from watchkeeper.stats.intervals import Z

__all__ = ["QUANTILES", "Dependence", "partial_dependence"]

Floats = NDArray[np.float64]

QUANTILES = (0.1, 0.5, 0.9)
"""Quantiles of the curves of single rows."""

_TAIL = 0.02


@dataclass(frozen=True, slots=True)
class Dependence:
    """The mean score of all rows with one feature set to each of g values.

    Attributes
    ----------
    values
        The values of the feature, numbers rising or levels from the commonest.
    mean, error
        The mean score and its standard error over rows, shape (g,).
    lower, upper
        95 % intervals of the mean, shape (g,).
    effect, effect_error
        ``mean`` less its mean over the values, and the standard error of that, in which what rows have in common
        cancels; shape (g,).
    rows
        The ``QUANTILES`` of the curves of single rows, each less its own mean over the values, shape (3, g). Where they
        are not parallel the feature works together with others.
    n
        Rows.
    """

    feature: str
    values: tuple[Any, ...]
    mean: Floats
    error: Floats
    lower: Floats
    upper: Floats
    effect: Floats
    effect_error: Floats
    rows: Floats
    n: int


def partial_dependence(
    predict: Predict, rows: pl.DataFrame, feature: str, *, points: int = 20, values: Sequence[Any] | None = None
) -> Dependence:
    """Return the partial dependence of the score on one feature, with individual conditional expectations.

    The mean over rows of f(v, x_rest) at each value v. Where the feature goes together with others, rows are asked
    about that may not exist.

    Parameters
    ----------
    rows
        Rows with all features of the model, such as the row sample of a window; at least two.
    points
        Values to try at most: quantiles of the feature from .02 to .98, or its commonest levels.
    values
        The values to try instead.

    Raises
    ------
    SchemaError
        When the feature is not among the columns, or there are fewer than two rows or no values.

    References
    ----------
    Friedman (2001), Greedy function approximation, doi:10.1214/aos/1013203451. Goldstein et al. (2015), Peeking inside
    the black box, doi:10.1080/10618600.2014.907095.
    """
    if feature not in rows.columns:
        raise SchemaError(f"the rows lack the feature {feature!r}; {near_miss(feature, rows.columns)}")
    series, n = series_named(rows, feature), rows.height
    tried = list(_values(series, points) if values is None else values)
    if n < 2 or not tried:
        raise SchemaError(f"{n} rows with {len(tried)} values of {feature!r} have no dependence to show")
    curves = np.empty((n, len(tried)))
    with threadpool_limits(1):
        for place, value in enumerate(tried):
            curves[:, place] = asked(predict, rows.with_columns(pl.lit(value, dtype=series.dtype).alias(feature)))
    mean, error = curves.mean(axis=0), curves.std(axis=0, ddof=1) / sqrt(n)
    own = curves - curves.mean(axis=1, keepdims=True)
    return Dependence(
        feature, tuple(tried), mean, error, mean - Z * error, mean + Z * error, own.mean(axis=0),
        own.std(axis=0, ddof=1) / sqrt(n), np.quantile(own, QUANTILES, axis=0), n,
    )  # fmt: skip


def _values(series: pl.Series, points: int) -> list[Any]:
    known = series.drop_nulls()
    if not series.dtype.is_numeric():
        return known.value_counts(sort=True).to_series(0).head(points).to_list()
    known = known.filter(known.is_finite()) if series.dtype.is_float() else known
    if known.n_unique() <= points:
        return known.unique().sort().to_list()
    shares = np.linspace(_TAIL, 1 - _TAIL, points)
    return sorted({known.quantile(float(share), "nearest") for share in shares})
