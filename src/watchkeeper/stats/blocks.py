"""The forms in which statistics see rows: numbers, levels, outcomes and whole rows.

A block does once what several statistics need: splitting off nulls and NaN, mapping to bins, counting levels.
Numbers come in blocks small enough for the processor's cache; their buffers are reused, so a block is only valid
until the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from threading import local

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.kinds import type_name
from watchkeeper.core.schema import Column, NumericMap

__all__ = [
    "BLOCK",
    "KEYS",
    "ClassSets",
    "Levels",
    "NumberSource",
    "Numbers",
    "Outcomes",
    "Rows",
    "WordCounts",
    "count_levels",
    "to_float",
    "to_text",
]

BLOCK = 32_768
"""Rows of a block of numbers: a quarter of a megabyte of float64, which a core's second-level cache holds."""

KEYS = 65_536
"""Number of keys of the universal histogram."""

_COUNT = "__watchkeeper_count__"
_workspace = local()


class _Buffers:
    def __init__(self) -> None:
        self.difference = np.empty(BLOCK)
        self.mapped = np.empty(BLOCK, np.float32)
        self.keys = np.empty(BLOCK, np.intp)


def _buffers() -> _Buffers:
    if not hasattr(_workspace, "buffers"):
        _workspace.buffers = _Buffers()
    buffers: _Buffers = _workspace.buffers
    return buffers


class Numbers:
    """Up to ``BLOCK`` rows of a numeric column.

    Attributes
    ----------
    rows, nulls, nans, positive, negative
        Number of rows; of them null, NaN, +inf and -inf.
    x
        The finite values, float64, shape (m,).
    difference
        x - anchor, shape (m,).
    total
        Sum of ``difference``.
    source
        The column the block was cut from.
    """

    __slots__ = ("_keys", "difference", "nans", "negative", "nulls", "positive", "rows", "source", "total", "x")

    def __init__(self, source: NumberSource, x: NDArray[np.float64], rows: int, nulls: int) -> None:
        self.source, self.rows, self.nulls = source, rows, nulls
        self.nans = self.positive = self.negative = 0
        self._keys: NDArray[np.intp] | None = None
        self._centre(x)
        if not isfinite(self.total):
            finite = np.isfinite(x)
            if not finite.all():
                self.nans = int(np.isnan(x).sum())
                self.positive = int(np.isposinf(x).sum())
                self.negative = len(x) - int(finite.sum()) - self.nans - self.positive
                self._centre(x[finite])

    def _centre(self, x: NDArray[np.float64]) -> None:
        self.x = x
        with np.errstate(over="ignore", invalid="ignore"):
            # Subtracting -0 makes +0 of -0, which is not another value.
            self.difference = np.subtract(x, self.source.map.anchor or -0.0, out=_buffers().difference[: len(x)])
            self.total = float(np.add.reduce(self.difference))

    @property
    def keys(self) -> NDArray[np.intp]:
        """The top 16 bits of z = (x - anchor) / scale as IEEE float32, shape (m,)."""
        if self._keys is None:
            m = len(self.x)
            mapped = _buffers().mapped[:m]
            with np.errstate(over="ignore", under="ignore"):
                np.multiply(self.difference, 1.0 / self.source.map.scale, out=mapped, casting="same_kind")
            keys = _buffers().keys[:m]
            keys[:] = mapped.view(np.uint16)[1::2]
            self._keys = keys
        return self._keys


class NumberSource:
    """A numeric column of one batch, cut into blocks; it can be read again.

    Raises
    ------
    SchemaError
        When the column holds text or nested values.
    """

    def __init__(self, series: pl.Series, column: Column) -> None:
        to_float(series.clear())
        self.map: NumericMap = column.map
        self._series = series

    def blocks(self) -> Iterator[Numbers]:
        """Cut the column into blocks."""
        if self._series.dtype == pl.Float64 and not self._series.null_count():
            for chunk in self._series.get_chunks():
                values = chunk.to_numpy()
                for start in range(0, len(values), BLOCK):
                    piece = values[start : start + BLOCK]
                    yield Numbers(self, piece, len(piece), 0)
            return
        for start in range(0, len(self._series), BLOCK):
            floats = to_float(self._series.slice(start, BLOCK))
            nulls = floats.null_count()
            yield Numbers(self, (floats.drop_nulls() if nulls else floats).to_numpy(), len(floats), nulls)


