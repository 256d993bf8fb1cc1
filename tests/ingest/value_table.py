"""Kinds of values and the ways in which they come: what each is after the door, whichever way it came."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.ingest.door import Door, enter
from watchkeeper.ingest.sources import open_table
from watchkeeper.ingest.spool import spooled
from watchkeeper.log import Log
from watchkeeper.log.plain import plain
from watchkeeper.streams.arrivals import _frame


class Plan(Enum):
    """An enumeration of a host."""

    SMALL = "small"
    LARGE = "large"


NUMBER = Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(2.0, 1.0))
TIME = Column("x", Role.FEATURE, Kind.TIME, "Datetime(time_unit='us', time_zone='UTC')", NumericMap(1.4e9, 1e6))
LEVEL = Column("x", Role.FEATURE, Kind.CATEGORICAL, "String")
TRUTH = Column("x", Role.FEATURE, Kind.BOOLEAN, "Boolean")
LENGTH = Column("x", Role.FEATURE, Kind.NUMERIC, "Duration(time_unit='us')", NumericMap(60.0, 60.0))

DAY = dt.datetime(2026, 11, 4, 10, tzinfo=dt.UTC)
LATER = DAY + dt.timedelta(hours=1)

VALUES: dict[str, tuple[Column, list[Any], list[Any]]] = {
    # By name: the column that a schema expects, the values as a host has them, and what they are.
    "numbers": (NUMBER, [1.5, 2.25, 3.0], [1.5, 2.25, 3.0]),
    "whole numbers": (NUMBER, [1, 2, 3], [1, 2, 3]),
    "null among numbers": (NUMBER, [1.5, None, 3.0], [1.5, None, 3]),
    "pd.NA among numbers": (NUMBER, [1.5, pd.NA, 3.0], [1.5, None, 3]),
    "decimals": (NUMBER, [Decimal("1.50"), Decimal("2.25"), None], [1.5, 2.25, None]),
    "whole decimals": (NUMBER, [Decimal(1), Decimal(2), Decimal(3)], [1, 2, 3]),
    "numbers of NumPy": (NUMBER, [np.float32(1.5), np.int64(2), np.float64(3)], [1.5, 2, 3]),
    "infinities": (NUMBER, [1.5, float("inf"), float("-inf")], [1.5, float("inf"), float("-inf")]),
    "a word for missing among numbers": (NUMBER, [1.5, "N/A", 3.0], [1.5, None, 3]),
    "truth values": (TRUTH, [True, False, None], ["true", "false", None]),
    "texts": (LEVEL, ["a", "b", None], ["a", "b", None]),
    "digits with leading zeros": (LEVEL, ["007", "042", "1"], ["007", "042", "1"]),
    "an enumeration": (LEVEL, [Plan.SMALL, Plan.LARGE, None], ["small", "large", None]),
    "moments": (TIME, [DAY, LATER, None], [DAY, LATER, None]),
    "NaT among moments": (TIME, [pd.Timestamp(DAY), pd.NaT, pd.Timestamp(LATER)], [DAY, None, LATER]),
    "moments of NumPy": (TIME, [np.datetime64("2026-11-04T10:00:00"), np.datetime64("NaT")], [DAY, None]),
    "dates": (TIME, [dt.date(2026, 11, 4), dt.date(2026, 11, 5)],
              [dt.datetime(2026, 11, 4, tzinfo=dt.UTC), dt.datetime(2026, 11, 5, tzinfo=dt.UTC)]),
    "lengths of time": (LENGTH, [dt.timedelta(minutes=1), dt.timedelta(hours=2), None], [60, 7200, None]),
    "lengths of time of pandas": (LENGTH, [pd.Timedelta("1min"), pd.NaT, pd.Timedelta("2h")], [60, None, 7200]),
}  # fmt: skip


def schema_of(column: Column) -> Schema:
    """Return a schema with an id, a time and the column."""
    moment = "Datetime(time_unit='us', time_zone='UTC')"
    return Schema((Column("id", Role.ID, Kind.IDENTIFIER, "Int64"), Column("at", Role.TIME, Kind.TIME, moment), column))


def _csv(folder: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    path = folder / "x.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["x", "k"])
        for value in values:
            gone = value is None or value is pd.NA or value is pd.NaT or str(value) == "NaT"
            writer.writerow(["" if gone else value.value if isinstance(value, Enum) else value, 1])
    return open_table(path, door=Door().expecting(schema)).sample()


def _polars(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    plainly = [None if value is pd.NA else value.value if isinstance(value, Enum) else value for value in values]
    # What Polars has no type for, its frames hold as objects.
    objects = any(value is pd.NaT or isinstance(value, np.datetime64) for value in plainly)
    mixed = {str, float} <= {type(value) for value in plainly}
    dtype = pl.Object if objects or mixed else None
    series = pl.Series("x", plainly, dtype=dtype, strict=False)
    return open_table(pl.DataFrame([series]), door=Door().expecting(schema)).sample()


def _lazy(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    frame = open_table(pd.DataFrame({"x": pd.Series(values, dtype=object)})).sample()
    return open_table(frame.lazy(), door=Door().expecting(schema)).sample()


def _pandas(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    plainly = [value.value if isinstance(value, Enum) else value for value in values]
    return open_table(pd.DataFrame({"x": plainly}), door=Door().expecting(schema)).sample()


def _objects(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    return open_table(pd.DataFrame({"x": pd.Series(values, dtype=object)}), door=Door().expecting(schema)).sample()


def _parquet(folder: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    open_table(pd.DataFrame({"x": pd.Series(values, dtype=object)})).sample().write_parquet(folder / "x.parquet")
    return open_table(folder / "x.parquet", door=Door().expecting(schema)).sample()


def _arrow(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    frame = open_table(pd.DataFrame({"x": pd.Series(values, dtype=object)})).sample()
    return open_table(frame.to_arrow(), door=Door().expecting(schema)).sample()


def _json(folder: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    lines = [json.dumps({"x": value}, default=plain) for value in values]
    (folder / "x.jsonl").write_text("\n".join(lines))
    return open_table(folder / "x.jsonl", door=Door().expecting(schema)).sample()


def _log(folder: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    with Log(folder, "m") as log:
        for number, value in enumerate(values):
            log.predict(number, DAY, features={"x": value})
    frames = [frame for _, table, frame, done in spooled(folder, "m", schema) if table is Table.PREDICTIONS]
    return enter(frames[0], Door().expecting(schema))[0]


def _stream(_: Path, values: list[Any], schema: Schema) -> pl.DataFrame:
    return _frame([{"x": value} for value in values], schema)


ENTRANCES: dict[str, Callable[[Path, list[Any], Schema], pl.DataFrame]] = {
    "CSV": _csv, "JSON": _json, "Parquet": _parquet, "Polars": _polars, "Polars, lazy": _lazy, "pandas": _pandas,
    "pandas objects": _objects, "Arrow": _arrow, "logging SDK": _log, "stream": _stream,
}  # fmt: skip


def table_text() -> str:
    """Return the table of the documentation: each kind of value, what it is, and the ways in which that was seen."""
    lines = ["| value | is |" + "".join(f" {name} |" for name in ENTRANCES), "|---|---|" + "---|" * len(ENTRANCES)]
    kinds = {"numeric": "numbers", "time": "moments", "categorical": "levels", "boolean": "truth values"}
    for name, (column, _, _) in VALUES.items():
        lines.append(f"| {name} | {kinds[column.kind.value]} |" + " ✓ |" * len(ENTRANCES))
    return "\n".join(lines)
