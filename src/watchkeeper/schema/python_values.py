"""Values of Python, NumPy and pandas as a column: what a logging call, a row of a stream or an object column holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite, isnan
from typing import Any
from uuid import UUID

import polars as pl

from watchkeeper.schema.missing import TOKENS
from watchkeeper.schema.typed_values import unusable

__all__ = ["plain_value", "series_of"]

_MISSING = ("NAType", "NaTType")
_LARGEST = 2**63
_KNOWN = (bool, str, bytes, date, time, timedelta, list, dict)


def plain_value(value: Any) -> Any:
    """Return a value as one of None, bool, int, float, str, bytes, a moment, a length of time, a list or a dict.

    Examples
    --------
    >>> plain_value(Decimal("1.50")), plain_value(float("nan"))
    (1.5, nan)
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value).__name__ in _MISSING:
        return None
    return _of_library(value)


def _of_library(value: Any) -> Any:
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, Decimal):
        return _of_decimal(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (bool, int, float, str)):
        # Subclasses, such as those of NumPy.
        return next(kind(value) for kind in (bool, int, float, str) if isinstance(value, kind))
    if type(value).__module__.partition(".")[0] == "numpy":
        return _of_numpy(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_value(one) for one in value]
    return value


def _of_decimal(value: Decimal) -> int | float | None:
    if value.is_nan():
        return float("nan")
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)


def _of_numpy(value: Any) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind in "mM" and not getattr(value, "shape", ()):
        if str(value) == "NaT":
            return None
        unit = "datetime64[us]" if kind == "M" else "timedelta64[us]"
        return value.astype(unit).tolist()
    return plain_value(value.tolist()) if hasattr(value, "tolist") and kind not in "cV" else value


def series_of(name: str, values: Iterable[Any]) -> tuple[pl.Series, str]:
    """Return values as a column, and what a person should know about it; empty where there is nothing to know.

    A column of numbers may have words that stand for missing values among them; one that mixes other types becomes
    text.
    """
    plain = [plain_value(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if kinds <= {int, float}:
        return _numbers(name, plain, kinds), ""
    if len(kinds) == 1:
        return _of_one_kind(name, plain, next(iter(kinds)))
    if kinds <= {int, float, str}:
        words = [value for value in plain if isinstance(value, str)]
        if all(word.strip() in TOKENS for word in words):
            numbers = [None if isinstance(value, str) else value for value in plain]
            told = ", ".join(sorted({repr(word) for word in words})[:5])
            note = f"among the numbers of column {name!r}, {told} was taken as missing in {len(words):,} rows"
            return _numbers(name, numbers, kinds - {str}), note
    if kinds <= {date, datetime}:
        moments = [datetime(v.year, v.month, v.day) if type(v) is date else v for v in plain]  # noqa: DTZ001
        with suppress(TypeError, ValueError, pl.exceptions.PolarsError):
            return pl.Series(values=moments, strict=False).alias(name), ""
    shown = ", ".join(sorted(kind.__name__ for kind in kinds))
    texts = pl.Series(name, [_text(value) for value in plain], dtype=pl.String)
    return texts, f"column {name!r} mixes {shown} and was read as text"


def _numbers(name: str, plain: Sequence[Any], kinds: set[type]) -> pl.Series:
    if not kinds:
        return pl.Series(name, plain, dtype=pl.Null)
    if float in kinds or any(value is not None and abs(value) >= _LARGEST for value in plain):
        return pl.Series(name, [None if value is None else float(value) for value in plain], dtype=pl.Float64)
    return pl.Series(name, plain, dtype=pl.Int64)


def _of_one_kind(name: str, plain: Sequence[Any], kind: type) -> tuple[pl.Series, str]:
    if issubclass(kind, _KNOWN):
        with suppress(TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            found = pl.Series(values=plain, strict=False).alias(name)
            if found.dtype != pl.Object:
                return found, ""
        if kind is list:
            return pl.Series(name, [_text(value) for value in plain], dtype=pl.String), ""
    return unusable(name, len(plain), f"values of the type {kind.__name__}"), ""


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        if isnan(value):
            return None
        return str(int(value)) if isfinite(value) and value == int(value) and abs(value) < 2**53 else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bool, list, dict)):
        with suppress(TypeError, ValueError):
            return json.dumps(value)
    return str(value)
