"""Serving a model that is kept: light to import, and what it needs of the store is loaded when it is asked for."""

from __future__ import annotations

from watchkeeper.serve.managed import Answer, ManagedModel

__all__ = ["Answer", "ManagedModel"]
