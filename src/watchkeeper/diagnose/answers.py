"""Whether the model answers otherwise at equal features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.diagnose.density_ratio import encode, log_ratio, ratio, usable
from watchkeeper.diagnose.sampled import Sampled
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.threads import single_threaded

__all__ = ["AnswerShift", "answer_shift"]

_LEAST = 100


@dataclass(frozen=True, slots=True)
class AnswerShift:
    """How far the answers moved at equal features.

    Attributes
    ----------
    column
        The score, else the prediction.
    distance
        Largest difference of the distribution functions (or shares of a class) of the answers on the current rows and
        on the reference's rows weighted to have their features.
    lower
        The distance less 1.63·√(1/n0 + 1/n), which chance exceeds in one of a hundred cases, with the effective number
        of weighted rows; 0 where chance explains it.
    """

    column: str
    distance: float
    lower: float


def answer_shift(rows0: Sampled, rows: Sampled, schema: Schema) -> AnswerShift | None:
    """Return how far the answers moved at equal features; None where there are too few rows or no answers.

    A model that stayed the same gives a row the same answer, so that what moves here moved with the model, or with an
    input that is not among the features.
    """
    column = schema.of(Role.SCORE) or schema.of(Role.PREDICTION)
    if column is None or min(len(rows0), len(rows)) < _LEAST:
        return None
    if any(column.name not in side.frame.columns for side in (rows0, rows)):
        return None
    features = usable(schema.features, rows0.frame, rows.frame)
    encoded = encode(features, rows0.frame, rows.frame)
    weights = rows0.weights
    if encoded.reference.shape[1]:
        with single_threaded():
            beta = log_ratio(encoded.reference, encoded.current, rows0.weights, rows.weights)
            weights = rows0.weights * ratio(encoded.reference, beta, rows0.weights)
    numeric = column.kind in (Kind.NUMERIC, Kind.TIME)
    try:
        distance = _distance(rows0.frame[column.name], weights, rows.frame[column.name], rows.weights, numeric=numeric)
    except pl.exceptions.PolarsError:
        return None
    sizes = (float(w.sum() ** 2 / (w**2).sum()) for w in (weights, rows.weights))
    return AnswerShift(column.name, distance, max(0.0, distance - 1.63 * float(np.sqrt(sum(1 / k for k in sizes)))))


def _distance(
    a: pl.Series, weights0: NDArray[np.float64], b: pl.Series, weights: NDArray[np.float64], *, numeric: bool
) -> float:
    reads = to_float if numeric else to_text
    both = pl.concat([reads(a), reads(b)])
    side = np.concatenate([-weights0 / weights0.sum(), weights / weights.sum()])
    known = both.is_not_null().to_numpy()
    _, place = np.unique(both.drop_nulls().to_numpy(), return_inverse=True)
    gaps = np.bincount(place, side[known])
    return float(np.abs(np.cumsum(gaps) if numeric else gaps).max()) if len(gaps) else 0.0
