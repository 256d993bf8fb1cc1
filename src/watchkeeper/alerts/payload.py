"""An alert as a document, the same for every notifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.encode import SCHEMA_VERSION, Moment, in_utc
from watchkeeper.words.alerts import alert_sentence

__all__ = ["AlertPayload", "SchemaVersion", "SeverityName", "payload", "sent", "severity_name"]

SchemaVersion = Literal[1]
SeverityName = Literal["notice", "warning", "page"]

_NAME, _MOST = 200, 100

_SEVERITIES: Mapping[Severity, SeverityName] = {
    Severity.NOTICE: "notice",
    Severity.WARNING: "warning",
    Severity.PAGE: "page",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPayload:
    """Something a person should know, as notifiers send it.

    Attributes
    ----------
    id
        Stays the same through every state of the alert.
    end
        How it ended; null until it has.
    since, last
        Start of the first window that showed it, and end of the newest one.
    columns, segments
        What is affected, worst first.
    """

    schema_version: SchemaVersion
    id: str
    model: str
    cause: Cause
    severity: SeverityName
    state: AlertState
    end: AlertEnd | None
    message: str
    since: Moment | None
    last: Moment | None
    columns: tuple[str, ...]
    segments: tuple[str, ...]


def payload(alert: Alert) -> AlertPayload:
    """Return the alert as notifiers send it."""
    return AlertPayload(
        schema_version=SCHEMA_VERSION,
        id=alert.id,
        model=alert.model,
        cause=alert.cause,
        severity=severity_name(alert.severity),
        state=alert.state,
        end=alert.end,
        message=alert_sentence(alert),
        since=in_utc(alert.since),
        last=in_utc(alert.last),
        columns=alert.columns,
        segments=alert.segments,
    )


def sent(alert: Alert, most: int = _MOST) -> AlertPayload:
    """Return the alert as it leaves the house: what came from outside is shown plainly and does not go on for ever.

    Of columns and segments the worst are named, ``most`` of each.
    """
    whole = payload(alert)
    return replace(
        whole,
        id=plain(whole.id, _NAME),
        model=plain(whole.model, _NAME),
        message=plain(whole.message),
        columns=tuple(plain(name, _NAME) for name in whole.columns[:most]),
        segments=tuple(plain(name, _NAME) for name in whole.segments[:most]),
    )


def severity_name(severity: Severity) -> SeverityName:
    """Return the word for a severity."""
    return _SEVERITIES[severity]
