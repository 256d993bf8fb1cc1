"""What a person did about an alert."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import Alert, AlertState

__all__ = ["standing_triage"]

_KINDS = (ActionKind.ACKNOWLEDGE, ActionKind.MUTE, ActionKind.UNMUTE)


def standing_triage(alert: Alert, actions: Iterable[Action]) -> Action | None:
    """Return the acknowledgement or the mute that stands for an open alert; None where nobody did either.

    Parameters
    ----------
    actions
        Of the model, in any order.
    """
    about = [a for a in actions if a.alert == alert.id and a.kind in _KINDS and a.at is not None]
    last = max(about, key=lambda a: a.at.timestamp() if a.at else 0.0, default=None)
    if last is None or alert.state is AlertState.ENDED or last.kind is ActionKind.UNMUTE:
        return None
    return None if last.kind is ActionKind.MUTE and alert.state is not AlertState.MUTED else last
