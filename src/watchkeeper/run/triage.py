"""What a person says of an alert: seen, not now, or tell me again; each with its record in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from watchkeeper.alerts.mutes import MUTED, as_heard, muted_at
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import OPEN, Alert, AlertState
from watchkeeper.core.errors import UsageError
from watchkeeper.core.ground import Ground
from watchkeeper.core.query import Query
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain.registry import action_id
from watchkeeper.run.explain import find_alert

__all__ = ["acknowledge", "mute", "muted_now", "unmute"]

_LONGEST = timedelta(days=366)


def acknowledge(store: Store, model: str, alert: str, *, who: str, why: str, at: datetime) -> Action:
    """Record that somebody has seen an open alert and takes care of it.

    Parameters
    ----------
    alert
        Its id, or the beginning of it; empty for the worst that fires.

    Raises
    ------
    UsageError
        When there is no such alert, or it has ended.
    """
    meant = _open_alert(store, model, alert)
    return _record(store, meant, ActionKind.ACKNOWLEDGE, (), who, why, at)


def mute(store: Store, model: str, alert: str, *, lasts: timedelta, who: str, why: str, at: datetime) -> Action:
    """Tell nobody of an open alert for a time: it is watched on, and told again where it still fires afterwards.

    An alert that is muted starts no training; a data fault goes on blocking it.

    Raises
    ------
    UsageError
        When there is no such alert, it has ended, or the time is longer than a year.
    """
    meant = _open_alert(store, model, alert)
    if lasts > _LONGEST:
        raise UsageError(f"an alert is muted for a year at most, not for {lasts.days} days")
    return _record(store, meant, ActionKind.MUTE, (Ground(MUTED, until=at + lasts),), who, why, at)


def unmute(store: Store, model: str, alert: str, *, who: str, why: str, at: datetime) -> Action:
    """Let a muted alert be told again.

    Parameters
    ----------
    alert
        Its id, or the beginning of it; empty for the worst that is muted.

    Raises
    ------
    UsageError
        When there is no such alert, or it is not muted.
    """
    meant = _open_alert(store, model, alert, (AlertState.MUTED,))
    if meant.id not in muted_now(store, model, [meant], at):
        raise UsageError(f"alert {meant.id} is not muted")
    return _record(store, meant, ActionKind.UNMUTE, (), who, why, at)


def muted_now(store: Store, model: str, alerts: Iterable[Alert], moment: datetime) -> frozenset[str]:
    """Return the ids of those open alerts that are muted at a moment."""
    began = min((alert.since for alert in alerts if alert.since and alert.state in OPEN), default=None)
    if began is None or began >= moment:
        return frozenset()
    window = Window(began, moment + timedelta(microseconds=1))
    kinds = (ActionKind.MUTE, ActionKind.UNMUTE)
    return muted_at(store.recorded(model, Action, Query(kinds=kinds, window=window)), moment)


def _open_alert(store: Store, model: str, id: str, states: tuple[AlertState, ...] = OPEN) -> Alert:
    """Return the alert of an id; without one the worst in some of the states."""
    if not id:
        candidates = store.recorded(model, Alert, Query(states=states))
        if not candidates:
            raise UsageError(f"no alert of {model!r} is {'open' if states == OPEN else 'muted'}")
        return find_alert(candidates)
    alert = find_alert(store.recorded(model, Alert), id)
    if alert.state is AlertState.ENDED:
        raise UsageError(f"alert {alert.id} has ended; nobody is told of it any more")
    return alert


def _record(
    store: Store, alert: Alert, kind: ActionKind, because: tuple[Ground, ...], who: str, why: str, at: datetime
) -> Action:
    action = Action(
        action_id(alert.model, kind, alert.id, at, why), alert.model, kind, Outcome.DONE, why, who, at, alert=alert.id,
        because=because,
    )  # fmt: skip
    muted = {alert.id} if kind is ActionKind.MUTE else set[str]()
    now = alert if kind is ActionKind.ACKNOWLEDGE else as_heard(alert, muted)
    store.record(alert.model, [action, *([] if now is alert else [now])])
    return action
