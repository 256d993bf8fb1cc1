"""Labels, scores and predictions of labelled rows as numbers, in the terms of the schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.kinds import as_text

__all__ = ["Answers", "days_of", "positive_class", "read_answers"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """Label, score and prediction of rows; NaN where one is null or of an unknown class.

    Parameters
    ----------
    label
        1 or 0 for a binary task (1 is the positive class), the class code for multiclass, the value for regression.
    score
        Probability of the positive class (binary) or of the predicted one (multiclass); None without such a column.
    prediction
        In the unit of ``label``; of a binary task without such a column, whether the score is at least one half.
    """

    label: Floats
    score: Floats | None
    prediction: Floats | None


def positive_class(schema: Schema) -> str:
    """Return the class the score is the probability of: the declared one, otherwise the last."""
    if schema.positive is not None:
        return schema.positive
    if not schema.classes:
        raise SchemaError("the schema names no classes; give the label's classes or the positive one")
    return schema.classes[-1]


def read_answers(rows: pl.DataFrame, schema: Schema) -> Answers:
    """Return label, score and prediction of ``rows``.

    Raises
    ------
    SchemaError
        When the label is not in the rows or a column cannot be read as its role asks.
    """
    label, score, prediction = (_present(rows, schema, r) for r in (Role.LABEL, Role.SCORE, Role.PREDICTION))
    if label is None:
        name = schema.name_of(Role.LABEL)
        raise SchemaError(f"the label {name!r} is not among the rows' columns; {near_miss(name or '', rows.columns)}")
    scores = None if score is None else _floats(score)
    if schema.task.spec.labels is Labels.NUMBER:
        return Answers(_floats(label), scores, None if prediction is None else _floats(prediction))
    if schema.task.spec.two_classes:
        classes: tuple[str, ...] = (*(c for c in schema.classes if c != positive_class(schema)), positive_class(schema))
    else:
        classes = schema.classes
    codes = None if prediction is None else _codes(prediction, classes)
    if codes is None and scores is not None and schema.task.spec.two_classes:
        codes = np.where(np.isnan(scores), np.nan, (scores >= 0.5).astype(np.float64))
    return Answers(_codes(label, classes), scores, codes)


def days_of(rows: pl.DataFrame, schema: Schema) -> NDArray[np.int64] | None:
    """Return the number of the day each row belongs to; None without a time column."""
    time = _present(rows, schema, Role.TIME)
    if time is None or time.null_count() or not (time.dtype == pl.Date or isinstance(time.dtype, pl.Datetime)):
        return None
    return time.cast(pl.Date).cast(pl.Int32).cast(pl.Int64).to_numpy()


def _present(rows: pl.DataFrame, schema: Schema, role: Role) -> pl.Series | None:
    name = schema.name_of(role)
    return series_named(rows, name) if name is not None and name in rows.columns else None


def _floats(series: pl.Series) -> Floats:
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise SchemaError(f"column {series.name!r} holds {series.dtype}, where numbers were expected")
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(series: pl.Series, classes: Iterable[str]) -> Floats:
    mapping = {name: float(code) for code, name in enumerate(classes)}
    return as_text(series).replace_strict(mapping, default=float("nan"), return_dtype=pl.Float64).to_numpy()
