"""Rows of a stream as they come, each watched column in the one form that its shares are counted in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.columns import columns_named, has_column, series_named
from watchkeeper.core.errors import SchemaError, SourceError
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema, SegmentRule
from watchkeeper.ingest.door import OPEN, Door, enter
from watchkeeper.ingest.foreign import frame_of
from watchkeeper.schema.event_time import to_utc
from watchkeeper.schema.names import NUL, plain_name, plain_names, without
from watchkeeper.schema.python_values import series_of
from watchkeeper.stats.blocks import to_float, to_text
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.piece import problem_of, with_plain_sets

__all__ = ["ERROR", "Arrived", "arrived", "by_segment", "errors_of", "is_row", "joined", "watched_columns"]

ERROR = "@error"
"""The column of errors: 1 where the prediction was wrong, or how far it was off; null where the label is not known."""

_SEGMENT = "@segment "
"""Before the name of a column of segments, the column that tells the segment of each row."""

_ROLES = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE, Role.LABEL)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Rows in the forms that a stream counts.

    Attributes
    ----------
    frame
        Numeric columns as Float64, categorical and boolean ones as text, others as whether there is a value; the time
        column in UTC; the errors; and the segments.
    problems
        Why a column could not be read, by column; such a column is not in the frame.
    rows
        Number of rows.
    """

    frame: pl.DataFrame
    problems: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0


def watched_columns(schema: Schema) -> tuple[Column, ...]:
    """Return the features, the answers and the label."""
    return tuple(c for c in schema if c.role in _ROLES and c.kind is not Kind.UNUSABLE)


def arrived(rows: Any, schema: Schema, door: Door = OPEN) -> Arrived:
    """Return rows in the forms that a stream counts; columns that the schema does not know are left alone.

    Parameters
    ----------
    rows
        A Polars, pandas or Arrow table; a mapping of columns; one row as a mapping; or a sequence of rows. Keys that a
        row lacks and others have are null.
    door
        What is declared of the values, and how those of the reference were read.

    Raises
    ------
    SourceError
        When it is none of these.
    """
    frame = with_plain_sets(_frame(rows, schema, door), schema)
    problems: dict[str, str] = {}
    columns: list[pl.Series] = []
    for column in watched_columns(schema):
        problem = "" if column.role is Role.LABEL and not has_column(frame, column.name) else problem_of(frame, column)
        if problem:
            problems[column.name] = problem
        elif has_column(frame, column.name):
            try:
                columns.append(_form(series_named(frame, column.name), column).alias(column.name))
            except (SchemaError, pl.exceptions.PolarsError) as error:
                problems[column.name] = str(error)
        else:
            # Labels come late: rows that have none yet are not at fault.
            columns.append(pl.Series(column.name, [None] * frame.height, dtype=_dtype(column)))
    time = schema.name_of(Role.TIME)
    if time in frame.columns and time is not None:
        columns.extend(one.alias(time) for one in _times(series_named(frame, time)))
    if schema.of(Role.LABEL) is not None:
        columns.append(errors_of(frame, schema))
    for rule in schema.segments:
        try:
            columns.append(_segments(frame, rule))
        except (SchemaError, pl.exceptions.PolarsError) as error:
            problems.setdefault(rule.column, str(error))
    return Arrived(pl.DataFrame(columns), problems, frame.height)


def by_segment(piece: Arrived, schema: Schema) -> dict[str, pl.DataFrame]:
    """Return the rows of each segment that has some, under the names that ``summarise`` gives them, and all rows."""
    found = {ALL: piece.frame}
    for rule in schema.segments:
        name = f"{_SEGMENT}{rule.column}"
        if name in piece.frame.columns:
            parts = piece.frame.partition_by(columns_named([name]), as_dict=True)
            found |= {str(segment): part for (segment,), part in parts.items() if segment is not None}
    return found


def _segments(frame: pl.DataFrame, rule: SegmentRule) -> pl.Series:
    if rule.column not in frame.columns:
        raise SchemaError(f"column {rule.column!r} is missing, so that its segments cannot be told apart")
    told = to_text(series_named(frame, rule.column))
    if rule.values:
        told = (
            told.to_frame()
            .select(
                pl.when(pl.first().is_in(rule.values) | pl.first().is_null())
                .then(pl.first())
                .otherwise(pl.lit("other"))
            )
            .to_series()
        )
    return (f"{rule.column}=" + told.fill_null("null")).alias(f"{_SEGMENT}{rule.column}")


def is_row(rows: Any) -> bool:
    """Return whether something is one row: a mapping of which not every value is a list of values."""
    return isinstance(rows, Mapping) and not all(
        isinstance(value, (list, tuple, np.ndarray, pl.Series)) for value in rows.values()
    )


