"""Stored windows that the next run is to summarise again, because rows were removed from them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.store.nouns import from_json

__all__ = ["AGAIN", "summarise_again"]

AGAIN = "summarise_again"
"""The pointer that holds them."""


def summarise_again(store: Store, model: str, windows: Collection[Window]) -> None:
    """Let the next run summarise and judge stored windows again."""
    before = store.pointer(model, AGAIN)
    waiting = sorted({*windows, *(from_json(before, list[Window]) if before else ())})
    after = msgspec.json.encode(waiting).decode() if waiting else None
    if after != before:
        store.record(model, [], {AGAIN: (before, after)})
