"""Watchkeeper watches deployed machine-learning models and keeps them healthy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchkeeper.api import (
        Stream,
        behaviour,
        check,
        explain,
        metrics,
        open_project,
        open_records,
        prove,
        report,
        run_once,
        stream,
    )
    from watchkeeper.core.errors import WatchkeeperError

__version__ = "0.1.0"

_LAZY = {
    "Stream": "watchkeeper.api",
    "WatchkeeperError": "watchkeeper.core.errors",
    "behaviour": "watchkeeper.api",
    "check": "watchkeeper.api",
    "explain": "watchkeeper.api",
    "metrics": "watchkeeper.api",
    "open_project": "watchkeeper.api",
    "open_records": "watchkeeper.api",
    "prove": "watchkeeper.api",
    "report": "watchkeeper.api",
    "run_once": "watchkeeper.api",
    "stream": "watchkeeper.api",
}

__all__ = [
    "Stream",
    "WatchkeeperError",
    "__version__",
    "behaviour",
    "check",
    "explain",
    "metrics",
    "open_project",
    "open_records",
    "prove",
    "report",
    "run_once",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'watchkeeper' has no attribute {name!r}")
