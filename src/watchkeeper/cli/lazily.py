"""Packages that a command may turn out not to need."""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

__all__ = ["import_when_used"]


def import_when_used(name: str) -> None:
    """Let ``import name`` load the package once something of it is asked for; nothing where it is loaded already.

    Polars takes longer to import than all else that showing recorded alerts takes. ``importlib.util.LazyLoader`` would
    load it at the next ``import`` statement.
    """
    spec = find_spec(name) if name not in sys.modules else None
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    module.__class__ = _Unloaded
    # Importing a module below it asks for the path, and finds the package loaded.
    del module.__path__
    sys.modules[name] = module


class _Unloaded(ModuleType):
    """A package that loads itself when an attribute is missing."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if spec is None or spec.loader is None:
            raise AttributeError(name)
        # From here on it is a module like any other.
        object.__setattr__(self, "__class__", ModuleType)
        self.__path__ = list(spec.submodule_search_locations or ())
        spec.loader.exec_module(self)
        return getattr(self, name)
