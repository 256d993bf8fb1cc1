"""Alerts in a JSON-lines file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from watchkeeper.alerts.payload import sent
from watchkeeper.core.alert import Alert
from watchkeeper.core.encode import as_json
from watchkeeper.core.errors import DeliveryError, UsageError

__all__ = ["File"]


class File:
    """Appends one line per alert to the file ``path``; each line is written in one call, so processes may share it."""

    plugin: ClassVar[str] = "notifier"
    name: ClassVar[str] = "file"

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Append the line.

        Raises
        ------
        UsageError
            Without a path.
        DeliveryError
            When the file cannot be written.
        """
        if not options.get("path"):
            raise UsageError("the notifier 'file' needs a path")
        line = (as_json(sent(alert)) + "\n").encode()
        path = Path(options["path"])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise DeliveryError(f"{path.name} cannot be written: {error.strerror or error}") from error
