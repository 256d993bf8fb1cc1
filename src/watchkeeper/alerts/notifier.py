"""The protocols of a notifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

from watchkeeper.alerts.letter import Letter
from watchkeeper.core.alert import Alert

__all__ = ["LetterNotifier", "Notifier", "TriedNotifier", "send_letter"]


@runtime_checkable
class Notifier(Protocol):
    """Sends alerts somewhere. The outbox records a failure, goes on, and tries again later.

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
class LetterNotifier(Notifier, Protocol):
    """A notifier that carries the key of a message, and can say many alerts in one."""

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        """Send one message, with its key in it.

        Raises
        ------
        UsageError
            When an option is missing or off.
        DeliveryError
            When the message could not be sent.
        """


@runtime_checkable
class TriedNotifier(Notifier, Protocol):
    """A notifier that says by which options it can be tried, without which it is with ``path`` and ``url``.

    Attributes
    ----------
    trial
        Options; ``{path}`` stands for a file, ``{url}`` for an address that takes whatever is posted, ``{smtp}`` for
        the port of a mail server on this machine.
    """

    trial: ClassVar[Mapping[str, str]]


def send_letter(notifier: Notifier, letter: Letter, options: Mapping[str, str]) -> None:
    """Send a message as one where the notifier can, else each of its alerts."""
    if isinstance(notifier, LetterNotifier):
        notifier.send_letter(letter, dict(options))
        return
    for alert in letter.alerts:
        notifier.send(alert, dict(options))
