"""A message about one alert, for those who send it by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from watchkeeper.alerts.letter import Letter
from watchkeeper.core.alert import Alert

__all__ = ["single"]


def single(alert: Alert) -> Letter:
    """Return the message about one alert; its key is that of the alert and its state."""
    about = f"{alert.model}\0{alert.id}\0{alert.state.value}".encode("utf-8", "surrogatepass")
    at = alert.last or alert.since or datetime(1970, 1, 1, tzinfo=UTC)
    return Letter(f"wk_{sha256(about).hexdigest()[:32]}", (alert,), at)
