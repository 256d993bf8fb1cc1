"""What stored things are known by: a hash of named fields, not of how Python writes an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any

__all__ = ["fingerprint"]

_DIGITS = 16


def fingerprint(kind: str, version: int, fields: Mapping[str, Any]) -> str:
    """Return a text by which the same fields are known again, such as ``states.1:3f0c...``.

    It is the SHA-256, in 16 hex digits, of the fields as JSON with sorted keys and no blanks. A field that is None,
    empty or False is left out, at every depth, so that an option that is added later, and not used, changes nothing.
    An option with another default is named only where it differs from that.

    Parameters
    ----------
    kind
        What the fields describe.
    version
        Of the list of fields: a field that changes its meaning needs another one.
    fields
        Text, numbers, truth values, moments (in UTC), durations (in seconds), enums (by value), lists and mappings.

    Raises
    ------
    TypeError
        When a field is something else.
    ValueError
        When a number is not finite.

    Examples
    --------
    >>> fingerprint("shape", 1, {"sides": 4, "colour": None}) == fingerprint("shape", 1, {"sides": 4})
    True
    >>> fingerprint("shape", 1, {"sides": 4})
    'shape.1:1d2e7708879185fe'
    """
    text = json.dumps(_plain(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    digest = sha256(f"{kind}.{version} {text}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}.{version}:{digest[:_DIGITS]}"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        named = {str(name): _plain(field) for name, field in value.items()}
        return {name: field for name, field in named.items() if not _empty(field)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"a fingerprint is made of plain values, not of a {type(value).__name__}")


def _empty(field: Any) -> bool:
    return field is None or field is False or field in ("", [], {})
