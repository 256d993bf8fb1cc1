"""The registry of things that can be added, from statistics and comparisons to notifiers; ``KINDS`` lists them.

A distribution names a module or package in the entry-point group ``watchkeeper.<kind>`` of its ``pyproject.toml``;
every class in it that carries ``plugin = "<kind>"`` and a ``name`` is registered under that name. Built-ins are found
the same way, through Watchkeeper's own entry points.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import Any

from watchkeeper.core.errors import PluginError, near_miss

__all__ = ["KINDS", "may_have", "plugin", "plugin_if_any", "plugins"]

KINDS = (
    "statistic", "comparison", "metric", "estimator", "explainer", "rule", "chart", "notifier", "trigger", "framework",
    "fault",
)  # fmt: skip


@cache
def plugins(kind: str) -> Mapping[str, Any]:
    """Return one instance of every registered plug-in of a kind, by name.

    Raises
    ------
    PluginError
        When the kind is unknown, a module cannot be imported, or two plug-ins share a name.
    """
    if kind not in KINDS:
        raise PluginError(f"there is no plug-in kind {kind!r}; {near_miss(kind, KINDS)}")
    found: dict[str, Any] = {}
    for entry in sorted(entry_points(group=f"watchkeeper.{kind}"), key=lambda e: (e.name, e.value)):
        for module in _modules(entry.value):
            for cls in _classes(module, kind):
                other = found.get(cls.name)
                if other is not None and type(other) is not cls:
                    raise PluginError(
                        f"two plug-ins claim the {kind} {cls.name!r}: "
                        f"{type(other).__module__} and {cls.__module__}; rename one"
                    )
                found.setdefault(cls.name, cls())
    return MappingProxyType(dict(sorted(found.items())))


def plugin(kind: str, name: str) -> Any:
    """Return the plug-in of a kind by its name.

    Raises
    ------
    PluginError
        When there is none, with the nearest name.
    """
    try:
        return plugins(kind)[name]
    except KeyError:
        raise PluginError(f"there is no {kind} {name!r}; {near_miss(name, plugins(kind))}") from None


@cache
def plugin_if_any(kind: str, name: str) -> Any | None:
    """Return the plug-in of a kind by its name; None where there is none.

    Only modules that write the name are imported: reading what was recorded takes one or two plug-ins, and importing
    all of a kind takes as long as all the rest.
    """
    for entry in sorted(entry_points(group=f"watchkeeper.{kind}"), key=lambda e: (e.name, e.value)):
        for module_name in _written_in(entry.value.split(":", 1)[0], name):
            try:
                module = import_module(module_name)
            except Exception as error:
                raise PluginError(f"plug-in module {module_name!r} cannot be imported: {error}") from error
            cls = next((cls for cls in _classes(module, kind) if cls.name == name), None)
            if cls is not None:
                return cls()
    return plugins(kind).get(name)


@cache
def may_have(kind: str, name: str, method: str) -> bool:
    """Return whether the plug-in of a kind may have a method, by what is written of it; nothing is imported."""
    for entry in entry_points(group=f"watchkeeper.{kind}"):
        for module_name in _written_in(entry.value.split(":", 1)[0], name):
            if _writes(module_name, method, frozenset()):
                return True
    return False


def _writes(module: str, method: str, known: frozenset[str]) -> bool:
    """Return whether a module, or one that the bases and decorators of its classes come from, writes a name."""
    if module in known or module.partition(".")[0] in sys.stdlib_module_names:
        return False
    source = _source(module)
    if source is None or method in source:
        return True
    tree = ast.parse(source)
    imported = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    makers = [one for node in classes for one in (*node.bases, *node.decorator_list)]
    names = {name.id for one in makers for name in ast.walk(one) if isinstance(name, ast.Name)}
    if any(isinstance(one, ast.Attribute) for one in makers):
        return True
    return any(_writes(imported[name], method, known | {module}) for name in names if name in imported)


def _written_in(package: str, name: str) -> list[str]:
    """Return the modules whose text holds a name in quotes: the one of that name alone, or else all there are."""
    named = _source(f"{package}.{name}") if name.isidentifier() and find_spec(package) else None
    if named and re.search(rf"""\bname\b[^=\n]*= *["']{name}["']""", named):
        return [f"{package}.{name}"]
    spec = find_spec(package)
    below = iter_modules(spec.submodule_search_locations or []) if spec else ()
    found = []
    for module in (package, *(f"{package}.{m.name}" for m in below)):
        source = _source(module)
        if source and (f'"{name}"' in source or f"'{name}'" in source):
            found.append(module)
    return found


@cache
def _source(module: str) -> str | None:
    """Return the text of a module; None where it has none."""
    try:
        one = find_spec(module)
    except ModuleNotFoundError:
        return None
    return one.loader.get_source(module) if one and isinstance(one.loader, InspectLoader) else None


def _modules(value: str) -> list[ModuleType]:
    name = value.split(":", 1)[0]
    try:
        module = import_module(name)
        below = [import_module(f"{name}.{m.name}") for m in iter_modules(getattr(module, "__path__", []))]
    except Exception as error:
        raise PluginError(f"plug-in module {name!r} cannot be imported: {error}") from error
    return [module, *below]


def _classes(module: ModuleType, kind: str) -> list[type[Any]]:
    return [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and cls.__dict__.get("plugin") == kind and "name" in cls.__dict__
    ]
