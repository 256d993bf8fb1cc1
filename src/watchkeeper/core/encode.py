"""Values as JSON: the one place where results become text for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from numbers import Integral, Real
from typing import Annotated, Any, Final, overload

import msgspec

__all__ = ["SCHEMA_VERSION", "Cell", "Moment", "as_cell", "as_json", "as_values", "in_utc"]

SCHEMA_VERSION: Final = 1
"""Of all JSON that is written: grows when a field changes its meaning or goes away; new fields do not change it."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment of a document; see ``in_utc``."""

Cell = str | int | float | bool | None
"""A value of a table."""


def as_json(value: Any, *, indent: int = 0, ascii_only: bool = False) -> str:
    """Return a dataclass, or any value that is made of them and of plain values, as JSON text.

    Numbers that are not finite become null, numbers of NumPy those they stand for, enums their value, moments ISO 8601
    with ``Z`` for UTC, and halves of surrogate pairs, which no JSON may hold, their escape in words.

    Parameters
    ----------
    indent
        Blanks by which each level is set in; 0 for one line.
    ascii_only
        Whether characters beyond ASCII are written as escapes.

    Raises
    ------
    TypeError
        When a value is none of these.

    Examples
    --------
    >>> as_json({"value": float("nan"), "at": datetime(2013, 6, 3, tzinfo=UTC)})
    '{"value":null,"at":"2013-06-03T00:00:00Z"}'
    """
    body = _encoded(value)
    if ascii_only:
        separators = None if indent else (",", ":")
        return json.dumps(msgspec.json.decode(body), indent=indent or None, separators=separators)
    return (msgspec.json.format(body, indent=indent) if indent else body).decode()


def as_values(value: Any) -> Any:
    """Return what ``as_json`` writes as dictionaries, lists, texts and numbers.

    Examples
    --------
    >>> as_values({"value": float("inf")})
    {'value': None}
    """
    return msgspec.json.decode(_encoded(value))


@overload
def in_utc(at: datetime) -> datetime: ...
@overload
def in_utc(at: None) -> None: ...
@overload
def in_utc(at: datetime | None) -> datetime | None: ...
def in_utc(at: datetime | None) -> datetime | None:
    """Return a moment as documents carry it: in UTC, so that it is written with ``Z``."""
    return None if at is None else at.astimezone(UTC)


def as_cell(value: Any) -> Cell:
    """Return a value of a table as a document carries it: what JSON does not know becomes text.

    Examples
    --------
    >>> as_cell(float("inf")), as_cell(datetime(2013, 6, 3)), as_cell(None)
    ('inf', '2013-06-03 00:00:00', None)
    """
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value, enc_hook=_plain)))


def _plain(value: Any) -> Any:
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list | tuple) else value
