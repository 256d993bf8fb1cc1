"""Rows made of the features of one row and those of others: what every perturbation asks a model."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import TrainingError
from watchkeeper.diagnose.explainer import Predict

__all__ = ["asked", "mixed"]

Floats = NDArray[np.float64]

_MOST = 65_536


def mixed(row: pl.DataFrame, others: pl.DataFrame, own: NDArray[np.bool_], donor: NDArray[np.intp]) -> pl.DataFrame:
    """Return k rows with the features of ``row`` where ``own`` says so, else those of a row of ``others``.

    Parameters
    ----------
    row
        One row.
    own
        shape (k, d).
    donor
        The row of ``others`` each takes the other features from, shape (k,).
    """
    pool = pl.concat([row, others.select(row.columns)], how="vertical_relaxed")
    places = np.where(own, 0, donor[:, None] + 1)
    return pl.DataFrame([pool[name].gather(places[:, j]) for j, name in enumerate(row.columns)])


def asked(predict: Predict, rows: pl.DataFrame) -> Floats:
    """Return the scores of rows, asked in pieces.

    Raises
    ------
    TrainingError
        When the model gives another number of scores, or one that is not finite.
    """
    pieces = [rows.slice(start, _MOST) for start in range(0, rows.height, _MOST)]
    scores = np.concatenate([np.asarray(predict(piece), float) for piece in pieces]) if pieces else np.empty(0)
    if scores.shape != (rows.height,):
        raise TrainingError(
            f"the model gave scores of shape {scores.shape} for {rows.height} rows; one a row is needed"
        )
    if not np.isfinite(scores).all():
        raise TrainingError("the model gave scores that are not finite; they cannot be explained")
    return scores
