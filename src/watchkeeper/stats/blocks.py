"""The forms in which statistics see rows: numbers, levels, outcomes and whole rows.

A block does once what several statistics need: splitting off nulls and NaN, mapping to bins, counting levels.
Numbers come in blocks small enough for the processor's cache; their buffers are reused, so a block is only valid
until the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from threading import local
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, NumericMap
from watchkeeper.schema.kinds import as_text, type_name
from watchkeeper.stats.hashing import hash_texts
from watchkeeper.stats.partitions import permute

__all__ = [
    "BLOCK",
    "KEYS",
    "ClassSets",
    "Levels",
    "NumberSource",
    "Numbers",
    "Outcomes",
    "Rows",
    "to_float",
    "to_text",
]

BLOCK = 32_768
"""Rows of a block of numbers: a quarter of a megabyte of float64, which a core's second-level cache holds."""

KEYS = 65_536
"""Number of keys of the universal histogram."""

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


_Taken = tuple[NDArray[np.float64], NDArray[np.bool_] | None]


class NumberSource:
    """A numeric column of one batch, cut into blocks; it can be read again.

    Parameters
    ----------
    positions
        Where each row stands in the order in which blocks show them, shape (rows,); None for the order of the column.
    room
        Where to put the numbers in that order, float64, shape (rows,): new memory costs as much as the numbers.

    Raises
    ------
    SchemaError
        When the column holds text or nested values.
    """

    def __init__(
        self,
        series: pl.Series,
        column: Column,
        positions: NDArray[np.intp] | None = None,
        room: NDArray[np.float64] | None = None,
    ) -> None:
        to_float(series.clear())
        self.map: NumericMap = column.map
        self._series = series
        self._taken: _Taken | None = None
        if positions is not None:
            self._taken = _put(series, positions, np.empty(len(series)) if room is None else room)

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[Numbers]:
        """Cut the rows from ``start`` up to ``stop`` (the last one) into blocks."""
        stop = len(self._series) if stop is None else stop
        if self._taken is not None:
            yield from self._taken_blocks(*self._taken, start, stop)
            return
        if self._series.dtype == pl.Float64 and not self._series.null_count():
            for chunk in self._series.slice(start, stop - start).get_chunks():
                values = chunk.to_numpy()
                for place in range(0, len(values), BLOCK):
                    piece = values[place : place + BLOCK]
                    yield Numbers(self, piece, len(piece), 0)
            return
        for place in range(start, stop, BLOCK):
            floats = to_float(self._series.slice(place, min(BLOCK, stop - place)))
            nulls = floats.null_count()
            yield Numbers(self, (floats.drop_nulls() if nulls else floats).to_numpy(), len(floats), nulls)

    def _taken_blocks(
        self, values: NDArray[np.float64], there: NDArray[np.bool_] | None, start: int, stop: int
    ) -> Iterator[Numbers]:
        for place in range(start, stop, BLOCK):
            end = min(place + BLOCK, stop)
            x = values[place:end]
            if there is not None:
                x = x.take(there[place:end].nonzero()[0])
            yield Numbers(self, x, end - place, end - place - len(x))


def _put(series: pl.Series, positions: NDArray[np.intp], room: NDArray[np.float64]) -> _Taken:
    """Put each number where it belongs; return them, and which of them are not null where any is."""
    floats, there = to_float(series), None
    if floats.null_count():
        there = np.ones(len(floats), bool)
        there[positions[floats.is_null().to_numpy().nonzero()[0]]] = False
        floats = floats.fill_null(0.0)
    start = 0
    for chunk in floats.get_chunks():
        # To write in many places and read in one is faster than the other way round.
        room[positions[start : start + len(chunk)]] = chunk.to_numpy()
        start += len(chunk)
    return room, there


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


@dataclass(frozen=True)
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
    known
        Their hashes, where they have been made already.
    """

    rows: int
    nulls: int
    names: pl.Series
    counts: NDArray[np.int64]
    known: NDArray[np.uint64] | None = None

    @cached_property
    def hashes(self) -> NDArray[np.uint64]:
        """A 64-bit hash of each value, shape (len(names),)."""
        return hash_texts(self.names) if self.known is None else self.known


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
    return as_text(series)


def nested_text(series: pl.Series) -> pl.Series:
    """Return lists and structs as JSON text, null where there is none.

    Raises
    ------
    SchemaError
        When they hold what cannot be written as JSON.
    """
    try:
        whole = pl.DataFrame([series.alias("value")]).select(pl.struct("value").struct.json_encode()).to_series()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        raise SchemaError(f"column holds {type_name(series.dtype)}, which cannot be summarised") from None
    return whole.set(series.is_null(), None).alias(series.name)


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

    def each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> ClassSets:
        """Return the same of other rows."""
        return ClassSets(*map(change, (self.labels, self.predictions, self.labelled, self.predicted)))


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

    def between(self, start: int, stop: int) -> Outcomes:
        """Return the rows from ``start`` up to ``stop``."""
        return self._each(lambda values: values[start:stop], stop - start)

    def permute(self, positions: NDArray[np.intp]) -> Outcomes:
        """Return all rows in another order, from where each of them stands in it."""
        return self._each(lambda values: permute(values, positions), self.rows)

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]], count: int) -> Outcomes:
        held = {name: getattr(self, name) for name in _ROW_BY_ROW}
        found: dict[str, Any] = {name: value if value is None else change(value) for name, value in held.items()}
        found["sets"] = None if self.sets is None else self.sets.each(change)
        values = self.row_values.items()
        found["row_values"] = {name: value if isinstance(value, str) else change(value) for name, value in values}
        return replace(self, rows=count, **found)


_ROW_BY_ROW = ("label", "prediction", "score", "class_scores", "quantiles", "groups", "delay")


@dataclass(frozen=True, slots=True)
class Rows:
    """Whole rows.

    Attributes
    ----------
    frame
        A frame that holds the rows, among others.
    hashes
        A 64-bit hash of each row's identity, uint64, shape (rows,).
    doubled
        Rows whose id an earlier row has too.
    places
        Where each row stands in ``frame``, shape (rows,); None where ``frame`` holds the rows alone, in step.
    """

    frame: pl.DataFrame
    hashes: NDArray[np.uint64]
    doubled: int = 0
    places: NDArray[np.intp] | None = None

    def frame_of(self, chosen: NDArray[np.intp]) -> pl.DataFrame:
        """Return some of the rows, by their number among ``hashes``."""
        return self.frame[chosen if self.places is None else self.places[chosen]]
