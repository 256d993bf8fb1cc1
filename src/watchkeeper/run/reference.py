"""The states that current rows are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from watchkeeper.core.batch import Batch
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.store import Changes, Store
from watchkeeper.run.steps import merged
from watchkeeper.stats.summarise import summarise

__all__ = ["reference_mark", "reference_states", "refresh_reference", "summarise_reference"]

_POINTER = "reference"


def reference_states(spec: Spec, store: Store) -> dict[tuple[str, str], State]:
    """Return the reference's states, one per (segment, column)."""
    held = sorted(store.states(spec.model, None).items())
    return merged((state for _, state in held), None, spec.model)


def reference_mark(spec: Spec, store: Store) -> str:
    """Return what the stored reference was made of; empty where there is none."""
    return store.pointer(spec.model, _POINTER) or ""


def refresh_reference(spec: Spec, store: Store, changes: Changes) -> None:
    """Summarise a reference that is a part of the log: at first, and again when its rows or labels have changed."""
    window = spec.reference
    if window is None:
        return
    touched = any(grain.start < window.end and window.start < grain.end for grain in changes.windows)
    if touched or not reference_mark(spec, store).startswith(_mark(spec, f"{window} ")):
        batches = (Batch(b.frame, b.schema) for b in store.read(spec.model, spec.schema, window))
        summarise_reference(spec, store, batches, f"{window} {changes.cursor}")


def summarise_reference(spec: Spec, store: Store, batches: Iterable[Batch], what: str) -> None:
    """Store the states of the reference's rows, unless they were stored for the same schema before.

    Parameters
    ----------
    what
        Names the rows: other rows have another name.
    """
    held, mark = store.pointer(spec.model, _POINTER), _mark(spec, what)
    if held != mark:
        store.put_states(spec.model, None, summarise(batches, replace(spec, windows=None)).values())
        store.record(spec.model, [], {_POINTER: (held, mark)})


def _mark(spec: Spec, what: str) -> str:
    digest = sha256(repr((spec.schema.columns, spec.schema.segments)).encode()).hexdigest()
    return f"{digest[:16]} {what}"
