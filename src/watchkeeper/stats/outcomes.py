"""Label, prediction and score of rows in the terms of the schema."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.kinds import type_name
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.stats.blocks import Outcomes, to_text

__all__ = ["outcomes"]


def outcomes(frame: pl.DataFrame, schema: Schema) -> Outcomes:
    """Return label, prediction and score of the rows in the terms of the schema.

    Raises
    ------
    SchemaError
        When one of the columns cannot be read as its role asks.
    """

    def present(role: Role) -> pl.Series | None:
        name = schema.name_of(role)
        return frame[name] if name and name in frame.columns else None

    label, prediction, score = present(Role.LABEL), present(Role.PREDICTION), present(Role.SCORE)
    scores = None if score is None else _floats(score)
    if schema.task is Task.REGRESSION:
        return Outcomes(
            frame.height,
            None if label is None else _floats(label),
            None if prediction is None else _floats(prediction),
            scores,
        )
    positive = schema.classes.index(schema.positive) if schema.positive in schema.classes else None
    return Outcomes(
        frame.height,
        None if label is None else _codes(label, schema.classes),
        None if prediction is None else _codes(prediction, schema.classes),
        scores,
        schema.classes,
        positive,
        _class_scores(frame, schema),
    )


def _class_scores(frame: pl.DataFrame, schema: Schema) -> NDArray[np.float64] | None:
    """Return the probabilities of all classes; None where the frame lacks one of their columns."""
    columns = [column for _, column in schema.class_scores]
    if not columns or any(column not in frame.columns for column in columns):
        return None
    found = np.empty((frame.height, len(columns)), order="F")
    for place, column in enumerate(columns):
        found[:, place] = _floats(frame[column])
    return found


def _floats(series: pl.Series) -> NDArray[np.float64]:
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise SchemaError(f"column {series.name!r} holds {type_name(series.dtype)}, where numbers were expected")
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(series: pl.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Map values to the codes of their classes: -1 for null, -2 for a class that is not known."""
    if series.dtype.is_integer() and all(c.lstrip("-").isdigit() for c in classes):
        if classes == tuple(map(str, range(len(classes)))) and _within(series, len(classes)):
            return series.cast(pl.Int64).to_numpy()
        values = series.fill_null(-1).cast(pl.Int64).to_numpy()
        codes = np.full(len(values), -2, np.int64)
        for code, name in enumerate(classes):
            codes[values == int(name)] = code
        if series.null_count():
            codes[series.is_null().to_numpy()] = -1
        return codes
    mapping = {name: code for code, name in enumerate(classes)}
    text = to_text(series)
    if series.dtype.is_float():
        text = text.set(series.is_nan().fill_null(False), None)
    coded = text.replace_strict(mapping, default=-2, return_dtype=pl.Int64)
    return coded.set(text.is_null(), -1).to_numpy()


def _within(series: pl.Series, end: int) -> bool:
    """Return whether every value is known and in [0, end)."""
    smallest, largest = series.min(), series.max()
    if series.null_count() or not isinstance(smallest, int) or not isinstance(largest, int):
        return False
    return smallest >= 0 and largest < end
