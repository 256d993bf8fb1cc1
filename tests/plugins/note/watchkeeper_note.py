"""Alerts as lines of a text file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from watchkeeper.alerts.payload import sent
from watchkeeper.core.alert import Alert
from watchkeeper.core.errors import DeliveryError, UsageError


class Note:
    """Appends one line per alert to the text file ``to``."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "note"
    trial: ClassVar[dict[str, str]] = {"to": "{path}"}

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Append the line."""
        if not options.get("to"):
            raise UsageError("the notifier 'note' needs the option to: the file")
        told, path = sent(alert), Path(options["to"])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{told.severity} {told.state.value} {told.model} {told.cause.value}: {told.message}\n")
        except OSError as error:
            raise DeliveryError(f"{path.name} cannot be written: {error.strerror}") from error
