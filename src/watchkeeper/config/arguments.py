"""Arguments of public functions: a wrong type is told by name, with what is valid, before anything is done."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from watchkeeper.config.options import listed_names
from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["typed"]

P = ParamSpec("P")
Result = TypeVar("Result")

_LONGEST = 60


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(value: Any) -> bool:
    return isinstance(value, Sequence) and all(isinstance(one, str) for one in value)


def _project(value: Any) -> bool:
    return hasattr(value, "store") and hasattr(value, "only")


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "str": (lambda value: isinstance(value, str), "a text"),
    "int": (_whole, "a whole number"),
    "float": (_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "datetime": (lambda value: isinstance(value, datetime), "a datetime"),
    "Path": (lambda value: isinstance(value, Path), "a path"),
    "None": (lambda value: value is None, "None"),
    "Sequence[str]": (_names, "a list of texts"),
    "Mapping[str, str]": (lambda value: isinstance(value, Mapping), "a mapping of texts"),
    "Mapping[str, float]": (lambda value: isinstance(value, Mapping), "a mapping of numbers"),
    "Spec": (lambda value: hasattr(value, "monitors"), "a Spec, as project.spec(name) is"),
    "Store": (lambda value: hasattr(value, "recorded"), "a store, such as project.store"),
    "Project": (_project, "an open project; open_project(path) returns one"),
    "Records": (_project, "an open project; open_project(path) returns one"),
}
"""By annotation, whether a value is of it, and what to call it. Others are looked at where they are used."""


def typed(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a function refuse arguments that are not of the type it states; one name stands for a list of one."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Result:
        open_ended = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
        for name in () if open_ended else kwargs:
            if name not in signature.parameters:
                known = near_miss(name, signature.parameters, most=40)
                raise UsageError(f"{function.__name__}() has no option {name!r}; {known}")
        bound = signature.bind(*args, **kwargs)
        for name in list(bound.arguments):
            kinds = str(signature.parameters[name].annotation).split(" | ")
            if "Sequence[str]" in kinds:
                bound.arguments[name] = listed_names(bound.arguments[name])
            value = bound.arguments[name]
            known_kinds = [_KINDS[kind] for kind in kinds if kind in _KINDS]
            if len(known_kinds) == len(kinds) and not any(fits(value) for fits, _ in known_kinds):
                valid = " or ".join(words for _, words in known_kinds)
                raise UsageError(f"{function.__name__}(): {name} must be {valid}; this is {_shown(value)}")
        return function(*bound.args, **bound.kwargs)

    return call


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value of the caller's may fail to show itself
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
