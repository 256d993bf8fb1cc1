"""What serving processes have logged, row by row, as frames: a value that cannot be read costs itself alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from watchkeeper.core.errors import STOPS, SchemaError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.ingest.sources import normalise_time
from watchkeeper.schema.event_time import MOMENT
from watchkeeper.schema.missing import TOKENS
from watchkeeper.schema.names import plain_name
from watchkeeper.schema.texts import text_of

__all__ = ["LOGGED", "label_frame", "prediction_frame", "read_row", "series_of", "unnamed"]

LOGGED = (Role.ID, Role.TIME, Role.PREDICTION, Role.SCORE, Role.LATENCY, Role.VERSION)
"""What a prediction is logged with beside its features."""

_HALF = b"\\ud"
"""How JSON begins half a character of UTF-16, which no file can hold."""


def read_row(line: bytes) -> dict[str, Any]:
    """Return a logged line as a row.

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        row = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError("no row")
    return _whole(row) if _HALF in line.lower() else row


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, dict):
        return {text_of(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value


def prediction_frame(rows: Sequence[Mapping[str, Any]], schema: Schema | None) -> pl.DataFrame:
    """Return logged predictions under the names of the schema; a feature of such a name is ``features.<name>``."""
    columns: dict[str, list[Any]] = {_name(schema, role): [row.get(role.value) for row in rows] for role in LOGGED}
    taken = {*columns, _name(schema, Role.LABEL)}
    features = [row.get("features") for row in rows]
    named = [found if isinstance(found, dict) else {} for found in features]
    for name in dict.fromkeys(name for row in named for name in row):
        own = plain_name(name)
        while own in taken:
            own = f"features.{own}"
        taken.add(own)
        columns[own] = [row.get(name) for row in named]
    return _frame(columns, schema)


def label_frame(rows: Sequence[Mapping[str, Any]], schema: Schema | None) -> pl.DataFrame:
    """Return logged labels under the names of the schema, with the moment at which each became known."""
    roles = (Role.ID, Role.LABEL, Role.TIME)
    frame = _frame({_name(schema, role): [row.get(role.value) for row in rows] for role in roles}, schema)
    known_at = schema.name_of(Role.LABEL_TIME) if schema else None
    return frame.with_columns(frame[_name(schema, Role.TIME)].alias(known_at)) if known_at else frame


def unnamed(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many rows came with features that have no names."""
    return sum(bool(row.get("features")) and not isinstance(row["features"], dict) for row in rows)


def _name(schema: Schema | None, role: Role) -> str:
    return (schema.name_of(role) if schema else None) or role.value


def _frame(columns: dict[str, list[Any]], schema: Schema | None) -> pl.DataFrame:
    key, time = _name(schema, Role.ID), _name(schema, Role.TIME)
    columns[time] = [None if isinstance(v, bool | list | dict) else v for v in columns[time]]
    frame = pl.DataFrame({name: series_of(name, values) for name, values in columns.items()})
    if any(isinstance(value, bool | list | dict) for value in columns[key]):
        # What is no id is told as such, and kept as it came.
        frame = frame.with_columns(pl.Series(key, columns[key], pl.Object))
    try:
        return normalise_time(frame, time)[0]
    except SchemaError:
        return frame.with_columns(pl.Series(time, [None] * len(frame), MOMENT))


def series_of(name: str, values: list[Any]) -> pl.Series:
    """Return values of mixed types as text rather than lose some."""
    kinds = {type(value) for value in values if value is not None}
    words = {value.strip() for value in values if isinstance(value, str)} if str in kinds else set()
    if words and kinds > {str} and kinds <= {int, float, str} and words <= set(TOKENS):
        values, kinds = [None if isinstance(value, str) else value for value in values], kinds - {str}
    if len(kinds) <= 1 or kinds == {int, float}:
        try:
            return pl.Series(values=values, strict=kinds != {int, float}).alias(name)
        except STOPS:
            raise
        except BaseException:  # noqa: BLE001, S110 - Polars panics, which is no Exception; as text it can be kept
            pass
    return pl.Series(name, [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values])
