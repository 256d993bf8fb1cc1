"""Frames of other libraries as Polars frames, without importing those libraries."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.columns import doubled_name
from watchkeeper.core.errors import STOPS, SourceError, in_short
from watchkeeper.schema.kinds import as_text
from watchkeeper.schema.python_values import series_of
from watchkeeper.schema.typed_values import unusable

__all__ = ["frame_of"]

_TWO = 2


def frame_of(source: Any) -> tuple[pl.DataFrame | pl.LazyFrame, list[str]]:
    """Return a frame that another library made, and what a person should know about the conversion.

    Raises
    ------
    SourceError
        When it is no table.
    """
    if isinstance(source, pl.LazyFrame):
        return source, []
    if isinstance(source, pl.DataFrame):
        return _without_objects(source)
    if type(source).__module__.split(".")[0] == "pandas" and hasattr(source, "iloc") and hasattr(source, "columns"):
        return _from_pandas(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _from_arrow(source)
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    raise SourceError(
        f"a {type(source).__name__} is no table. Valid: a path, folder, glob or URL; a Polars, pandas or Arrow frame; "
        "a dictionary of arrays; anything with the Arrow PyCapsule interface"
    )


def _without_objects(source: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return a frame whose columns of Python objects are what the objects are."""
    if pl.Object not in source.dtypes:
        return source, []
    columns, notes = [], []
    for series in source.get_columns():
        read, note = series_of(series.name, series.to_list()) if series.dtype == pl.Object else (series, "")
        columns.append(read)
        notes += [note] if note else []
    return pl.DataFrame(columns), notes


def _from_mapping(source: Mapping[Any, Any]) -> tuple[pl.DataFrame, list[str]]:
    """Return a dictionary of columns; each may be an array, a list or a series of any library."""
    columns, notes = [], list[str]()
    for key, values in source.items():
        name = str(key)
        if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
            raise SourceError(
                f"the column {name!r} of the dictionary is a {type(values).__name__}, and no array or list"
            )
        if getattr(values, "ndim", 1) != 1:
            raise SourceError(
                f"the column {name!r} of the dictionary has the shape {values.shape}; one value a row is needed"
            )
        if type(values).__module__.split(".")[0] == "pandas" and hasattr(values, "iloc"):
            series, note = _column(name, values)
            notes += note
        elif isinstance(values, pl.Series) or getattr(getattr(values, "dtype", object), "kind", "O") != "O":
            series = pl.Series(name, values)
        else:
            series, told = series_of(name, list(values))
            notes += [told] if told else []
        columns.append(series.alias(name))
    twice = doubled_name([series.name for series in columns])
    if twice is not None:
        raise SourceError(f"the dictionary has the column {twice!r} twice; rename one")
    heights = {series.name: len(series) for series in columns}
    if len(set(heights.values())) > 1:
        shown = ", ".join(f"{name!r} {height}" for name, height in list(heights.items())[:6])
        raise SourceError(f"the columns of the dictionary are not equally long: {shown}")
    return pl.DataFrame(columns), notes


def _from_array(source: Any) -> tuple[pl.DataFrame, list[str]]:
    """Return an array of rows, whose columns are called x0, x1 and so on, or as a structured array names them."""
    if source.dtype.names:
        return _from_mapping({name: source[name] for name in source.dtype.names})
    if source.ndim != _TWO:
        raise SourceError(f"an array of the shape {source.shape} is no table; one of rows by columns is needed")
    return _from_mapping({f"x{place}": source[:, place] for place in range(source.shape[1])})


def _from_arrow(source: Any) -> tuple[pl.DataFrame, list[str]]:
    names = getattr(source, "column_names", None) or []
    apart = callable(getattr(source, "column", None)) and len(names) > 0
    try:
        # Between libraries a NUL ends a name, so that two columns may get the same.
        if not (apart and any("\0" in str(name) for name in names)):
            return pl.DataFrame(source), []
    except STOPS:
        raise
    except BaseException as error:
        # Polars panics, which is no Exception, over columns such as arrays of no numbers: each costs itself.
        if not apart:
            words = in_short(error)
            raise SourceError(f"the {type(source).__name__} cannot be read as a table: {words}") from error
    twice = doubled_name(names)
    if twice is not None:
        raise SourceError(f"the {type(source).__name__} has the column {twice!r} twice; rename one")
    return pl.DataFrame([_arrow_column(str(name), source.column(place)) for place, name in enumerate(names)]), []


def _arrow_column(name: str, values: Any) -> pl.Series:
    """Convert one column; one that Polars has no place for keeps its own and says what it holds."""
    try:
        return pl.Series(name, values)
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - a panic costs its column
        return unusable(name, len(values), str(getattr(values, "type", "values of an unknown type")))


def _from_pandas(source: Any) -> tuple[pl.DataFrame, list[str]]:
    names = [str(name) for name in source.columns]
    twice = doubled_name(names)
    if twice is not None:
        raise SourceError(f"the pandas DataFrame has the column {twice!r} twice; rename one")
    columns, notes = _of_index(source.index, set(names))
    for place, name in enumerate(names):
        series, note = _column(name, source.iloc[:, place])
        columns.append(series)
        notes.extend(note)
    return pl.DataFrame(columns), notes


def _of_index(index: Any, taken: set[str]) -> tuple[list[pl.Series], list[str]]:
    """Return the levels of an index that have a name, each a column like others; a name that is taken stays that one's.

    An index without a name counts rows, or says what nobody can refer to: of times that is told.
    """
    columns: list[pl.Series] = []
    notes: list[str] = []
    for level, name in enumerate(index.names):
        values = index.get_level_values(level)
        if name is None:
            if type(values).__name__ in ("DatetimeIndex", "PeriodIndex"):
                notes.append("the index of times has no name and was left out; give it one: df.rename_axis('time')")
        elif str(name) not in taken:
            series, told = _column(str(name), values.to_series())
            columns.append(series)
            notes.extend(told)
    return columns, notes


def _column(name: str, values: Any) -> tuple[pl.Series, list[str]]:
    """Convert one column; one of mixed Python objects becomes text rather than an error."""
    try:
        found = pl.Series(name, pl.from_pandas(values))
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - by whichever Arrow library pandas works with; Polars may panic
        plain = [None if isinstance(value, float) and isnan(value) else value for value in values.tolist()]
        found, note = series_of(name, plain)
        return found, [note] if note else []
    if type(getattr(values, "dtype", None)).__name__ == "CategoricalDtype" and found.dtype != pl.Categorical:
        if callable(getattr(found.dtype, "ext_name", None)):
            return found, []
        # Polars keeps the values of categories that are no text, and forgets that they are categories.
        return as_text(found).cast(pl.Categorical), []
    return found, []
