"""How the parameters of rules are read from what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any

import polars as pl

from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import parse_duration

__all__ = [
    "as_bound", "as_column", "as_duration", "as_moment", "as_number", "as_pattern", "as_share", "as_text", "as_truth",
    "as_values", "one_of", "wrong_order",
]  # fmt: skip

Bound = float | datetime
_MOST_VALUES = 10_000
_WIDEST = 2**63


def as_number(value: Any) -> float:
    """Return a number; whole numbers stay whole."""
    if isinstance(value, bool) or value is None:
        raise ValueError("a number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("a number") from None
    if not isfinite(number):
        raise ValueError("a finite number")
    return value if isinstance(value, int) and abs(value) < _WIDEST else number


def as_share(value: Any) -> float:
    """Return a number from 0 to 1."""
    number = as_number(value)
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return float(number)


def as_truth(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def as_text(value: Any) -> str:
    """Return a text; a number is the text it was written as."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a text")


def as_column(value: Any) -> str:
    """Return the name of a column."""
    text = as_text(value)
    if not text:
        raise ValueError("the name of a column")
    return text


def as_moment(value: Any) -> datetime:
    """Return a moment in UTC; without a zone it is UTC."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("a date or time such as 2013-01-31 or 2013-01-31T12:00:00Z") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def as_bound(value: Any) -> Bound:
    """Return a limit of a range: a number, or a moment."""
    if isinstance(value, datetime):
        return as_moment(value)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    try:
        return as_number(value)
    except ValueError:
        try:
            return as_moment(value)
        except ValueError:
            raise ValueError("a number, or a date or time such as 2013-01-31") from None


def wrong_order(lower: Bound | None, upper: Bound | None) -> str:
    """Say when there is nothing between two limits; empty where there is."""
    if lower is None or upper is None:
        return ""
    if isinstance(lower, datetime) or isinstance(upper, datetime):
        if not (isinstance(lower, datetime) and isinstance(upper, datetime)):
            return "lower and upper must both be numbers or both be times"
        return f"lower ({lower}) is above upper ({upper})" if lower > upper else ""
    return f"lower ({lower}) is above upper ({upper})" if lower > upper else ""


def as_duration(value: Any) -> timedelta:
    """Return a length of time such as ``6h``."""
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None


def as_values(value: Any) -> tuple[str, ...]:
    """Return a list of values as texts, each once; whole floats lose their ``.0`` as levels do."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("a list of values, such as [a, b]")
    if len(value) > _MOST_VALUES:
        raise ValueError(f"a list of at most {_MOST_VALUES:,} values; use references for longer ones")
    return tuple(dict.fromkeys(_level(item) for item in value))


def _level(item: Any) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, float) and item.is_integer():
        return str(int(item))
    if isinstance(item, str | int | float):
        return str(item)
    raise ValueError("a list of single values, such as [a, b]; null is what not_null speaks of")


def as_pattern(value: Any) -> str:
    """Return a regular expression that Polars understands, which takes linear time."""
    text = as_text(value)
    try:
        pl.Series(["x"]).str.contains(f"^(?:{text})$")
    except pl.exceptions.PolarsError as error:
        reason = re.sub(r"\s+", " ", str(error))
        raise ValueError(f"a regular expression without look-around and back-references ({reason[:120]})") from None
    return text


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a reader of one of a few words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return read
