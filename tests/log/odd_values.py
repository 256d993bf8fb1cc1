"""Values that a host may log, none of which may keep a row with an id and a time out of the log."""

# ruff: noqa: DTZ001, DTZ901, E501
# Moments without a zone are logged too.

from __future__ import annotations

import enum
import fractions
import ipaddress
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

__all__ = ["FEATURES", "IDS", "TIMES", "UNNAMED", "VALUES"]


class Level(enum.Enum):
    LOW = 1


class Number(enum.IntEnum):
    ONE = 1


@dataclass
class Point:
    x: float = 1.0


class Raising:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Panic(BaseException):
    """What an extension in Rust raises: no Exception."""


Panic.__name__ = "PanicException"


class Panicking:
    def isoformat(self) -> str:
        raise Panic("index out of bounds")


class Slotted:
    __slots__ = ()


class Reader(Mapping[str, Any]):
    """A mapping that is no dict."""

    def __getitem__(self, name: str) -> int:
        return {"a": 1, "b": 2}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


Pair = namedtuple("Pair", "a b")
CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]
NOW = datetime(2026, 11, 1, 12)

VALUES: dict[str, Any] = {
    "none": None, "true": True, "zero": 0, "minus zero": -0.0, "whole": 7, "huge": 2**63, "negative huge": -(2**64),
    "beyond floats": 10**400, "beyond the limit of digits": 10**5_000, "float": 1.5, "nan": float("nan"),
    "infinity": float("inf"), "minus infinity": float("-inf"), "denormal": 5e-324, "largest": 1.797e308,
    "text": "a", "empty": "", "blank": " ", "nul": "\x00", "nul inside": "a\x00b", "half a character": "\ud800",
    "other half": "a\udcffb", "halves the wrong way": "\udc00\ud800", "emoji": "😀", "combining": "e\u0301", "line": "a\nb",
    "line separator": "\u2028", "bom": "\ufeff", "right to left": "\u202e", "noncharacter": "\uffff", "escape": "\x1b[2J",
    "json": '{"kind": "label"}', "long": "x" * 200_000, "number as text": "1e5", "NA": "NA", "bytes": b"abc",
    "bytes that are no text": b"\xff\xfe", "bytearray": bytearray(b"a"), "memoryview": memoryview(b"a"),
    "list": [1, 2], "empty list": [], "list of lists": [[1], []], "mixed list": [1, "a", None], "tuple": (1, 2),
    "set": {1}, "frozenset": frozenset({"a"}), "dict": {"a": 1}, "empty dict": {}, "dict with odd keys": {1: 1, None: 2},
    "dict with tuple keys": {(1, 2): 3}, "circle": CIRCLE, "deep": DEEP, "range": range(3), "generator": (i for i in ()),
    "deque": deque([1]), "complex": 1j, "decimal": Decimal("1.50"), "decimal nan": Decimal("NaN"),
    "signalling nan": Decimal("sNaN"), "decimal infinity": Decimal("Infinity"), "huge decimal": Decimal("1e999999"),
    "fraction": fractions.Fraction(1, 3), "date": date(2024, 1, 1), "first date": date.min, "last date": date.max,
    "time": time(1, 2), "time with zone": time(1, 2, tzinfo=UTC), "moment": NOW, "first moment": datetime.min,
    "last moment": datetime.max, "aware": NOW.replace(tzinfo=timezone(timedelta(hours=-7))), "duration": timedelta(1),
    "longest duration": timedelta.max, "uuid": uuid.UUID(int=1), "address": ipaddress.ip_address("10.0.0.1"),
    "path": PurePosixPath("/a"), "enum": Level.LOW, "intenum": Number.ONE, "dataclass": Point(), "namedtuple": Pair(1, 2),
    "namespace": SimpleNamespace(a=1), "slotted": Slotted(), "object": object(), "class": Point, "function": len,
    "lambda": lambda: 1, "module": np, "exception": ValueError("a"), "ellipsis": ..., "notimplemented": NotImplemented,
    "raising": Raising(), "panicking": Panicking(), "list of raising": [Raising()],
    **{f"numpy {np.dtype(kind)}": np.ones(1, kind)[0] for kind in
       ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", "c8", "c16")},
    "numpy nan": np.float64("nan"), "numpy half nan": np.float16("nan"), "numpy text": np.str_("a"),
    "numpy bytes": np.bytes_(b"a"), "numpy moment": np.datetime64("2024-01-01T00:00:00", "ns"),
    "numpy day": np.datetime64("2024-01-01"), "numpy year": np.datetime64(2**40, "Y"), "NaT": np.datetime64("NaT"),
    "numpy duration": np.timedelta64(1, "D"), "numpy no duration": np.timedelta64("NaT"), "numpy void": np.void(b"a"),
    "numpy record": np.zeros(1, "i4,f4")[0], "array": np.ones(3), "array of no dimension": np.array(1.0),
    "array of no length": np.zeros(0), "array of width 0": np.zeros((3, 0)), "array of objects": np.array([object()]),
    "array of arrays": np.ones((2, 2)), "array of moments": np.array(["2024-01-01"], "M8[ns]"),
    "masked": np.ma.masked, "masked array": np.ma.masked_array([1.0, 2.0], [True, False]), "matrix": np.eye(2),
    "pd.NA": pd.NA, "pd.NaT": pd.NaT, "pandas moment": pd.Timestamp("2024-01-01", tz="Asia/Kathmandu"),
    "last pandas moment": pd.Timestamp.max, "pandas duration": pd.Timedelta(1), "period": pd.Period("2024-01"),
    "interval": pd.Interval(0, 1), "pandas series": pd.Series([1, 2]), "index": pd.Index([1]),
    "categorical": pd.Categorical(["a"]), "frame": pd.DataFrame({"a": [1]}), "empty frame": pd.DataFrame(),
    "offset": pd.offsets.MonthEnd(), "pandas array": pd.array([1, None]), "polars series": pl.Series([1]),
    "polars frame": pl.DataFrame({"a": [1]}), "lazy frame": pl.LazyFrame({"a": [1]}), "polars type": pl.Int8,
    "counter": Counter("ab"), "defaultdict": defaultdict(list), "ordered": OrderedDict(a=1), "chainmap": ChainMap({"a": 1}),
    "proxy": MappingProxyType({"a": 1}), "userdict": UserDict(a=1), "type": int,
}  # fmt: skip

IDS: dict[str, tuple[Any, Any]] = {
    "text": ("a", "a"), "whole": (7, "7"), "float": (6.0, "6"), "none": (None, ...), "empty": ("", ""),
    "huge": (2**70, str(2**70)), "uuid": (uuid.UUID(int=1), str(uuid.UUID(int=1))), "numpy": (np.int64(8), "8"),
    "decimal": (Decimal(9), "9"), "nul": ("a\x00b", "a\x00b"), "half a character": ("a\ud800", "a\\ud800"),
    "bytes": (b"key", "key"), "moment": (NOW, NOW.isoformat()),
    "list": ([1], None), "dict": ({"a": 1}, None), "tuple": ((1, 2), None), "true": (True, None), "false": (False, None),
    "array": (np.ones(2), None), "circle": (CIRCLE, None), "raising": (Raising(), None), "nan": (float("nan"), None),
}  # fmt: skip
"""Ids, with what they are in the log: None where the row is set aside, ``...`` where one is made."""

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
TIMES: dict[str, tuple[Any, bool]] = {
    "moment": (AT, True), "naive": (NOW, True), "text": ("2026-11-01T12:00:00Z", True), "seconds": (AT.timestamp(), True),
    "whole seconds": (int(AT.timestamp()), True), "milliseconds": (int(AT.timestamp() * 1e3), True),
    "microseconds": (int(AT.timestamp() * 1e6), True), "nanoseconds": (int(AT.timestamp() * 1e9), True),
    "text of seconds": (str(AT.timestamp()), True), "date": (date(2026, 11, 1), True), "numpy": (np.datetime64(NOW), True),
    "pandas": (pd.Timestamp(AT), True), "monotonic": (12_345.678, False), "true": (True, False), "false": (False, False),
    "zero": (0, False), "negative": (-1, False), "nan": (float("nan"), False), "infinity": (float("inf"), False),
    "huge": (10**30, False), "beyond digits": (10**5_000, False), "year 1": (datetime.min, False),
    "year 9999": (datetime.max, False), "next year": (datetime(2999, 1, 1), False), "1970": (datetime(1970, 1, 1), False),
    "no time": ("noon", False), "empty": ("", False), "list": ([AT], False), "dict": ({"at": 1}, False),
    "NaT": (pd.NaT, False), "duration": (timedelta(1), False), "half a character": ("\ud800", False),
    "raising": (Raising(), False), "seconds since midnight": (43_200, False),
}  # fmt: skip
"""Times, and whether the row may be taken in."""

FEATURES: dict[str, Any] = {
    "dict": {"a": 1, "b": 2}, "pandas series": pd.Series({"a": 1, "b": 2}), "proxy": MappingProxyType({"a": 1, "b": 2}),
    "userdict": UserDict(a=1, b=2), "chainmap": ChainMap({"a": 1}, {"b": 2}), "ordered": OrderedDict(a=1, b=2),
    "mapping": Reader(), "namedtuple": Pair(1, 2), "row of a frame": pd.DataFrame({"a": [1], "b": [2]}).iloc[0],
    "counter": Counter(a=1, b=2), "numpy values": {"a": np.int64(1), "b": np.float32(2)},
}  # fmt: skip
"""Features a = 1 and b = 2, with their names."""

UNNAMED: dict[str, Any] = {
    "list": [1, 2], "tuple": (1, 2), "array": np.array([1, 2]), "polars series": pl.Series([1, 2]), "text": "ab",
    "number": 7, "set": {1, 2}, "raising": [Raising()], "circle": [CIRCLE],
}  # fmt: skip
"""Features without names."""
