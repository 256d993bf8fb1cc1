"""The protocol of a notifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.alert import Alert

__all__ = ["Notifier", "TriedNotifier"]


@runtime_checkable
class Notifier(Protocol):
    """Sends alerts somewhere. The runner records a failure, goes on, and tries again in the next run.

    Attributes
    ----------
    plugin
        Always ``"notifier"``.
    name
        Registry key.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Send one alert whose state has just changed.

        Raises
        ------
        UsageError
            When an option is missing or off.
        DeliveryError
            When the alert could not be sent.
        """


@runtime_checkable
class TriedNotifier(Notifier, Protocol):
    """A notifier that says by which options it can be tried, without which it is with ``path`` and ``url``.

    Attributes
    ----------
    trial
        Options; ``{path}`` stands for a file, ``{url}`` for an address that takes whatever is posted.
    """

    trial: ClassVar[Mapping[str, str]]
