"""Whether the model answers otherwise at equal features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.diagnose.density_ratio import Encoded, encode, log_ratio, ratio, usable
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.threads import single_threaded

__all__ = ["AnswerShift", "answer_shift", "sample_distance"]

Floats = NDArray[np.float64]

_LEAST = 100


@dataclass(frozen=True, slots=True)
class AnswerShift:
    """How far the answers moved at equal features.

    Attributes
    ----------
    column
        The score, else the prediction.
    distance
        The larger of two distances between the current rows and the reference's rows weighted to have their features:
        that of the answers, and that of how far the answers are from what rows with such features got before.
    lower
        The distance less 1.73·√(1/n0 + 1/n), which chance exceeds in one of a hundred cases, with the effective number
        of weighted rows; 0 where chance explains it.
    """

    column: str
    distance: float
    lower: float


def answer_shift(rows0: Sampled, rows: Sampled, schema: Schema) -> AnswerShift | None:
    """Return how far the answers moved at equal features; None where there are too few rows or no answers.

    A model that stayed the same gives a row the same answer, so that what moves here moved with the model, or with an
    input that is not among the features. Another model may well answer alike on average and otherwise row by row:
    trees that learned the answers from half of the reference's rows miss those of the current rows by more than those
    of the other half. Distances are those of Kolmogorov and Smirnov, of classes the largest change of a share.
    """
    column = schema.of(Role.SCORE) or schema.of(Role.PREDICTION)
    if column is None or min(len(rows0), len(rows)) < _LEAST:
        return None
    if any(column.name not in side.frame.columns for side in (rows0, rows)):
        return None
    encoded = encode(usable(schema.features, rows0.frame, rows.frame), rows0.frame, rows.frame)
    weights = _like_current(encoded, rows0.weights, rows.weights)
    numeric = column.kind in (Kind.NUMERIC, Kind.TIME)
    try:
        reads = to_float if numeric else to_text
        before, now = (reads(series_named(side.frame, column.name)) for side in (rows0, rows))
    except (SchemaError, pl.exceptions.PolarsError):
        return None
    distance = sample_distance(before, weights, now, rows.weights, numeric=numeric)
    found = [(distance, distance - _room(weights, rows.weights))]
    if numeric and encoded.reference.shape[1]:
        found.append(_missed(encoded, before, weights, now, rows.weights))
    distance, lower = max(found, key=lambda one: one[1])
    return AnswerShift(column.name, distance, max(0.0, lower))


def _like_current(encoded: Encoded, weights0: Floats, weights: Floats) -> Floats:
    """Return the weights that give the reference's rows the features of the current ones."""
    if not encoded.reference.shape[1]:
        return weights0
    with single_threaded():
        beta = log_ratio(encoded.reference, encoded.current, weights0, weights)
    return weights0 * ratio(encoded.reference, beta, weights0)


def _missed(
    encoded: Encoded, before: pl.Series, weights0: Floats, now: pl.Series, weights: Floats
) -> tuple[float, float]:
    """Return how much farther from what was learned current answers are than the reference's, and the lower bound."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    y0, y = (s.fill_null(float("nan")).to_numpy() for s in (before, now))
    known0, known = np.isfinite(y0), np.isfinite(y)
    learn = known0 & (np.arange(len(y0)) % 2 == 0)
    rest = known0 & ~learn
    if min(learn.sum(), rest.sum(), known.sum()) < _LEAST // 2:
        return 0.0, 0.0
    with threadpool_limits(1):
        trees: Any = HistGradientBoostingRegressor(
            max_iter=80, min_samples_leaf=10, early_stopping=False, random_state=0
        )
        trees.fit(encoded.reference[learn], y0[learn])
        missed0 = np.abs(y0[rest] - trees.predict(encoded.reference[rest]))
        missed = np.abs(y[known] - trees.predict(encoded.current[known]))
    weights0, weights = weights0[rest], weights[known]
    distance = sample_distance(pl.Series(missed0), weights0, pl.Series(missed), weights, numeric=True, worse=True)
    return distance, distance - _room(weights0, weights)


def _room(weights0: Floats, weights: Floats) -> float:
    sizes = (float(w.sum() ** 2 / (w**2).sum()) for w in (weights0, weights))
    return 1.73 * float(np.sqrt(sum(1 / k for k in sizes)))


def sample_distance(
    a: pl.Series, weights0: Floats, b: pl.Series, weights: Floats, *, numeric: bool, worse: bool = False
) -> float:
    """Return the distance of two weighted samples; with ``worse`` only as far as the second has larger values."""
    both = pl.concat([a, b])
    side = np.concatenate([-weights0 / weights0.sum(), weights / weights.sum()])
    known = both.is_not_null().to_numpy()
    _, place = np.unique(both.drop_nulls().to_numpy(), return_inverse=True)
    gaps = np.bincount(place, side[known])
    if not len(gaps):
        return 0.0
    gaps = np.cumsum(gaps) if numeric else gaps
    return float(-gaps.min() if worse else np.abs(gaps).max())
