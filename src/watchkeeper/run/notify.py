"""Telling people: each change of an alert comes into the outbox once, together with the mark that it did."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from watchkeeper.alerts.policy import has_fired
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.query import Query
from watchkeeper.core.routes import Route
from watchkeeper.core.store import Store
from watchkeeper.store.pointers import CHANGES

__all__ = ["post_news", "receiver_of"]

_POINTER = "notified"
_SEEN = f"{_POINTER}/seen"
"""The pointer that holds how many changes of alerts every receiver was told of."""

_HEARD = (AlertState.FIRING, AlertState.MUTED)

_OWED = "owed"
"""What version 0.1.0 kept of an alert that could not be sent."""


@dataclass
class _News:
    """What comes into the outbox in one transaction: deliveries, and the marks that they were made."""

    deliveries: list[Delivery] = field(default_factory=list)
    moves: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def mark(self, pointer: str, held: str | None, value: str | None) -> None:
        if held != value:
            self.moves[pointer] = (held, value)


def post_news(model: str, store: Store, routes: Iterable[Route], now: datetime) -> None:
    """Put into the outbox each alert that began to fire, spread or ended, for each receiver that wants it.

    A message and the mark that it was made, a pointer for each alert and receiver, are written in one transaction: a
    run that is killed makes each once. News takes the place of what still waits about the same alert: one that ended
    before it could be sent, or within the run that found it, is sent once, as ended. A receiver that is new is told
    what is firing, and not what was over before. Alerts that fire and those recorded otherwise since are read, and no
    others.

    Parameters
    ----------
    now
        The moment of the run, from which pauses and reminders count.
    """
    _split(model, store)
    counted, seen = store.pointer(model, CHANGES), store.pointer(model, _SEEN)
    receivers = [(receiver_of(route), route) for route in routes]
    for receiver, _ in receivers:
        if store.pointer(model, f"{_POINTER}/{receiver}") is None:
            _welcome(model, store, receiver)
    queries = (Query(changed_after=int(seen or 0)) if seen else Query(), Query(states=_HEARD))
    alerts = {alert.id: alert for query in queries for alert in store.recorded(model, Alert, query)}
    news = _News()
    for alert in alerts.values():
        for receiver, route in receivers:
            _post(model, store, alert, receiver, route, now, news)
    if counted:
        news.mark(_SEEN, seen, counted)
    if news.deliveries or news.moves:
        store.record(model, news.deliveries, news.moves)


def receiver_of(route: Route) -> str:
    """Return what a receiver is known by: options may hold secrets, so only their digest is kept."""
    about = [list(item) for item in sorted(route.options.items())]
    plain = Route(route.to)
    wants = {n: getattr(route, n) for n in ("models", "tags", "severity", "causes") if getattr(route, n)}
    for name, value in wants.items():
        if value != getattr(plain, name):
            about.append([f"@{name}", str(value) if name == "severity" else ",".join(sorted(map(str, value)))])
    return f"{route.to}/{sha256(json.dumps(about).encode()).hexdigest()[:12]}"


def _post(model: str, store: Store, alert: Alert, receiver: str, route: Route, now: datetime, news: _News) -> None:
    pointer = f"{_POINTER}/{alert.id}/{receiver}"
    held = store.pointer(model, pointer)
    told: list[str] = json.loads(held) if held else []
    if alert.state is AlertState.MUTED:
        # Told again once it may be, where it fires still.
        if told and told[0] != AlertState.MUTED.value:
            news.mark(pointer, held, json.dumps([alert.state.value, *told[1:]]))
            news.deliveries += _replaced(model, store, alert, receiver, now)
        return
    if told and not route.wants(alert) and alert.state is not AlertState.ENDED:
        return
    if not told and not route.wants(alert):
        return
    if not _worth_telling(alert, told) and not _due_again(model, store, alert, receiver, route, now):
        return
    last = _last(model, store, alert, receiver)
    number = int(last.id.rpartition("/")[2]) + 1 if last else 1
    new = Delivery(f"{alert.id}/{receiver}/{number:06}", receiver, route.to, alert.id, DeliveryState.WAITING, now, now)
    news.deliveries += [*_replaced(model, store, alert, receiver, now), new]
    news.mark(pointer, held, json.dumps([alert.state.value, *sorted(alert.columns)]))


def _worth_telling(alert: Alert, told: Sequence[str]) -> bool:
    """Whether an alert began to fire, ended, or is a fault that spread to another column, and nobody was told."""
    state = told[0] if told else ""
    if alert.state is AlertState.ENDED:
        return state in _HEARD or (state in ("", _OWED) and has_fired(alert))
    if alert.state is not AlertState.FIRING:
        return False
    if state != AlertState.FIRING.value:
        return True
    return alert.cause is Cause.DATA_FAULT and bool(set(alert.columns) - set(told[1:]))


def _due_again(model: str, store: Store, alert: Alert, receiver: str, route: Route, now: datetime) -> bool:
    """Whether an alert fires still, so long after the last message about it that the receiver wants to be reminded."""
    if route.repeat is None or alert.state is not AlertState.FIRING:
        return False
    last = _last(model, store, alert, receiver)
    return last is not None and last.state is not DeliveryState.WAITING and (last.ended or now) + route.repeat <= now


def _last(model: str, store: Store, alert: Alert, receiver: str) -> Delivery | None:
    query = Query(prefix=f"{alert.id}/{receiver}/", newest_first=True, limit=1)
    return next(iter(store.recorded(model, Delivery, query)), None)


def _replaced(model: str, store: Store, alert: Alert, receiver: str, now: datetime) -> list[Delivery]:
    query = Query(prefix=f"{alert.id}/{receiver}/", deliveries=(DeliveryState.WAITING,))
    waiting: Collection[Delivery] = store.recorded(model, Delivery, query)
    return [replace(one, state=DeliveryState.REPLACED, ended=now) for one in waiting]


def _welcome(model: str, store: Store, receiver: str) -> None:
    """Know a new receiver, who need not be told what is over."""
    over = store.recorded(model, Alert, Query(states=(AlertState.ENDED,)))
    pointers = {f"{_POINTER}/{alert.id}/{receiver}": json.dumps([alert.state.value]) for alert in over}
    known = {f"{_POINTER}/{receiver}": "known", **pointers}
    store.record(model, [], {name: (store.pointer(model, name), value) for name, value in known.items()})


def _split(model: str, store: Store) -> None:
    """Keep what 0.1.0 kept of all alerts in one pointer as one pointer each."""
    held = store.pointer(model, _POINTER)
    if held is not None:
        told: dict[str, list[str]] = json.loads(held)
        pointers = {f"{_POINTER}/{place}": json.dumps(news) if news else "known" for place, news in told.items()}
        moves = {name: (store.pointer(model, name), value) for name, value in pointers.items()}
        store.record(model, [], {**moves, _POINTER: (held, None)})
