"""Alerts on the console."""

from __future__ import annotations

import sys
from typing import ClassVar

from watchkeeper.core.alert import Alert
from watchkeeper.words.alerts import alert_sentence

__all__ = ["Console"]


class Console:
    """Writes one line per alert to standard error, so that standard output stays for results."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "console"

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Write the line; control characters from the data are shown, not obeyed."""
        since = f" since {alert.since:%Y-%m-%d}" if alert.since else ""
        words = (
            f"{alert.severity} {alert.state.value} {alert.model} {alert.cause.value}{since}: {alert_sentence(alert)}"
        )
        sys.stderr.write("".join(c if c.isprintable() else repr(c)[1:-1] for c in words) + "\n")
