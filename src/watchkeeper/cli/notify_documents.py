"""What the commands about notifiers write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.encode import SCHEMA_VERSION, Moment, in_utc

__all__ = ["DeliveryDocument", "OutboxDocument", "TrialDocument", "TrialsDocument", "outbox_document"]


@dataclass(frozen=True, slots=True)
class DeliveryDocument:
    """A message that has not arrived.

    Attributes
    ----------
    alert
        Id of the alert it is about.
    attempts
        Tries that failed.
    due
        The earliest moment of the next try.
    problem
        Why the last try failed; empty before the first.
    """

    model: str
    id: str
    to: str
    alert: str
    state: DeliveryState
    attempts: int
    created: Moment
    due: Moment
    problem: str


@dataclass(frozen=True, slots=True)
class OutboxDocument:
    """Messages that have not arrived: those that wait, and dead ones, which are tried no more by themselves."""

    schema_version: SchemaVersion
    waiting: int
    dead: int
    deliveries: tuple[DeliveryDocument, ...]


@dataclass(frozen=True, slots=True)
class TrialDocument:
    """What came of trying a receiver.

    Attributes
    ----------
    problem
        Why it did not take the message; null where it did.
    """

    model: str
    to: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class TrialsDocument:
    """What came of trying receivers."""

    schema_version: SchemaVersion
    receivers: tuple[TrialDocument, ...]


def outbox_document(found: list[tuple[str, Delivery]]) -> OutboxDocument:
    """Return what is in the outboxes of models."""
    rows = tuple(
        DeliveryDocument(
            model, one.id, one.notifier, one.alert, one.state, one.attempts, in_utc(one.created), in_utc(one.due),
            one.problem,
        )
        for model, one in found
    )  # fmt: skip
    dead = sum(one.state is DeliveryState.DEAD for one in rows)
    return OutboxDocument(SCHEMA_VERSION, len(rows) - dead, dead, rows)
