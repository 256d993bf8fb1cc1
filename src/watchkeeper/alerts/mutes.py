"""Alerts that a person wants to hear no more of for a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import Alert, AlertState

__all__ = ["MUTED", "TRIAGE", "as_heard", "muted_at"]

TRIAGE = (ActionKind.ACKNOWLEDGE, ActionKind.MUTE, ActionKind.UNMUTE)
"""What people say of alerts."""

MUTED = "muted"
"""The code of the ground that says until when an alert is muted."""


def muted_at(actions: Iterable[Action], moment: datetime) -> frozenset[str]:
    """Return the ids of the alerts that are muted at a moment: of each the newest mute or unmute up to then counts.

    Parameters
    ----------
    actions
        Oldest first; others than mutes and unmutes say nothing.
    """
    until: dict[str, datetime | None] = {}
    for action in actions:
        if action.at is None or action.at > moment or action.kind not in (ActionKind.MUTE, ActionKind.UNMUTE):
            continue
        until[action.alert] = next((ground.until for ground in action.because if ground.code == MUTED), None)
    return frozenset(alert for alert, end in until.items() if end is not None and end > moment)


def as_heard(alert: Alert, muted: Collection[str]) -> Alert:
    """Return an alert as it is recorded: one that fires is muted while a person wants that, and only then."""
    if alert.state is AlertState.FIRING and alert.id in muted:
        return replace(alert, state=AlertState.MUTED)
    if alert.state is AlertState.MUTED and alert.id not in muted:
        return replace(alert, state=AlertState.FIRING)
    return alert
