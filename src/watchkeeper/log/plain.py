"""What JSON lacks as what it has; this file imports nothing, because the serving process does."""

from __future__ import annotations

from typing import Any

__all__ = ["plain"]

_MISSING = ("NAType", "NaTType")


def plain(value: Any) -> Any:  # noqa: PLR0911 - one return for each kind of value
    """Return a value that JSON does not know in the form in which every other way in reads the same.

    Missing values are null, decimals and NumPy values numbers, moments ISO 8601, lengths of time seconds, enumerations
    their value, sets lists, and anything else text.
    """
    kind = type(value)
    if kind.__name__ in _MISSING:
        return None
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if kind.__module__ == "decimal" or hasattr(value, "as_integer_ratio"):
        number = float(value)
        whole = number.is_integer() and getattr(value, "as_tuple", None) is not None and value.as_tuple().exponent == 0
        return int(value) if whole else number
    if kind.__module__ == "numpy" and kind.__name__ in ("datetime64", "timedelta64"):
        return _of_numpy_time(value, kind.__name__)
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "value") and any(base.__name__ == "Enum" for base in kind.__mro__):
        return value.value
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _of_numpy_time(value: Any, name: str) -> Any:
    if str(value) == "NaT":
        return None
    return str(value) if name == "datetime64" else value.astype("timedelta64[us]").tolist().total_seconds()
