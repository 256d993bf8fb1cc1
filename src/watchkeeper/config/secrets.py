"""What must not be shown of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from watchkeeper.core.secrets import MASK, is_secret_name, without_secrets

__all__ = ["masked", "secrets_in"]

_TAIL = re.compile(r"(\w[\w+.-]*://[^/?#\s]+)([/?#]\S+)")


def masked(path: tuple[str | int, ...], value: Any) -> Any:
    """Return a value as it may be shown: without passwords, keys, and the secret part of a webhook's address."""
    if isinstance(value, Mapping):
        return {key: masked((*path, key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, inner) for inner in value]
    names = [step for step in path if isinstance(step, str)]
    if value is None or value == "" or isinstance(value, bool):
        return value
    if names and is_secret_name(names[-1], option=_is_option(names)):
        return MASK
    if not isinstance(value, str):
        return value
    shown = without_secrets(value)
    # The path of a receiver's address is its password.
    return _TAIL.sub(rf"\1/{MASK}", shown) if "notify" in names else shown


def secrets_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Yield what a configuration says that must not be shown, to be known wherever it stands later."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_in(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_in(inner, path)
    elif isinstance(value, str):
        names = [step for step in path if isinstance(step, str)]
        if names and is_secret_name(names[-1], option=_is_option(names)) and _is_option(names):
            yield value
        elif "://" in value:
            yield from _secrets_of(value, receiver="notify" in names)


def _secrets_of(url: str, *, receiver: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password))
    yield from (inner for name, inner in parse_qsl(parts.query) if receiver or is_secret_name(name, option=True))
    if receiver:
        yield from (step for step in parts.path.split("/") if any(map(str.isdigit, step)))


def _is_option(names: list[str]) -> bool:
    return "options" in names[:-1] or "notify" in names or names[:1] == ["store"]
