"""Whether the records of a model still say what its audit trail says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import DataError
from watchkeeper.core.provenance import Provenance
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.maintain.registry import CHAMPION
from watchkeeper.store.audit import HEAD, audit_breaks
from watchkeeper.store.nouns import to_json

__all__ = ["ExportedLink", "audit_faults", "export_faults", "exported_links"]

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
    faults += _unsealed(store, model, told.values())
    moved = [e.action for e in events if e.action.kind in _MOVES and e.action.outcome is Outcome.DONE]
    champion, expected = store.pointer(model, CHAMPION), moved[-1].version if moved else None
    if champion != expected:
        faults.append(f"{champion or 'no version'} is in charge, but the audit trail says {expected or 'none'}")
    return faults


def _unsealed(store: Store, model: str, told: Iterable[Action]) -> list[str]:
    """Return the versions whose provenance is not the one that the audit trail seals."""
    made = {one.version: one.digest for one in store.recorded(model, Provenance)}
    sealed = {
        a.version: a.facts["provenance"] for a in told if a.kind is ActionKind.REGISTER and "provenance" in a.facts
    }
    return [
        f"what is recorded of how {version} was made is not what the audit trail sealed"
        for version in sorted({*made, *sealed})
        if made.get(version) != sealed.get(version)
    ]


def _named(action: Action) -> str:
    words = f"{action.kind.value.replace('_', ' ')} {action.version}".strip()
    return f"{words!r}" + (f" of {action.at:%Y-%m-%d}" if action.at else "")


@dataclass(frozen=True, slots=True)
class ExportedLink:
    """A link of the audit chain as it is exported.

    Attributes
    ----------
    sealed
        The action, in the very text that ``hash`` covers: it is the SHA-256 of ``previous`` followed by this text.
    """

    number: int
    previous: str
    hash: str
    sealed: str


def exported_links(store: Store, model: str) -> list[ExportedLink]:
    """Return the whole audit chain of a model, so that it can be kept, and verified, elsewhere."""
    events = store.recorded(model, AuditEvent)
    return [ExportedLink(e.number, e.previous, e.hash, to_json(e.action)) for e in events]


def export_faults(store: Store, model: str, text: str) -> list[str]:
    """Return, in words, where an audit chain is not what was exported earlier; empty where it only went on.

    Whoever can write to the database can compute the whole chain anew; an export that is kept elsewhere shows that.

    Parameters
    ----------
    text
        The lines that were exported.

    Raises
    ------
    DataError
        When the text is no export.
    """
    try:
        kept = [msgspec.json.decode(line, type=ExportedLink) for line in text.splitlines() if line.strip()]
    except msgspec.MsgspecError as error:
        raise DataError(f"this is no export of an audit trail: {error}; watchkeeper audit export writes one") from error
    now = {event.number: event.hash for event in store.recorded(model, AuditEvent)}
    faults, previous = [], ""
    for one in kept:
        if one.previous != previous or one.hash != sha256(f"{one.previous}{one.sealed}".encode()).hexdigest():
            faults.append(f"record {one.number} of the export does not hold by itself: the file was altered")
        elif one.number not in now:
            faults.append(f"record {one.number} was removed since the export")
        elif now[one.number] != one.hash:
            faults.append(f"record {one.number} is another one than was exported")
        previous = one.hash
    return faults