def to_float(series: pl.Series) -> pl.Series:
    """Return a numeric, boolean or temporal column as Float64; times become seconds since 1970 in UTC.

    Raises
    ------
    SchemaError
        When the column holds text or nested values.
    """
    dtype = series.dtype
    if dtype.is_numeric() or dtype == pl.Boolean:
        return series if dtype == pl.Float64 else series.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        return series.dt.epoch("us").cast(pl.Float64) / 1e6
    if dtype == pl.Date:
        return series.dt.epoch("s").cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        return series.dt.total_microseconds().cast(pl.Float64) / 1e6
    if dtype == pl.Time:
        return series.cast(pl.Int64).cast(pl.Float64) / 1e9
    if dtype == pl.Null:
        return series.cast(pl.Float64)
    raise SchemaError(f"column {series.name!r} holds {type_name(dtype)}, where numbers were expected")


@dataclass(frozen=True, slots=True)
class Levels:
    """The distinct values of a categorical column with their counts.

    Attributes
    ----------
    rows, nulls
        Number of rows, and of them null.
    names
        The distinct values as text, in no order.
    counts
        Their counts, int64, shape (len(names),).
    """

    rows: int
    nulls: int
    names: pl.Series
    counts: NDArray[np.int64]


def to_text(series: pl.Series) -> pl.Series:
    """Return a column as text; whole floats lose their ``.0`` so that 1 and 1.0 are one level.

    Raises
    ------
    SchemaError
        When the column holds nested values.
    """
    dtype = series.dtype
    if dtype == pl.String:
        return series
    if dtype.is_nested() or dtype == pl.Object:
        raise SchemaError(f"column {series.name!r} holds {type_name(dtype)}, where single values were expected")
    if dtype == pl.Binary:
        return series.bin.encode("hex")
    if dtype == pl.Duration:
        return series.dt.to_string("iso")
    if dtype.is_float():
        whole = series.is_finite() & (series == series.floor()) & (series.abs() < 2**53)
        as_text = series.cast(pl.String)
        return as_text.zip_with(~whole.fill_null(False), series.cast(pl.Int64, strict=False).cast(pl.String))
    return series.cast(pl.String)


def count_levels(frame: pl.DataFrame, names: Iterable[str]) -> dict[str, Levels]:
    """Count the distinct values of several columns at once, by column."""
    return {name: _levels(frame[name]) for name in names}


def _levels(series: pl.Series) -> Levels:
    counted = _count_by_hash(series) if series.dtype == pl.String and len(series) > BLOCK else None
    if counted is None:
        table = series.value_counts(sort=False, name=_COUNT)
        counted = table.to_series(0), table.to_series(1).cast(pl.Int64).to_numpy()
    names, counts = to_text(counted[0]), counted[1]
    known = names.is_not_null()
    valid = counts[known.to_numpy()]
    return Levels(len(series), len(series) - int(valid.sum()), names.filter(known), valid)


