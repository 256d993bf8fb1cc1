"""Alerts on the console."""

from __future__ import annotations

import sys
from typing import ClassVar

from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert
from watchkeeper.core.errors import DeliveryError
from watchkeeper.words.alerts import alert_sentence

__all__ = ["Console"]


class Console:
    """Writes one line per alert to standard error, so that standard output stays for results."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "console"

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Write the line; control characters from the data are shown, not obeyed.

        Raises
        ------
        DeliveryError
            When standard error is closed.
        """
        since = f" since {alert.since:%Y-%m-%d}" if alert.since else ""
        words = (
            f"{alert.severity} {alert.state.value} {alert.model} {alert.cause.value}{since}: {alert_sentence(alert)}"
        )
        try:
            sys.stderr.write(plain(words) + "\n")
        except (OSError, ValueError) as error:
            raise DeliveryError(f"standard error cannot be written to: {error}") from error
