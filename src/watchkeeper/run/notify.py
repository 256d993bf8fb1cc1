"""Telling people: each change of an alert once, and again when telling failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from watchkeeper.alerts.policy import has_fired
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.plugins import plugin
from watchkeeper.core.query import Query
from watchkeeper.core.secrets import without_secrets
from watchkeeper.core.store import Store
from watchkeeper.store.pointers import CHANGES

__all__ = ["notify"]

_POINTER = "notified"
_SEEN = f"{_POINTER}/seen"
"""The pointer that holds how many changes of alerts every receiver was told of."""

_HEARD = (AlertState.FIRING, AlertState.MUTED)

_OWED = "owed"
"""What is kept of an alert that could not be sent."""


def notify(model: str, store: Store, receivers: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Send every alert that began to fire, spread or ended since it was last sent.

    What was sent is recorded after sending, a pointer for each alert and receiver: a run that is killed in between
    sends again rather than never. An alert that ended before it could be sent, or within the run that found it, is sent
    once, as ended. A receiver that is new is told what is firing, and not what was over before. Alerts that fire and
    those recorded otherwise since all were sent are read, and no others.

    Parameters
    ----------
    receivers
        (notifier's registry key, its options) for each receiver.

    Returns
    -------
    list of str
        What went wrong; those alerts are sent again by the next run.
    """
    _split(model, store)
    counted, seen = store.pointer(model, CHANGES), store.pointer(model, _SEEN)
    places = [(_place(name, options), name, options) for name, options in receivers]
    for receiver, _, _ in places:
        if store.pointer(model, f"{_POINTER}/{receiver}") is None:
            _welcome(model, store, receiver)
    queries = (Query(changed_after=int(seen or 0)) if seen else Query(), Query(states=_HEARD))
    alerts = {alert.id: alert for query in queries for alert in store.recorded(model, Alert, query)}
    problems: list[str] = []
    for alert in alerts.values():
        for receiver, name, options in places:
            pointer = f"{_POINTER}/{alert.id}/{receiver}"
            held = store.pointer(model, pointer)
            told: list[str] = json.loads(held) if held else []
            if alert.state is AlertState.MUTED:
                # Told again once it may be, where it fires still.
                _move(model, store, pointer, held, json.dumps([alert.state.value, *told[1:]]) if told else held)
                continue
            if not _worth_telling(alert, told):
                continue
            try:
                plugin("notifier", name).send(alert, dict(options))
            except Exception as error:  # noqa: BLE001
                # A receiver may fail in any way; the others are told all the same.
                problems.append(without_secrets(f"the notifier {name} failed on alert {alert.id}: {error}"))
                news = [_OWED, *told[1:]]
            else:
                news = [alert.state.value, *sorted(alert.columns)]
            _move(model, store, pointer, held, json.dumps(news))
    if counted and not problems:
        _move(model, store, _SEEN, seen, counted)
    return problems


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


def _move(model: str, store: Store, pointer: str, held: str | None, value: str | None) -> None:
    if held != value:
        store.record(model, [], {pointer: (held, value)})


def _place(name: str, options: Mapping[str, str]) -> str:
    """Return what a receiver is known by: options may hold secrets, so only their digest is kept."""
    digest = sha256(json.dumps(sorted(options.items())).encode()).hexdigest()
    return f"{name}/{digest[:12]}"


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
