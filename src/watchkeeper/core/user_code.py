"""Functions of the user's own, named as ``module:function``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["function_in", "function_named", "search_in", "split_name"]


def split_name(name: str, example: str = "model:train") -> tuple[str, str]:
    """Return the module and the function of a name.

    Raises
    ------
    UsageError
        When it is not ``module:function``.

    Examples
    --------
    >>> split_name("shop.models:train")
    ('shop.models', 'train')
    """
    module, colon, function = name.partition(":")
    if not (colon and module and function):
        raise UsageError(f"{name!r} is not understood. Valid: module:function, such as {example}")
    return module, function


def search_in(folder: str | Path) -> str:
    """Put a folder first on the import path and leave it there: its modules may import their neighbours later."""
    path = str(Path(folder).resolve())
    if path not in sys.path:
        sys.path.insert(0, path)
    return path


def function_in(module: Any, name: str) -> Callable[..., Any]:
    """Return a function of a module.

    Raises
    ------
    UsageError
        When it has none of that name, with the nearest one.
    """
    function: object = getattr(module, name, None)
    if not callable(function):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        what = "has no function" if function is None else "holds no function"
        raise UsageError(f"{module.__name__} {what} {name!r}; {near_miss(name, functions)}")
    return function


def function_named(name: str) -> Callable[..., Any]:
    """Import the function that ``module:function`` names; whatever its module raises comes out as it is.

    Raises
    ------
    UsageError
        When the name is not understood, or the module has no such function.
    """
    module, function = split_name(name)
    return function_in(import_module(module), function)