def joined(pieces: Sequence[Arrived]) -> Arrived:
    """Return the rows of all pieces; a column that one could not read is read from none."""
    if len(pieces) == 1:
        return pieces[0]
    problems = {name: why for piece in pieces for name, why in piece.problems.items()}
    frames = [without(piece.frame, problems) for piece in pieces if piece.rows]
    frame = pl.concat(frames, how="diagonal") if frames else pl.DataFrame()
    return Arrived(frame, problems, sum(piece.rows for piece in pieces))


def errors_of(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """Return how wrong each answer was, float64 and null where it cannot be told, under the name ``ERROR``.

    A prediction of a class is right (0) or wrong (1); a predicted number is off by |label - prediction|; a score
    without a prediction by |y - score|, where y is 1 for the positive class.
    """
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError):
        return _unknown(frame.height)
    if block.label is None:
        return _unknown(frame.height)
    known = block.labelled
    if block.classes and block.prediction is not None:
        known = known & (block.prediction != -1)
        wrong = (block.label != block.prediction).astype(np.float64)
    elif block.classes and block.score is not None and block.positive is not None:
        wrong = np.abs((block.label == block.positive) - block.score)
    elif not block.classes and block.prediction is not None:
        wrong = np.abs(block.label - block.prediction)
    else:
        return _unknown(frame.height)
    known = known & np.isfinite(wrong)
    return pl.Series(ERROR, wrong).set(pl.Series(~known), None)


def _unknown(height: int) -> pl.Series:
    return pl.Series(ERROR, [None] * height, dtype=pl.Float64)


def _frame(rows: Any, schema: Schema, door: Door = OPEN) -> pl.DataFrame:
    frame = _raw_frame(_plainly_named(rows) if any(NUL in column.name for column in schema) else rows, schema)
    frame = frame.rename(plain_names(frame.columns))
    known = frame[[name for name in frame.columns if name in schema]]
    return enter(known, door.expecting(schema, door.known))[0]


def _plainly_named(rows: Any) -> Any:
    """Return rows that are mappings with names that every later step can hold."""
    if isinstance(rows, Mapping):
        return {plain_name(name) if isinstance(name, str) else name: values for name, values in rows.items()}
    return [_plainly_named(row) for row in rows] if isinstance(rows, (list, tuple)) else rows


def _raw_frame(rows: Any, schema: Schema) -> pl.DataFrame:
    if isinstance(rows, Mapping):
        return _from_rows([rows], schema) if is_row(rows) else _from_columns(rows, schema)
    if isinstance(rows, (list, tuple)):
        if not all(isinstance(row, Mapping) for row in rows):
            raise SourceError("a list of rows must hold one mapping of column to value for each row")
        return _from_rows(rows, schema)
    frame, _ = frame_of(rows)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _from_rows(rows: Sequence[Mapping[str, Any]], schema: Schema) -> pl.DataFrame:
    names = [c.name for c in schema if any(c.name in row for row in rows)]
    if rows and not names:
        shown = ", ".join(map(repr, list(rows[0])[:6])) or "nothing"
        raise SourceError(f"no row has a column of the reference; the first has {shown}")
    return pl.DataFrame([_series(name, [row.get(name) for row in rows]) for name in names])


def _from_columns(columns: Mapping[str, Any], schema: Schema) -> pl.DataFrame:
    known = {name: values for name, values in columns.items() if name in schema}
    if columns and not known:
        raise SourceError(f"no column is one of the reference; there are {', '.join(map(repr, list(columns)[:6]))}")
    lengths = {name: len(values) for name, values in known.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {n}" for name, n in list(lengths.items())[:6])
        raise SourceError(f"columns must be of one length: {told} values")
    return pl.DataFrame([_series(name, values) for name, values in known.items()])


def _series(name: str, values: Any) -> pl.Series:
    known = isinstance(values, pl.Series) and values.dtype != pl.Object
    return values.alias(name) if known else series_of(name, values)[0]


def _form(series: pl.Series, column: Column) -> pl.Series:
    if column.kind in (Kind.NUMERIC, Kind.TIME):
        return to_float(series)
    if column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN):
        return to_text(series)
    return series.is_not_null()


def _dtype(column: Column) -> pl.DataType:
    if column.kind in (Kind.NUMERIC, Kind.TIME):
        return pl.Float64()
    return pl.String() if column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN) else pl.Boolean()


def _times(series: pl.Series) -> Iterable[pl.Series]:
    try:
        return [to_utc(series)]
    except (SchemaError, pl.exceptions.PolarsError):
        return []
