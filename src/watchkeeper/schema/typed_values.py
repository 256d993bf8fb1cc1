"""Columns that come with a type, in the few types that every later step knows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import polars as pl

from watchkeeper.schema.event_time import MOMENT, to_utc
from watchkeeper.schema.kinds import MARK, as_text, unusable_reason

__all__ = ["converted", "plain_type", "unusable", "unusable_type"]

_WHOLE_DIGITS = 18
"""Digits that every whole number of 64 bits may have."""

_STORED_AS = {"arrow.uuid": pl.String(), "arrow.json": pl.String(), "arrow.bool8": pl.Boolean()}
"""Extension types whose values other types can hold."""

_MEANINGLESS = ("pandas.period",)
"""Extension types that are stored as numbers that do not say what they mean."""


def unusable_type(reason: str) -> pl.DataType:
    """Return the type of a column that cannot be used: it holds nothing, and the name of its one field says why.

    Examples
    --------
    >>> unusable_reason(unusable_type("pandas.interval"))
    'pandas.interval'
    """
    return pl.Struct({f"{MARK}{reason}": pl.Null()})


def unusable(name: str, length: int, reason: str) -> pl.Series:
    """Return a column that keeps the place of one that cannot be used."""
    return pl.Series(name, [None] * length, dtype=unusable_type(reason))


def plain_type(dtype: pl.DataType) -> pl.DataType:
    """Return the type that values of a type are turned into; itself for the types that every step knows.

    Decimals become numbers, extension types what they are stored as where that says what they mean, and what has no
    values that can be compared becomes a column that cannot be used and says so.
    """
    if dtype.is_decimal():
        scale, precision = getattr(dtype, "scale", 1), getattr(dtype, "precision", None) or 38
        return pl.Int64() if scale == 0 and precision <= _WHOLE_DIGITS else pl.Float64()
    extension = getattr(dtype, "ext_name", None)
    if callable(extension):
        name, storage = str(extension()), dtype.ext_storage()  # type: ignore[attr-defined]
        simple = not (storage.is_nested() or storage == pl.Binary or name in _MEANINGLESS)
        return _STORED_AS.get(name) or (plain_type(storage) if simple else unusable_type(name))
    if dtype == pl.Object:
        return unusable_type("Python objects")
    if isinstance(dtype, pl.Array) and (dtype.size == 0 or dtype.inner.is_nested()):
        return unusable_type("arrays of no numbers" if dtype.size == 0 else "arrays of arrays")
    if isinstance(dtype, (pl.List, pl.Array)) and dtype.inner.is_decimal():
        return pl.List(pl.Float64())
    return dtype


def converted(series: pl.Series, dtype: pl.DataType, tokens: Sequence[str] = ()) -> pl.Series:
    """Return a column in another type; values that stand for missing, and those that have no place there, are null."""
    reason = unusable_reason(dtype)
    if reason is not None:
        return unusable(series.name, len(series), reason)
    plain = _stored(series.alias(""))
    if plain.dtype.is_numeric() and tokens:
        gone = [number for token in tokens if (number := _number(token)) is not None]
        if gone:
            held = plain.cast(pl.Float64).is_in(gone).fill_null(False)
            plain = plain.zip_with(~held, pl.Series([None], dtype=plain.dtype))
    if dtype == MOMENT and plain.dtype != MOMENT:
        return to_utc(plain).alias(series.name)
    if isinstance(plain.dtype, pl.Categorical) and dtype.is_numeric():
        plain = plain.cast(pl.String)
    if dtype == pl.Boolean and plain.dtype.is_numeric():
        plain = plain != 0
    if dtype == pl.String and not plain.dtype.is_nested():
        plain = as_text(plain)
    return plain.cast(dtype, strict=False).alias(series.name)


def _stored(series: pl.Series) -> pl.Series:
    """Return the values of an extension type as they are stored."""
    storage = getattr(series.ext, "storage", None) if callable(getattr(series.dtype, "ext_name", None)) else None
    plain = storage() if callable(storage) else series
    with suppress(pl.exceptions.PolarsError):
        if plain.dtype == pl.Binary and callable(getattr(series.dtype, "ext_name", None)):
            return plain.bin.encode("hex")
    return plain


def _number(token: str) -> float | None:
    try:
        return float(token)
    except ValueError:
        return None
