"""Telling people: each change of an alert once, and again when telling failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.plugins import plugin
from watchkeeper.core.store import Store

__all__ = ["notify"]

_POINTER = "notified"


def notify(model: str, store: Store, receivers: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Send every alert that began to fire, or ended, since it was last sent.

    What was sent is recorded after sending: a run that is killed in between sends again rather than never.

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
    sent: dict[str, list[str]] = json.loads(held) if held else {}
    problems: list[str] = []
    for alert in store.recorded(model, Alert):
        for number, (name, options) in enumerate(receivers):
            place = f"{alert.id}/{number}/{name}"
            if not _worth_telling(alert, sent.get(place)):
                continue
            try:
                plugin("notifier", name).send(alert, dict(options))
            except Exception as error:  # noqa: BLE001
                # A receiver may fail in any way; the others are told all the same.
                problems.append(f"the notifier {name} failed on alert {alert.id}: {error}")
                continue
            sent[place] = [alert.state.value, *sorted(alert.columns)]
            text = json.dumps(sent, sort_keys=True)
            store.record(model, [], {_POINTER: (held, text)})
            held = text
    return problems


def _worth_telling(alert: Alert, told: list[str] | None) -> bool:
    """Whether an alert began to fire, ended after it was told, or is a fault that has spread to another column."""
    if alert.state is AlertState.RESOLVED:
        return bool(told) and told is not None and told[0] == AlertState.FIRING.value
    if alert.state is not AlertState.FIRING:
        return False
    if not told or told[0] != AlertState.FIRING.value:
        return True
    return alert.cause is Cause.DATA_FAULT and bool(set(alert.columns) - set(told[1:]))
