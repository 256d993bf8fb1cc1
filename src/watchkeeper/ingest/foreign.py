"""Frames of other libraries as Polars frames, without importing those libraries."""

from __future__ import annotations

from math import isnan
from typing import Any

import polars as pl

from watchkeeper.core.columns import doubled_name
from watchkeeper.core.errors import SourceError
from watchkeeper.schema.kinds import as_text
from watchkeeper.schema.python_values import series_of

__all__ = ["frame_of"]


def frame_of(source: Any) -> tuple[pl.DataFrame | pl.LazyFrame, list[str]]:
    """Return a frame that another library made, and what a person should know about the conversion.

    Raises
    ------
    SourceError
        When it is no table.
    """
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return source, []
    if type(source).__module__.split(".")[0] == "pandas" and hasattr(source, "iloc") and hasattr(source, "columns"):
        return _from_pandas(source)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        try:
            return pl.DataFrame(source), []
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            raise SourceError(f"the {type(source).__name__} cannot be read as a table: {error}") from error
    raise SourceError(
        f"a {type(source).__name__} is no table. Valid: a path, folder, glob or URL; a Polars, pandas or Arrow frame; "
        "anything with the Arrow PyCapsule interface"
    )


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
    except Exception:  # noqa: BLE001 - raised by whichever Arrow library pandas works with
        plain = [None if isinstance(value, float) and isnan(value) else value for value in values.tolist()]
        found, note = series_of(name, plain)
        return found, [note] if note else []
    if type(getattr(values, "dtype", None)).__name__ == "CategoricalDtype" and found.dtype != pl.Categorical:
        if callable(getattr(found.dtype, "ext_name", None)):
            return found, []
        # Polars keeps the values of categories that are no text, and forgets that they are categories.
        return as_text(found).cast(pl.Categorical), []
    return found, []
