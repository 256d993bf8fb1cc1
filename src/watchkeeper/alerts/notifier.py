"""The protocol of a notifier."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.core.alert import Alert

__all__ = ["Notifier"]


@runtime_checkable
class Notifier(Protocol):
    """Sends alerts somewhere. A notifier that fails raises; the runner records the failure and goes on.

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
        """Send one alert whose state has just changed."""
