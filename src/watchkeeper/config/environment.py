"""Variables of the environment that override the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from watchkeeper.config.yaml_text import Path, read_scalar
from watchkeeper.core.errors import ConfigError, near_miss

__all__ = ["PREFIX", "overridden"]

PREFIX = "WATCHKEEPER__"
"""``WATCHKEEPER__MODELS__FLIGHTS__ALERTS__K=1`` overrides ``models.flights.alerts.k``."""


def overridden(values: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[Path, str]]:
    """Return the values with the overrides of the environment in them, and the variable behind each overridden path.

    A variable's name is ``WATCHKEEPER__`` and the path in capitals, its steps joined by two underscores; a list place
    is its number, and any character that no variable may have is an underscore. The value is read as one YAML value:
    ``[a, b]`` is a list, ``null`` or nothing is null. A variable cannot add a model.

    Raises
    ------
    ConfigError
        When a variable names a model or a list place that is not there.
    """
    changed: dict[str, Any] = deepcopy(dict(values))
    variables: dict[Path, str] = {}
    for name in sorted(n for n in environ if n.startswith(PREFIX)):
        steps = name.removeprefix(PREFIX).split("__")
        at: Any = changed
        path: Path = ()
        key: Any
        for number, step in enumerate(steps):
            key = _key(at, step, path, name)
            path = (*path, key)
            if number == len(steps) - 1:
                at[key] = read_scalar(environ[name], f"env {name}")
                break
            inner = at[key] if isinstance(at, list) else at.get(key)
            if not isinstance(inner, dict | list):
                at[key] = inner = {}
            at = inner
        variables[path] = name
    return changed, variables


def _key(at: Any, step: str, path: Path, name: str) -> str | int:
    if isinstance(at, list):
        if step.isdigit() and int(step) < len(at):
            return int(step)
        raise ConfigError(f"env {name}: {'.'.join(map(str, path))} has no place {step!r}. Valid: 0 to {len(at) - 1}")
    found = next((key for key in at if _folded(key) == _folded(step)), None)
    if found is None and path == ("models",):
        raise ConfigError(f"env {name}: there is no model {step!r}; {near_miss(step, [k.upper() for k in at])}")
    return step.lower() if found is None else str(found)


def _folded(text: str) -> str:
    return re.sub(r"\W", "_", text).upper()
