"""A message about one alert, and the base of notifiers that send one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from hashlib import sha256

from watchkeeper.alerts.letter import Letter
from watchkeeper.core.alert import Alert

__all__ = ["LetterSender", "single"]


def single(alert: Alert) -> Letter:
    """Return the message about one alert; its key is that of the alert and its state."""
    about = f"{alert.model}\0{alert.id}\0{alert.state.value}".encode("utf-8", "surrogatepass")
    at = alert.last or alert.since or datetime(1970, 1, 1, tzinfo=UTC)
    return Letter(f"wk_{sha256(about).hexdigest()[:32]}", (alert,), at)


class LetterSender(ABC):
    """A base of notifiers that sends an alert as a message about it alone, so that ``send_letter`` is all they need."""

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        """Send one alert; see ``send_letter``."""
        self.send_letter(single(alert), options)

    @abstractmethod
    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Send one message, with its key in it; see ``LetterNotifier``."""
