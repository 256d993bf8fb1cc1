"""What can be kept of a column: one value that nothing can hold costs itself, never its row and never the table."""

from __future__ import annotations

from numbers import Real
from typing import Any

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import STOPS
from watchkeeper.core.store import Unusable
from watchkeeper.schema.event_time import in_calendar
from watchkeeper.schema.texts import text_of
from watchkeeper.store.columns import kind_of_type, stored_json

__all__ = ["storable"]

_LONGEST_TEXT = 100_000


def storable(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[Unusable, ...]]:
    """Return rows as they can be kept, and what cannot be: it is null instead.

    Times and dates lie in the years 1 to 9999, durations within 292,000 years; Python objects become numbers where all
    of them are, else text; nested values must have a form in JSON.
    """
    columns, unusable = dict[str, pl.Series](), list[Unusable]()
    for name in rows.columns:
        series = series_named(rows, name)
        columns[name] = kept = _column(series)
        lost = kept.null_count() - _nulls(series)
        if lost > 0:
            unusable.append(Unusable(name, str(series.dtype), lost))
    return pl.DataFrame(columns), tuple(unusable)


def _nulls(series: pl.Series) -> int:
    # Polars counts no nulls in columns of objects that came from a list.
    return sum(value is None for value in series) if series.dtype == pl.Object else series.null_count()


def _column(series: pl.Series) -> pl.Series:
    try:
        return _kept(series)
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - Polars panics, which is no Exception, where it lacks a case
        return pl.Series(series.name, [None] * len(series), pl.Null)


def _kept(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        return in_calendar(series)
    if isinstance(dtype, pl.Duration):
        return series.cast(pl.Duration("us"), strict=False)
    if dtype == pl.Object:
        return _of_objects(series)
    if dtype.is_nested():
        if not _plain(dtype):
            stored_json(series)
        return series
    return series if kind_of_type(dtype) or dtype.is_integer() else series.cast(pl.Null)


def _plain(dtype: pl.DataType) -> bool:
    """Return whether values of a nested type surely have a form in JSON."""
    if isinstance(dtype, pl.Struct):
        return bool(dtype.fields) and all(_plain(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Array):
        return dtype.size > 0 and _plain(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.List):
        return _plain(dtype.inner)  # type: ignore[arg-type]
    return dtype in (pl.String, pl.Boolean) or dtype.is_float() or (dtype.is_integer() and dtype != pl.Int128)


def _of_objects(series: pl.Series) -> pl.Series:
    values = [_value(value) for value in series]
    numbers = [value for value in values if value is not None]
    if numbers and all(isinstance(value, float) for value in numbers):
        return pl.Series(series.name, values, pl.Float64)
    return pl.Series(series.name, [value if value is None else str(value) for value in values], pl.String)


def _value(value: Any) -> float | str | None:
    """Return an object as a number where it is one, else as text; None where it has no form."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    try:
        if isinstance(value, Real) and not isinstance(value, bool):
            return float(value)
        if type(value).__name__ == "Decimal":
            return float(value)
        return text_of(str(value))[:_LONGEST_TEXT]
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - an object may raise whatever it likes
        return None
