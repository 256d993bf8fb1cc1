"""When signals become an alert, and when the alert is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from watchkeeper.alerts.ranking import ranked
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule
from watchkeeper.core.state import JOINT
from watchkeeper.core.window import Window

__all__ = ["Episode", "decide", "has_fired", "severity_of", "withdraw"]

_AT_ONCE = {Cause.DATA_FAULT, Cause.LABEL_FAULT, Cause.NO_DATA, Cause.RUNTIME}
_PAGES = {Cause.DATA_FAULT, Cause.PERFORMANCE, Cause.RUNTIME, Cause.NO_DATA}
_FAULTS = {Cause.DATA_FAULT, Cause.LABEL_FAULT}
_NAMED = {Cause.NO_DATA: "blind"}
"""What the identity of an alert calls a cause that had another name once."""


def severity_of(cause: Cause) -> Severity:
    """Return the severity by impact: harm, faults that reach the model and blindness page, drift warns."""
    if cause in _PAGES:
        return Severity.PAGE
    return Severity.WARNING if cause in (Cause.DRIFT, Cause.LABEL_FAULT) else Severity.NOTICE


@dataclass(frozen=True, slots=True)
class Episode:
    """What the policy remembers of one cause.

    Parameters
    ----------
    recent
        Whether each of the last windows signalled, oldest first.
    quiet
        Windows in a row without a signal.
    alert
        The open alert, pending or firing; None between episodes.
    """

    recent: tuple[bool, ...] = ()
    quiet: int = 0
    alert: Alert | None = None


AlertMemory = Mapping[Cause, Episode]


def decide(
    model: str,
    window: Window | None,
    signals: Iterable[tuple[Cause, Signal]],
    rule: AlertRule,
    memory: AlertMemory,
) -> tuple[list[Alert], dict[Cause, Episode]]:
    """Turn the signals of one window into alerts: one per cause, whatever the number of columns.

    A cause fires when ``k`` of the last ``n`` windows signalled; data faults, label faults, blindness and runtime
    breaches fire at once, and so does a signal whose chart has added up evidence over windows. A firing alert stays
    (latches) until ``clear`` windows in a row are quiet. Drift of a column that a fault explains is not a cause of its
    own.

    Parameters
    ----------
    signals
        Every signal of the window with the cause its monitor stands for, fired or not.
    memory
        The episodes so far, as returned for the window before.

    Returns
    -------
    tuple
        The alerts that are pending, firing or just ended, gravest first, and the new memory.
    """
    judged = list(signals)
    groups = _grouped(judged)
    # A measurement that failed says as little about its cause as one without data, unless the failure itself signals.
    seen = {cause for cause, signal in judged if signal.measurement.status is Status.OK or signal.fired}
    episodes = dict(memory)
    alerts: list[Alert] = []
    for cause in Cause:
        group = groups.get(cause)
        episode = episodes.get(cause, Episode())
        if group is None and cause not in seen:
            # Nothing was judged for this cause: a window without data neither confirms nor clears it.
            if episode.alert is not None:
                alerts.append(episode.alert)
            continue
        alert, episodes[cause] = _advance(model, cause, window, group or [], rule, episode)
        if alert is not None:
            alerts.append(alert)
    alerts.sort(key=lambda a: (a.state is AlertState.ENDED, -a.severity, a.cause))
    return alerts, episodes


def has_fired(alert: Alert) -> bool:
    """Return whether an alert is firing or ended after it had fired, and was not withdrawn."""
    return alert.state is AlertState.FIRING or alert.end is AlertEnd.CLEARED


def withdraw(alert: Alert) -> Alert:
    """Return an alert that judging again with late data no longer gives: no window shows it any more."""
    return replace(alert, state=AlertState.ENDED, end=AlertEnd.WITHDRAWN, last=None)


def _grouped(judged: Sequence[tuple[Cause, Signal]]) -> dict[Cause, list[Signal]]:
    """Return the signals that belong to each cause's alarm, by cause; only causes of which a signal fired."""
    faulty = {s.measurement.column for cause, s in judged if cause in _FAULTS and s.fired}
    groups: dict[Cause, list[Signal]] = {}
    for cause, signal in judged:
        if cause is Cause.DRIFT and signal.measurement.column and signal.measurement.column in faulty:
            continue
        groups.setdefault(cause, []).append(signal)
    found = {cause: ranked(group) for cause, group in groups.items()}
    return {cause: group for cause, group in found.items() if group}


def _advance(
    model: str, cause: Cause, window: Window | None, group: list[Signal], rule: AlertRule, episode: Episode
) -> tuple[Alert | None, Episode]:
    # A chart that has added its evidence up over windows has waited already.
    alone = any(signal.fired and signal.alone for signal in group)
    k, n = (1, 1) if cause in _AT_ONCE else (1 if alone else rule.k, rule.n)
    fired = bool(group)
    recent = (*episode.recent, fired)[-max(n, 1) :]
    quiet = 0 if fired else episode.quiet + 1
    alert = episode.alert
    if alert is None:
        if not fired:
            return None, Episode(recent, quiet)
        start = window.start if window else None
        alert = Alert(_identity(model, cause, start), model, cause, Severity.NOTICE, AlertState.PENDING, start)
    if fired:
        alert = replace(
            alert,
            severity=max(alert.severity, _gravest(cause, group)),
            last=window.end if window else None,
            columns=_named([name for signal in group for name in _columns(signal.measurement)], alert.columns),
            segments=_named([s.measurement.segment for s in group if s.measurement.segment != ALL], ()),
            evidence=tuple(group),
        )
    if alert.state is AlertState.PENDING and sum(recent) >= k:
        alert = replace(alert, state=AlertState.FIRING)
    lapsed = alert.state is AlertState.PENDING and not any(recent)
    if lapsed or (alert.state is AlertState.FIRING and quiet >= rule.clear):
        end = AlertEnd.LAPSED if lapsed else AlertEnd.CLEARED
        return replace(alert, state=AlertState.ENDED, end=end), Episode(recent if lapsed else (False,), quiet)
    return alert, Episode(recent, quiet, alert)


def _gravest(cause: Cause, group: list[Signal]) -> Severity:
    """Return the severity of the gravest signal: what its own rule states, else that of the cause."""
    names = {str(severity): severity for severity in Severity}
    checks = [s.measurement.evidence.rule for s in group if s.fired]
    stated = [names.get(check.severity) if check else None for check in checks]
    return max((own or severity_of(cause) for own in stated), default=severity_of(cause))


def _columns(measurement: Measurement) -> tuple[str, ...]:
    """Return the columns a measurement is about; one of all features together names the pair it found."""
    if measurement.column != JOINT:
        return (measurement.column,)
    return measurement.evidence.about


def _named(names: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (*names, *before) if name and not name.startswith("@")))


def _identity(model: str, cause: Cause, start: datetime | None) -> str:
    words = f"{model}\x00{_NAMED.get(cause, cause.value)}\x00{start.isoformat() if start else ''}"
    return sha256(words.encode()).hexdigest()[:16]