def _count_by_hash(series: pl.Series) -> tuple[pl.Series, NDArray[np.int64]] | None:
    """Count values by 16 bits of their 64-bit hash, in a third of the time of ``value_counts``.

    Returns None when there are so many values that two share each choice of 16 bits. Values are told apart by all
    64 bits: that two of 400 agree in them has a probability of 4e-15.
    """
    hashes = series.hash().to_numpy()
    places = np.empty(BLOCK // 2, np.intp)
    for choice in range(4):
        bits, counts = hashes.view(np.uint16)[choice::4], WordCounts()
        for start in range(0, len(hashes), len(places)):
            words = hashes[start : start + len(places)]
            places[: len(words)] = bits[start : start + len(places)]
            if not counts.add(words, places[: len(words)]):
                break
        else:
            distinct, first, found = counts.found()
            # The word 0 may come without its row.
            return (series.gather(first), found) if np.array_equal(hashes[first], distinct) else None
    return None


class WordCounts:
    """Exact counts of 64-bit words, as long as no two of them are put in the same of 65,536 places."""

    def __init__(self) -> None:
        self.counts = np.zeros(KEYS, np.int64)
        self._words, self._first = np.zeros(KEYS, np.uint64), np.zeros(KEYS, np.int64)
        self._rows = 0

    def add(self, words: NDArray[np.uint64], places: NDArray[np.intp]) -> bool:
        """Take words in; False, and no further use, when a place is taken by another word."""
        fresh = np.flatnonzero(self._words[places] != words)
        if len(fresh):
            new = places[fresh]
            if self.counts[new].any():
                return False
            self._words[new], self._first[new] = words[fresh], self._rows + fresh
            if not np.array_equal(self._words[new], words[fresh]):
                return False
        np.add.at(self.counts, places, 1)
        self._rows += len(words)
        return True

    def found(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the words, the row in which each came first (not told for the word 0), and their counts."""
        taken = np.flatnonzero(self.counts)
        return self._words[taken], self._first[taken], self.counts[taken]


@dataclass(frozen=True, slots=True)
class ClassSets:
    """Sets of classes row by row.

    Attributes
    ----------
    labels, predictions
        Whether a class belongs to the set, bool, shape (rows, K + 1); the last column is for anything outside the
        classes.
    labelled, predicted
        Whether there is a set at all, bool, shape (rows,).
    """

    labels: NDArray[np.bool_]
    predictions: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    predicted: NDArray[np.bool_]


@dataclass(frozen=True)
class Outcomes:
    """What was answered and what was true, row by row, in the terms of the schema.

    Attributes
    ----------
    rows
        Number of predictions, labelled or not.
    label, prediction
        Classifier: int64 codes into ``classes``, -1 for null and -2 for a class that is not among them, shape (rows,).
        Regressor: float64 values, NaN for null.
    score
        float64, shape (rows,), NaN for null; None when the log has no score.
    classes
        The classes in the order of their codes; empty for a regressor.
    positive
        Code of the class that ``score`` is the probability of; None unless binary.
    class_scores
        Probability of each class in the order of ``classes``, float64, shape (rows, K), NaN for null; None where the
        log has no columns of them.
    quantiles, levels
        Predicted quantiles, float64, shape (rows, len(levels)), NaN for null, and their levels in increasing order;
        None where the log has no columns of them.
    groups
        Hash of what rows that are ranked together have in common, uint64, shape (rows,), 0 for null; None where the log
        has no such column.
    delay
        Seconds from the prediction to its label, float64, shape (rows,), NaN where one of both times is not known; None
        where the log does not have both.
    sets
        Labels and predictions that are sets of classes; ``label`` and ``prediction`` are then None.
    row_values
        By name of a user's own metric its number for each row, float64, shape (rows,), NaN where it has none; or, in
        words, why it could not be made.
    """

    rows: int
    label: NDArray[np.int64] | NDArray[np.float64] | None
    prediction: NDArray[np.int64] | NDArray[np.float64] | None
    score: NDArray[np.float64] | None
    classes: tuple[str, ...] = ()
    positive: int | None = None
    class_scores: NDArray[np.float64] | None = None
    quantiles: NDArray[np.float64] | None = None
    levels: tuple[float, ...] = ()
    groups: NDArray[np.uint64] | None = None
    delay: NDArray[np.float64] | None = None
    sets: ClassSets | None = None
    row_values: Mapping[str, NDArray[np.float64] | str] = field(default_factory=dict)

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Rows whose label is known and among the classes, shape (rows,)."""
        if self.sets is not None:
            return self.sets.labelled & ~self.sets.labels[:, -1]
        if self.label is None:
            return np.zeros(self.rows, bool)
        return self.label >= 0 if self.classes else np.isfinite(self.label)


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows: the frame and a 64-bit hash of each row's identity, uint64, shape (rows,)."""

    frame: pl.DataFrame
    hashes: NDArray[np.uint64]
    doubled: int = 0
