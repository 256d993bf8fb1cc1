"""Pairs of tables of which one or both were changed at random: types, values, names, sizes, and the way they come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

Generator = np.random.Generator
Change = Callable[[pl.Series, Generator], pl.Series]

START = datetime(2026, 1, 1, tzinfo=UTC)
FEATURES = ("amount", "visits", "plan", "new")
LEAST = 60
"""Rows from which on a feature that is gone can be told from chance."""

TOKENS = ("null", "N/A", "?", "-", "", " ", "NaN", "\\N", "soon", "abc", "\0", "\ufffd")
NAMES = (
    "*", "^a.*$", "", " ", "a b", "é", "a\0b", "a\nb", "x" * 300, "label", "score", "id", "time", "Unnamed: 0",
    "__index_level_0__", "@rows", "@outcome", "a/b", "{x}", "<b>", "prediction", "Plan", "AMOUNT",
)  # fmt: skip


@dataclass(frozen=True)
class TablePair:
    """Two tables and what is true of them.

    Attributes
    ----------
    current, reference
        Frames, or paths of files.
    options
        What the check is asked beside them.
    lost
        Features that the reference has as they are, and of which current holds nothing.
    story
        What was changed.
    """

    current: Any
    reference: Any
    options: dict[str, Any]
    lost: tuple[str, ...]
    story: tuple[str, ...]


def table(g: Generator, rows: int, minutes: int) -> pl.DataFrame:
    """Return an ordinary table whose times lie within so many minutes; without times where that is none."""
    times = {"since": [START + timedelta(minutes=int(m)) for m in g.integers(0, minutes, rows)]} if minutes else {}
    return pl.DataFrame(
        {
            "amount": g.normal(10, 3, rows),
            "visits": g.integers(0, 50, rows),
            "plan": g.choice(["a", "b", "c"], rows),
            "new": g.random(rows) < 0.3,
            **times,
            "score": g.random(rows),
            "label": g.integers(0, 2, rows),
        }
    )


def _each(make: Callable[[int], Any], dtype: pl.DataType | None = None) -> Change:
    """Return the change that puts other values in the place of all."""
    return lambda series, g: pl.Series(series.name, [make(i) for i in range(len(series))], dtype=dtype, strict=False)


def _some(make: Callable[[Generator], Any], most: int = 30) -> Change:
    """Return the change that puts texts in the place of a few values."""

    def change(series: pl.Series, g: Generator) -> pl.Series:
        texts = series.cast(pl.String).to_list()
        for row in g.integers(0, max(1, len(texts)), int(g.integers(1, most))) if texts else ():
            texts[int(row)] = make(g)
        return pl.Series(series.name, texts, dtype=pl.String)

    return change


def _nulls(series: pl.Series, g: Generator) -> pl.Series:
    gone = pl.Series(g.random(len(series)) < g.random())
    return series.to_frame("x").select(pl.when(~gone).then(pl.col("x"))).to_series()


def _nested(depth: int) -> Change:
    def value(number: int) -> Any:
        found: Any = number
        for level in range(depth):
            found = {f"k{level}": found} if level % 2 else [found, None]
        return found

    return _each(value)


NOTHING: dict[str, Change] = {
    # What nothing can be compared of, whatever the column was.
    "all null": lambda s, g: pl.Series(s.name, [None] * len(s), dtype=s.dtype),
    "null type": _each(lambda i: None, pl.Null()),
    "objects": lambda s, g: pl.Series(s.name, [object() for _ in range(len(s))], dtype=pl.Object),
    "arrays of nothing": _each(lambda i: [], pl.Array(pl.Float64, 0)),
    "structs": _each(lambda i: {"a": i, "b": None}),
    "empty structs": _each(lambda i: {}, pl.Struct([])),
    "deep": _nested(40),
}
CHANGES: dict[str, Change] = {
    **NOTHING,
    "texts": lambda s, g: s.cast(pl.String),
    "tokens": _some(lambda g: str(g.choice(TOKENS))),
    "nulls": _nulls,
    "constant": lambda s, g: pl.Series(s.name, [s[0] if len(s) else None] * len(s), dtype=s.dtype),
    "categorical": lambda s, g: s.cast(pl.String).cast(pl.Categorical),
    "enumeration": lambda s, g: s.cast(pl.String).cast(pl.Enum(s.cast(pl.String).unique().drop_nulls().to_list())),
    "decimals": _each(lambda i: Decimal(i) / 4),
    "whole decimals": _each(lambda i: Decimal(10**25 + i), pl.Decimal(38, 0)),
    "lists": _each(lambda i: [i, i + 1]),
    "lists of texts": _each(lambda i: ["a", "b"][: i % 3]),
    "vectors": _each(lambda i: [float(i), 0.5]),
    "vectors of nothing": _each(lambda i: [float("nan"), float("inf")]),
    "arrays": _each(lambda i: [float(i), 0.5, -1.0], pl.Array(pl.Float32, 3)),
    "ragged": _each(lambda i: [0.5] * (i % 3)),
    "written lists": _each(lambda i: f"[{i}, 0.5]"),
    "nested lists": _nested(3),
    "bytes": _each(lambda i: bytes([i % 256, 0, 255])),
    "durations": _each(lambda i: timedelta(seconds=i)),
    "dates": _each(lambda i: date(2026, 1, 1 + i % 28)),
    "far dates": _each(lambda i: date(1 + i % 9999, 1, 1)),
    "clocks": _each(lambda i: time(i % 24, i % 60)),
    "nanoseconds": _each(lambda i: START + timedelta(hours=i), pl.Datetime("ns", "Asia/Kolkata")),
    "written dates": _each(lambda i: f"{1 + i % 12:02d}/{1 + i % 12:02d}/2026"),
    "other written dates": _each(lambda i: f"{1 + i % 28}.{1 + i % 12}.{2020 + i % 5} {i % 24:02d}:00"),
    "seconds": _each(lambda i: 1_767_225_600 + 60 * i),
    "milliseconds among seconds": _each(lambda i: (1_767_225_600 + 60 * i) * (1_000 if i % 10 == 0 else 1)),
    "huge": _each(lambda i: 10.0 ** (i % 308)),
    "tiny": _each(lambda i: 5e-324 * i),
    "infinite": _each(lambda i: float("inf") if i % 3 == 0 else float(i)),
    "all infinite": _each(lambda i: float("-inf")),
    "nan": _each(lambda i: float("nan")),
    "half floats": lambda s, g: s.cast(pl.Float32),
    "bytes of numbers": lambda s, g: s.cast(pl.UInt8, strict=False),
    "whole of 128 bits": _each(lambda i: 2**70 + i, pl.Int128()),
    "largest": _each(lambda i: 2**64 - 1 - i, pl.UInt64()),
    "leading zeros": _each(lambda i: f"{i:06d}"),
    "money": _each(lambda i: f"${i:,}.50"),
    "shares": _each(lambda i: f"{i % 100}%"),
    "commas": _each(lambda i: f"{i},{i % 10}"),
    "different texts": _each(lambda i: f"text {i}"),
    "free text": _each(lambda i: f"the customer said number {i} was not what they had wanted at all"),
    "long texts": _each(lambda i: "x" * (1 + 1_000 * (i % 5))),
    "ids": _each(lambda i: f"{i:08x}-0000-4000-8000-{i:012x}"),
    "truth words": _each(lambda i: ["yes", "no", "TRUE", "0"][i % 4]),
    "scaled": lambda s, g: s.cast(pl.Float64) * 1_000,
    "sorted": lambda s, g: s.sort(),
    "negative": lambda s, g: -s.cast(pl.Float64),
}


def _kept(frame: pl.DataFrame, name: str, change: str, g: Generator) -> pl.DataFrame | None:
    """Return the frame with one column changed; None where Polars has no such column."""
    try:
        series = CHANGES[change](frame[name].alias("x"), g).alias(name)
        return pl.DataFrame([series if other == name else frame[other] for other in frame.columns])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError, OverflowError):
        return None


@dataclass
class _Table:
    frame: pl.DataFrame
    story: list[str]
    touched: set[str]
    lost: set[str]


def _change(of: _Table, g: Generator) -> None:
    """Change one thing of a table."""
    frame, how = of.frame, g.random()
    name = str(g.choice(frame.columns)) if frame.width else ""
    if how < 0.7 and frame.width:
        change = str(g.choice(list(CHANGES)))
        changed = _kept(frame, name, change, g)
        if changed is None:
            return
        of.frame = changed
        of.lost.discard(name)
        if change in NOTHING:
            of.lost.add(name)
        of.story.append(f"{name!r}: {change}")
    elif how < 0.8 and frame.width > 1:
        of.frame = frame[[other for other in frame.columns if other != name]]
        of.lost.add(name)
        of.story.append(f"{name!r}: gone")
    elif how < 0.9 and frame.width:
        other = str(g.choice(NAMES))
        if other in frame.columns:
            return
        of.frame = pl.DataFrame([series.alias(other) if series.name == name else series for series in frame])
        of.lost.add(name)
        of.touched.add(other)
        of.story.append(f"{name!r}: named {other!r}")
    else:
        rows = int(g.choice([0, 1, 2, 30]))
        of.frame = frame.head(rows)
        of.story.append(f"{rows} rows")
    of.touched.add(name)


def _come(of: _Table, g: Generator, folder: Path, file: str) -> Any:
    """Return a table in one of the ways in which tables come; as it is where that way cannot hold it."""
    way = str(g.choice(["polars"] * 5 + ["lazy", "pandas", "arrow", "parquet", "csv", "json"]))
    frame, path = of.frame, folder / f"{file}.{way}"
    try:
        if way == "lazy":
            came: Any = frame.lazy()
        elif way == "pandas":
            came = frame.to_pandas()
        elif way == "arrow":
            came = frame.to_arrow()
        elif way == "parquet":
            frame.write_parquet(path)
            came = path
        elif way == "csv":
            frame.write_csv(path)
            came = path
        elif way == "json":
            path.write_text("\n".join(json.dumps(row, default=str) for row in frame.to_dicts()))
            came = path
        else:
            return frame
    except BaseException:  # noqa: BLE001 - what a library cannot write, a panic of it included, does not come that way
        return frame
    of.story.append(way)
    return came


def pair(seed: int, folder: Path) -> TablePair:
    """Return a pair of tables; files are written into the folder."""
    g = np.random.default_rng(seed)
    rows = int(g.choice([LEAST, 200, 400]))
    # Windows cost most: few tables have times.
    minutes = int(g.choice([0] * 8 + [500, 500_000]))
    both = _Table(table(g, rows, minutes), [], set(), set())
    for _ in range(int(g.integers(0, 3)) if g.random() < 0.4 else 0):
        _change(both, g)
    ours, theirs = (_Table(both.frame, [], set(both.touched), set()) for _ in range(2))
    if g.random() < 0.5:
        # Other rows of the same kind, where nothing was changed so far.
        ours.frame = table(g, rows, minutes) if not both.touched and not both.story else both.frame
    for side in (ours, theirs):
        for _ in range(int(g.integers(0, 3))):
            _change(side, g)
    whole = min(ours.frame.height, theirs.frame.height) >= LEAST
    lost = [name for name in FEATURES if name in ours.lost and name not in theirs.touched] if whole else []
    options: dict[str, Any] = {}
    if g.random() < 0.2:
        options = {"label": "label", "score": "score"}
    if g.random() < 0.1:
        options["segments"] = ["plan"]
    if g.random() < 0.15:
        kind = str(g.choice(["numeric", "categorical", "boolean", "text", "time", "identifier", "duration", "vector"]))
        options["types"] = {str(g.choice(FEATURES)): kind}
    current, reference = _come(ours, g, folder, "now"), _come(theirs, g, folder, "then")
    story = (*(f"both {s}" for s in both.story), *(f"current {s}" for s in ours.story),
             *(f"reference {s}" for s in theirs.story))  # fmt: skip
    return TablePair(current, reference, options, tuple(lost), story)
