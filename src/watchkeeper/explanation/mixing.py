"""Rows made of the features of one row and those of others: what every perturbation asks a model."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, TrainingError, WatchkeeperError
from watchkeeper.explanation.explainer import Predict

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

    Raises
    ------
    SchemaError
        When a feature is of types that do not go together.
    """
    clash = [f"{name!r} ({row[name].dtype}, {others[name].dtype})" for name in row.columns if _clash(row, others, name)]
    if clash:
        raise SchemaError(f"the rows and the background hold other types, and cannot be mixed: {', '.join(clash)}")
    pool = pl.concat([row, others[row.columns]], how="vertical_relaxed")
    places = np.where(own, 0, donor[:, None] + 1)
    return pl.DataFrame(
        [series_named(pool, name).gather(places[:, j]).alias(name) for j, name in enumerate(row.columns)]
    )


def _clash(row: pl.DataFrame, others: pl.DataFrame, name: str) -> bool:
    one, other = row[name].dtype, others[name].dtype
    if one == other or pl.Null in (one, other) or (one.is_numeric() and other.is_numeric()):
        return False
    return pl.String not in (one, other) or not all(
        dtype in (pl.String, pl.Categorical, pl.Enum) for dtype in (one, other)
    )


def asked(predict: Predict, rows: pl.DataFrame) -> Floats:
    """Return the scores of rows, asked in pieces.

    Raises
    ------
    TrainingError
        When the model fails, gives another number of scores, or one that is not finite.
    """
    pieces = [rows.slice(start, _MOST) for start in range(0, rows.height, _MOST)]
    try:
        scores = np.concatenate([np.asarray(predict(piece), float) for piece in pieces]) if pieces else np.empty(0)
    except WatchkeeperError:
        raise
    except Exception as error:
        raise TrainingError(f"the model failed on {rows.height} rows: {type(error).__name__}: {error}") from error
    if scores.shape != (rows.height,):
        raise TrainingError(
            f"the model gave scores of shape {scores.shape} for {rows.height} rows; one a row is needed"
        )
    if not np.isfinite(scores).all():
        raise TrainingError("the model gave scores that are not finite; they cannot be explained")
    return scores
