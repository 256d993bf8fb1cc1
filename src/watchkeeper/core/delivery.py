"""A message about an alert to one receiver: the outbox holds it until it has arrived or is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Delivery", "DeliveryState"]


class DeliveryState(StrEnum):
    """Where a message is: it waits, was sent, is dead (given up), or newer news of its alert has taken its place."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Delivery:
    """News of one alert for one receiver.

    Parameters
    ----------
    id
        ``ALERT/RECEIVER/NUMBER``: the same news has the same id however often it is tried.
    receiver
        What the receiver is known by: its notifier and a digest of its options.
    notifier
        Registry key of the notifier.
    alert
        Id of the alert; what is sent is the alert as it is recorded when it is sent.
    created, due
        When it came into the outbox, and the earliest moment of the next try.
    attempts
        Tries that failed.
    problem
        Why the last one failed.
    ended
        When it was sent or given up.
    """

    id: str
    receiver: str
    notifier: str
    alert: str
    state: DeliveryState
    created: datetime
    due: datetime
    attempts: int = 0
    problem: str = ""
    ended: datetime | None = None
