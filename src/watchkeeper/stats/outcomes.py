"""Label, prediction and score of rows in the terms of the schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.event_time import to_utc
from watchkeeper.schema.kinds import ROUNDING, type_name
from watchkeeper.schema.label_sets import sets_of
from watchkeeper.stats.blocks import ClassSets, Outcomes, to_text
from watchkeeper.stats.hashing import hash_numbers, hash_texts
from watchkeeper.stats.row_metrics import row_values

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
        return series_named(frame, name) if name and name in frame.columns else None

    more = _more(frame, schema)
    if schema.task.spec.labels is Labels.SET:
        return Outcomes(frame.height, None, None, None, schema.classes, sets=_sets(frame, schema), **more)
    label, prediction, score = present(Role.LABEL), present(Role.PREDICTION), present(Role.SCORE)
    scores = None if score is None else _floats(score)
    if scores is not None and schema.task.spec.labels is Labels.CLASS:
        scores = without_rounding(scores)
    if schema.task.spec.labels is Labels.NUMBER:
        return Outcomes(
            frame.height,
            None if label is None else _floats(label),
            None if prediction is None else _floats(prediction),
            scores,
            **more,
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
        **more,
    )


def _more(frame: pl.DataFrame, schema: Schema) -> dict[str, Any]:
    """Return what only some logs have; nothing for those that do not."""
    found: dict[str, Any] = {}
    if schema.quantiles:
        found["quantiles"] = _matrix(frame, [column for _, column in schema.quantiles])
        found["levels"] = tuple(level for level, _ in schema.quantiles)
    group, labelled_at, asked_at = (schema.name_of(role) for role in (Role.GROUP, Role.LABEL_TIME, Role.TIME))
    if group in frame.columns and group:
        found["groups"] = _hashes(series_named(frame, group))
    if labelled_at in frame.columns and asked_at in frame.columns and labelled_at and asked_at:
        found["delay"] = _seconds(series_named(frame, asked_at), series_named(frame, labelled_at))
    if schema.metrics:
        found["row_values"] = row_values(frame, schema)
    return found


def _hashes(series: pl.Series) -> NDArray[np.uint64]:
    if series.dtype.is_integer():
        found = hash_numbers(series.fill_null(0).cast(pl.Int64, wrap_numerical=True).to_numpy())
    else:
        found = hash_texts(to_text(series).fill_null(""))
    # The hash 0 is kept for null.
    found = np.maximum(found, np.uint64(1))
    if series.null_count():
        found = np.where(series.is_null().to_numpy(), np.uint64(0), found)
    return found


def _seconds(start: pl.Series, end: pl.Series) -> NDArray[np.float64]:
    apart = to_utc(end) - to_utc(start)
    return (apart.dt.total_microseconds().cast(pl.Float64) / 1e6).fill_null(float("nan")).to_numpy()


def _sets(frame: pl.DataFrame, schema: Schema) -> ClassSets:
    held = []
    for role in (Role.LABEL, Role.PREDICTION):
        name = schema.name_of(role)
        series = pl.Series([None] * frame.height, dtype=pl.Null)
        series = series_named(frame, name) if name and name in frame.columns else series
        held.append((_members(sets_of(series), schema.classes), series.is_not_null().to_numpy()))
    (labels, labelled), (predictions, predicted) = held
    return ClassSets(labels, predictions, labelled, predicted)


def _members(lists: pl.Series, classes: tuple[str, ...]) -> NDArray[np.bool_]:
    found = np.zeros((len(lists), len(classes) + 1), bool)
    frame = pl.DataFrame({"row": np.arange(len(lists)), "name": lists}).explode("name").drop_nulls()
    mapping = {name: code for code, name in enumerate(classes)}
    codes = frame["name"].replace_strict(mapping, default=len(classes), return_dtype=pl.Int64).to_numpy()
    found[frame["row"].to_numpy(), codes] = True
    return found


def _class_scores(frame: pl.DataFrame, schema: Schema) -> NDArray[np.float64] | None:
    """Return the probabilities of all classes; None where the frame lacks one of their columns."""
    found = _matrix(frame, [column for _, column in schema.class_scores])
    return None if found is None else without_rounding(found)


def without_rounding(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities of which those that leave [0, 1] by an error of rounding are 0 or 1; others stay."""
    with np.errstate(invalid="ignore"):
        above, below = (scores > 1) & (scores <= 1 + ROUNDING), (scores < 0) & (scores >= -ROUNDING)
    return np.where(above, 1.0, np.where(below, 0.0, scores)) if above.any() or below.any() else scores


def _matrix(frame: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.float64] | None:
    if not columns or any(column not in frame.columns for column in columns):
        return None
    found = np.empty((frame.height, len(columns)), order="F")
    for place, column in enumerate(columns):
        found[:, place] = _floats(series_named(frame, column))
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
