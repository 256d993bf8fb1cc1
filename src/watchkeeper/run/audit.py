"""Whether the records of a model still say what its audit trail says."""

from __future__ import annotations

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.maintain.registry import CHAMPION
from watchkeeper.store.audit import HEAD, audit_breaks
from watchkeeper.store.nouns import to_json

__all__ = ["audit_faults"]

_MOVES = (ActionKind.PROMOTE, ActionKind.ROLL_BACK)


def audit_faults(store: Store, model: str) -> list[str]:
    """Return, in words, where the audit trail is broken and where other records contradict it; empty when all is whole.

    The trail is a chain of hashes, so it shows by itself what was changed in it. The actions that are listed and the
    version in charge are stored beside it; they are compared with what the trail says of them.

    Raises
    ------
    StoreError
        When the records cannot be read at all.
    """
    events = store.recorded(model, AuditEvent)
    broken = audit_breaks(events, store.pointer(model, HEAD))
    faults = [f"the audit trail is broken at record {number}" for number in broken]
    told = {event.action.id: event.action for event in events}
    listed = {action.id: action for action in store.recorded(model, Action)}
    for identity, action in listed.items():
        if identity not in told or to_json(told[identity]) != to_json(action):
            faults.append(f"the action {_named(action)} is not what the audit trail says of it")
    faults += [f"the action {_named(told[gone])} was removed" for gone in told.keys() - listed.keys()]
    moved = [e.action for e in events if e.action.kind in _MOVES and e.action.outcome is Outcome.DONE]
    champion, expected = store.pointer(model, CHAMPION), moved[-1].version if moved else None
    if champion != expected:
        faults.append(f"{champion or 'no version'} is in charge, but the audit trail says {expected or 'none'}")
    return faults


def _named(action: Action) -> str:
    words = f"{action.kind.value.replace('_', ' ')} {action.version}".strip()
    return f"{words!r}" + (f" of {action.at:%Y-%m-%d}" if action.at else "")
