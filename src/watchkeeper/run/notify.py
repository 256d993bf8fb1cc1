"""Telling people: each change of an alert once, and again when telling failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

from watchkeeper.alerts.policy import has_fired
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.plugins import plugin
from watchkeeper.core.store import Store

__all__ = ["notify"]

_POINTER = "notified"
_OWED = "owed"
"""What is kept of an alert that could not be sent."""


def notify(model: str, store: Store, receivers: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Send every alert that began to fire, spread or ended since it was last sent.

    What was sent is recorded after sending: a run that is killed in between sends again rather than never. An alert
    that ended before it could be sent, or within the run that found it, is sent once, as ended. A receiver that is new
    is told what is firing, and not what was over before.

    Parameters
    ----------
    receivers
        (notifier's registry key, its options) for each receiver.

    Returns
    -------
    list of str
        What went wrong; those alerts are sent again by the next run.
    """
    held = store.pointer(model, _POINTER)
    told: dict[str, list[str]] = json.loads(held) if held else {}
    problems: list[str] = []
    alerts = store.recorded(model, Alert)
    places = [(_place(name, options), name, options) for name, options in receivers]
    for receiver, _, _ in places:
        if receiver not in told:
            told[receiver] = []
            over = (alert for alert in alerts if alert.state is AlertState.ENDED)
            told.update((f"{alert.id}/{receiver}", [alert.state.value]) for alert in over)
    held = _keep(model, store, held, told)
    for alert in alerts:
        for receiver, name, options in places:
            place = f"{alert.id}/{receiver}"
            if not _worth_telling(alert, told.get(place)):
                continue
            try:
                plugin("notifier", name).send(alert, dict(options))
            except Exception as error:  # noqa: BLE001
                # A receiver may fail in any way; the others are told all the same.
                problems.append(f"the notifier {name} failed on alert {alert.id}: {error}")
                news = [_OWED, *told.get(place, [_OWED])[1:]]
            else:
                news = [alert.state.value, *sorted(alert.columns)]
            told[place] = news
            held = _keep(model, store, held, told)
    return problems


def _keep(model: str, store: Store, held: str | None, told: Mapping[str, list[str]]) -> str | None:
    text = json.dumps(told, sort_keys=True) if told else None
    if text != held:
        store.record(model, [], {_POINTER: (held, text)})
    return text


def _place(name: str, options: Mapping[str, str]) -> str:
    """Return what a receiver is known by: options may hold secrets, so only their digest is kept."""
    digest = sha256(json.dumps(sorted(options.items())).encode()).hexdigest()
    return f"{name}/{digest[:12]}"


def _worth_telling(alert: Alert, told: list[str] | None) -> bool:
    """Whether an alert began to fire, ended, or is a fault that spread to another column, and nobody was told."""
    state = told[0] if told else ""
    if alert.state is AlertState.ENDED:
        return state == AlertState.FIRING.value or (state in ("", _OWED) and has_fired(alert))
    if alert.state is not AlertState.FIRING:
        return False
    if state != AlertState.FIRING.value:
        return True
    return alert.cause is Cause.DATA_FAULT and bool(set(alert.columns) - set(told[1:] if told else ()))
