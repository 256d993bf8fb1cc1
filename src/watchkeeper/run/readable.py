"""Whether all that is recorded of a model can still be read."""

from __future__ import annotations

from watchkeeper.core.errors import StoreError
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.store.nouns import KINDS

__all__ = ["unreadable_records"]


def unreadable_records(store: Store, model: str) -> list[str]:
    """Return, in words, which kinds of records hold one that cannot be read."""
    faults = []
    for kind in (*KINDS.values(), AuditEvent):
        try:
            store.recorded(model, kind)
        except StoreError as error:
            faults.append(f"{kind.__name__} records: {error}")
    return faults
