"""What must not be shown of a configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["masked"]

MASK = "*****"
_WORDS = re.compile(
    r"(secret|token|password|passwd|credential|api_?key|access_?key|account_?key|sas|signature)", re.IGNORECASE
)
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_TAIL = re.compile(r"^(\w+://[^/?#]+)([/?#].+)$")


def masked(path: tuple[str | int, ...], value: Any) -> Any:
    """Return a value as it may be shown: without passwords, keys, and the secret part of a webhook's address."""
    if isinstance(value, Mapping):
        return {key: masked((*path, key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, inner) for inner in value]
    if not isinstance(value, str) or not value:
        return value
    names = [step for step in path if isinstance(step, str)]
    if names and _WORDS.search(names[-1]):
        return MASK
    if "notify" in names and names[-1] == "url":
        return _TAIL.sub(rf"\1/{MASK}", _LOGIN.sub(f"{MASK}@", value))
    return _LOGIN.sub(f"{MASK}@", value)
