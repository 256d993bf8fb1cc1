"""Which messages of an outbox are sent now, which together, and when a failed one is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from watchkeeper.alerts.letter import Letter, Picture
from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert, Severity
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.errors import DeliveryError, in_short
from watchkeeper.core.routes import Route

__all__ = ["MOST_ATTEMPTS", "STORM", "after_failure", "after_sending", "key_of", "letter_of", "ready", "together"]

STORM = 5
"""Messages for one receiver that are sent one by one; more than these at once are one message."""

MOST_ATTEMPTS = 12
"""Tries after which a message is dead: with these pauses, 29 hours after the first."""

_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=12)
_PROBLEM = 300


def ready(waiting: Iterable[tuple[Delivery, Alert]], route: Route, now: datetime) -> list[tuple[Delivery, Alert]]:
    """Return the messages for a receiver that are to be sent now.

    In quiet hours these are pages; notices that are collected wait until the oldest has waited its time.
    """
    due = [(delivery, alert) for delivery, alert in waiting if delivery.due <= now]
    if route.quiet is not None and route.quiet.until(now) is not None:
        return [pair for pair in due if pair[1].severity >= Severity.PAGE]
    if route.digest is None:
        return due
    notices = [pair for pair in due if pair[1].severity <= Severity.NOTICE]
    ripe = any(delivery.created + route.digest <= now for delivery, _ in notices)
    return [pair for pair in due if ripe or pair[1].severity > Severity.NOTICE]


def together(due: Sequence[tuple[Delivery, Alert]], route: Route) -> list[list[tuple[Delivery, Alert]]]:
    """Return the messages by what is sent as one: a storm, and notices that were collected; else each by itself.

    The worst come first.
    """
    ordered = sorted(due, key=lambda pair: (-pair[1].severity, pair[0].created, pair[0].id))
    if len(ordered) > STORM:
        return [ordered]
    notices = [pair for pair in ordered if pair[1].severity <= Severity.NOTICE]
    if route.digest is None or len(notices) < 2:
        return [[pair] for pair in ordered]
    return [*([pair] for pair in ordered if pair[1].severity > Severity.NOTICE), notices]


def letter_of(group: Sequence[tuple[Delivery, Alert]], at: datetime, pictures: tuple[Picture, ...] = ()) -> Letter:
    """Return what is sent of messages that belong together."""
    return Letter(key_of([d for d, _ in group], [a.model for _, a in group]), tuple(a for _, a in group), at, pictures)


def key_of(deliveries: Sequence[Delivery], models: Sequence[str]) -> str:
    """Return what a message is known by: the same each time that the same deliveries are tried."""
    parts = sorted(f"{model}\0{delivery.id}" for delivery, model in zip(deliveries, models, strict=True))
    return f"wk_{sha256(chr(1).join(parts).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def after_sending(delivery: Delivery, now: datetime) -> Delivery:
    """Return a delivery that has arrived."""
    return replace(delivery, state=DeliveryState.SENT, ended=now, problem="")


def after_failure(delivery: Delivery, error: BaseException, now: datetime) -> Delivery:
    """Return a delivery that could not be sent: due later, or dead after too many tries.

    It waits a minute, then twice as long each time up to twelve hours, or as long as the receiver asks for.
    """
    attempts = delivery.attempts + 1
    failed = replace(delivery, attempts=attempts, problem=plain(in_short(error), _PROBLEM))
    if attempts >= MOST_ATTEMPTS:
        return replace(failed, state=DeliveryState.DEAD, ended=now)
    pause = min(_FIRST * 2 ** (attempts - 1), _LONGEST)
    asked = error.after if isinstance(error, DeliveryError) else None
    return replace(failed, due=now + max(pause, timedelta(seconds=asked or 0)))
