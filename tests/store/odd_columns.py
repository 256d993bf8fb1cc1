"""Columns of every type and name that a table may bring, none of which may stop what comes after."""

# ruff: noqa: DTZ001
# Moments without a zone are a type of their own.

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

__all__ = ["NAMES", "ROWS", "TYPES"]

ROWS = 4
_US = pl.Datetime("us")


def _series(values: list[Any], dtype: Any = None) -> pl.Series:
    return pl.Series("x", values, dtype, strict=False)


def _raw(number: int, dtype: pl.DataType) -> pl.Series:
    """Return moments or durations by the number that stands for them, whether or not a calendar has it."""
    whole = pl.Int32() if dtype == pl.Date else pl.Int64()
    return pl.Series("x", [0, number, None, 1], whole).cast(dtype)


TYPES: dict[str, pl.Series] = {
    **{
        f"{dtype}": _series([1, 2, None, 3], dtype)
        for dtype in (
            pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Int128, pl.Float32,
            pl.Float64, pl.Boolean, pl.String, pl.Decimal(10, 2), pl.Decimal(38, 0), pl.Null,
        )
    },
    **{f"Datetime {unit} {zone}": _series([datetime(2024, 1, 1), None, datetime(2024, 1, 2), None], pl.Datetime(unit))
       .dt.replace_time_zone(zone)
       for unit in ("ms", "us", "ns") for zone in (None, "UTC", "Asia/Kathmandu")},
    **{f"Duration {unit}": _series([timedelta(1), None, timedelta(-3), timedelta(0)], pl.Duration(unit))
       for unit in ("ms", "us", "ns")},
    **{f"{name} {number:g}": _raw(number, dtype)
       for name, dtype in (("date", pl.Date()), ("moment", _US), ("moment in ms", pl.Datetime("ms")),
                           ("moment in ns", pl.Datetime("ns")), ("aware moment", pl.Datetime("us", "UTC")),
                           ("far moment in Paris", pl.Datetime("us", "Europe/Paris")),
                           ("duration", pl.Duration("us")), ("duration in ms", pl.Duration("ms")))
       for number in (2**31 - 1, -(2**31), *([] if dtype == pl.Date() else [2**63 - 1, -(2**63) + 1, 10**15, 10**17]))},
    "year 1": _series([datetime(1, 1, 1), datetime(9999, 12, 31), None, datetime(2024, 1, 1)]),
    "year 1 as a date": _series([date(1, 1, 1), date(9999, 12, 31), None, date(2024, 1, 1)]),
    "clock": _series([time(1, 2, 3), None, time(23, 59, 59, 999_999), time(0)]),
    "categorical": _series(["a", None, "b", "a"], pl.Categorical),
    "enum": _series(["a", None, "b", "a"], pl.Enum(["a", "b", "c"])),
    "bytes": _series([b"\x00\xff", None, b"", b"abc"]),
    "beyond 64 bits": _series([2**100, -(2**100), None, 1], pl.Int128),
    "largest unsigned": _series([2**64 - 1, 0, None, 1], pl.UInt64),
    "nan and infinity": _series([float("nan"), float("inf"), float("-inf"), None]),
    "denormal": _series([5e-324, 1.7e308, -0.0, None]),
    "list": _series([[1, 2], [], None, [3]]),
    "list of text": _series([["a", None], [], None, ["\x00"]]),
    "list of nulls": _series([[None], [], None, [None, None]]),
    "list of lists": _series([[[1]], [[]], None, [[2, 3]]]),
    "list of dates": _series([[date(2024, 1, 1)], [], None, [None]]),
    "list of far moments": pl.Series("x", [[2**62], [], None, [0]]).cast(pl.List(_US)),
    "list of durations": _series([[timedelta(1)], [], None, [None]]),
    "list of bytes": _series([[b"\xff"], [], None, [None]]),
    "list of nan": _series([[float("nan")], [float("inf")], None, [1.0]]),
    "list of structs": _series([[{"a": 1}], [], None, [{"a": None}]]),
    "list of decimals": _series([[Decimal("1.5")], [], None, [None]]),
    "array": _series([[1, 2], [3, 4], None, [5, 6]], pl.Array(pl.Int64, 2)),
    "array of width 0": _series([[], [], None, []], pl.Array(pl.Float64, 0)),
    "array of width 0 without nulls": _series([[], [], [], []], pl.Array(pl.Int64, 0)),
    "array of arrays": _series([[[1], [2]], [[3], [4]], None, [[5], [6]]], pl.Array(pl.Array(pl.Int64, 1), 2)),
    "array of arrays of width 0": _series([[[], []]] * 3 + [None], pl.Array(pl.Array(pl.Int64, 0), 2)),
    "array of text": _series([["a"], [None], None, ["b"]], pl.Array(pl.String, 1)),
    "list of arrays of width 0": _series([[[]], [], None, [[], []]], pl.List(pl.Array(pl.Int64, 0))),
    "struct": _series([{"a": 1, "b": "x"}, {"a": None, "b": None}, None, {"a": 2, "b": "y"}]),
    "struct without fields": pl.Series("x", [{}, {}, {}, {}], pl.Struct([])),
    "struct with an empty name": _series([{"": 1}, {"": 2}, None, {"": 3}]),
    "struct with a NUL in a name": _series([{"a\x00b": 1}, {"a\x00b": 2}, None, {"a\x00b": 3}]),
    "struct with far moments": _raw(2**62, _US).to_frame("at").to_struct("x"),
    "struct with an array of width 0": _series([[], [], None, []], pl.Array(pl.Int64, 0)).to_frame("a").to_struct("x"),
    "struct in struct": _series([{"a": {"b": [1]}}, {"a": None}, None, {"a": {"b": []}}]),
    "text with NUL": _series(["a\x00b", "\x00", None, ""]),
    "long text": _series(["x" * 100_000, "", None, "y"]),
    "odd text": _series(["\u202e\U0001f600", "\ufffe", None, "\r\n"]),
    "all null text": _series([None] * 4, pl.String),
    "all null list": _series([None] * 4, pl.List(pl.Int64)),
    "all null array of width 0": _series([None] * 4, pl.Array(pl.Int64, 0)),
    "objects": pl.Series("x", [object(), None, 1, "a"], pl.Object),
    "numbers as objects": pl.Series("x", [1, 2.5, None, Decimal(1)], pl.Object),
    "complex as objects": pl.Series("x", [1j, None, 2j, 0j], pl.Object),
    "sets as objects": pl.Series("x", [{1}, None, {2}, set()], pl.Object),
    "arrays as objects": pl.Series("x", [np.zeros(2), None, np.zeros(0), np.zeros((2, 2))], pl.Object),
    "raising objects": pl.Series("x", [type("R", (), {"__str__": lambda s: 1 / 0})(), None, 1, 2], pl.Object),
    "half": _series([0.5, None, 65504.0, 1.0], getattr(pl, "Float16", pl.Float32)),
}  # fmt: skip
"""By what they are, columns of four rows named ``x``."""

NAMES = (
    "", " ", "x y", "é", "\x00", "a\x00b", "a\nb", "a\tb", "*", "^x$", "^.*$", "a.b", "a,b", "a;b", "a=b", "a(b)",
    "a{b}", "watchkeeper_arrival", "watchkeeper_place", "watchkeeper_date", "watchkeeper_reason", "watchkeeper_key",
    "Watchkeeper_x", "__watchkeeper_row", "__watchkeeper_group_", "X", "x@float", "x%40float", "%", "%25", "@",
    "@int", "a/b", "a\\b", "..", "'", '"', "`", "a'b", "a\"b", "NULL", "None", "true", "1", "-1", "1.5", "😀",
    "e\u0301", "\u202e", "\ufeffx", "\x7f", "\x1b[31m", "x" * 300, "é" * 200, "count", "len", "index", "literal",
    "at ", " id", "ID", "At", "features", "label", "<b>",
)  # fmt: skip
"""Names of a column of whole numbers."""
