"""The chain of audit events: every action once, each link sealed by the SHA-256 of the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from watchkeeper.core.action import Action
from watchkeeper.core.store import AuditEvent
from watchkeeper.store.nouns import from_json, to_json

__all__ = ["HEAD", "audit_breaks", "link", "next_event"]

HEAD = "audit"
"""The pointer that holds the hash of the newest link; a store moves it itself."""


def link(previous: str, action: Action) -> str:
    """Return the SHA-256 over the hash of the previous link and the JSON of an action."""
    return hashlib.sha256(f"{previous}{to_json(action)}".encode()).hexdigest()


def next_event(action: Action, number: int, previous: str) -> AuditEvent:
    """Return the link that follows the link ``number`` with the hash ``previous``."""
    stored = from_json(to_json(action), Action)
    return AuditEvent(number + 1, stored, previous, link(previous, stored))


def audit_breaks(events: Sequence[AuditEvent], head: str | None = None) -> list[int]:
    """Return the numbers of the links at which the chain does not hold; empty when it is whole.

    Parameters
    ----------
    events
        The whole chain, in the order in which the store returned it.
    head
        What the store's pointer ``audit`` holds. Without it links that were cut off at the end cannot be missed; with
        it the number after the last link is returned when there were more.

    Notes
    -----
    An altered link is named itself, a removed one by its successor. Somebody who can write to the database can compute
    the whole chain anew: keep the newest hash elsewhere to notice that.

    Examples
    --------
    >>> from watchkeeper.core.action import ActionKind, Outcome
    >>> first = next_event(Action("a", "m", ActionKind.HOLD, Outcome.DONE, "drift", "watchkeeper"), 0, "")
    >>> second = next_event(Action("b", "m", ActionKind.RETRAIN, Outcome.DONE, "drift", "watchkeeper"), 1, first.hash)
    >>> audit_breaks([first, second]), audit_breaks([second])
    ([], [2])
    """
    broken = []
    number, previous = 0, ""
    for event in events:
        whole = event.number == number + 1 and event.previous == previous
        if not whole or event.hash != link(event.previous, event.action):
            broken.append(event.number)
        number, previous = event.number, event.hash
    if head is not None and head != previous:
        broken.append(number + 1)
    return broken
