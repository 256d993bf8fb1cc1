"""An alert as plain data, the same for every notifier."""

from __future__ import annotations

from typing import Any

from watchkeeper.core.alert import Alert
from watchkeeper.words.alerts import alert_sentence

__all__ = ["payload"]


def payload(alert: Alert) -> dict[str, Any]:
    """Return the alert as JSON-ready data with ``schema_version`` 1."""
    return {
        "schema_version": 1,
        "id": alert.id,
        "model": alert.model,
        "cause": alert.cause.value,
        "severity": str(alert.severity),
        "state": alert.state.value,
        "end": alert.end.value if alert.end else None,
        "message": alert_sentence(alert),
        "since": alert.since.isoformat() if alert.since else None,
        "last": alert.last.isoformat() if alert.last else None,
        "columns": list(alert.columns),
        "segments": list(alert.segments),
    }
