"""What a receiver gets in one message: an alert, or many at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.alerts.payload import severity_name
from watchkeeper.alerts.plain import plain
from watchkeeper.core.alert import Alert, AlertState, Severity
from watchkeeper.words.alerts import CAUSES, alert_sentence

__all__ = ["Letter", "Picture", "headline", "lines", "sentence"]

_NAME, _SENTENCE = 100, 600


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as PNG, and what it shows."""

    png: bytes
    words: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message.

    Parameters
    ----------
    key
        The same for every try of the same message, so that a receiver can tell a repetition.
    alerts
        What it is about, worst first; at least one.
    at
        When it is sent.
    pictures
        Charts of the worst alerts, for receivers that show pictures.
    """

    key: str
    alerts: tuple[Alert, ...]
    at: datetime
    pictures: tuple[Picture, ...] = ()

    @property
    def severity(self) -> Severity:
        """The highest severity of its alerts."""
        return max(alert.severity for alert in self.alerts)

    @property
    def over(self) -> bool:
        """Whether all its alerts have ended."""
        return all(alert.state is AlertState.ENDED for alert in self.alerts)


def headline(letter: Letter) -> str:
    """Say in one line what a message is about."""
    if len(letter.alerts) == 1:
        return _heading(letter.alerts[0])
    counts = Counter(alert.severity for alert in letter.alerts)
    models = {alert.model for alert in letter.alerts}
    where = plain(next(iter(models)), _NAME) if len(models) == 1 else f"{len(models)} models"
    by = ", ".join(f"{counts[one]} {severity_name(one)}" for one in sorted(counts, reverse=True))
    ended = sum(alert.state is AlertState.ENDED for alert in letter.alerts)
    return f"{len(letter.alerts)} alerts of {where}: {by}" + (f"; {ended} ended" if ended else "")


def lines(letter: Letter, most: int = 10) -> list[str]:
    """Say what each alert is about, a line each; of many the worst, and how many more there are."""
    told = [f"{_heading(alert)}{_since(alert)}: {sentence(alert)}" for alert in letter.alerts[:most]]
    more = len(letter.alerts) - len(told)
    return [*told, f"and {more} more; watchkeeper status shows all"] if more else told


def sentence(alert: Alert) -> str:
    """Say what an alert is about, bounded and without control characters."""
    return plain(alert_sentence(alert), _SENTENCE)


def _heading(alert: Alert) -> str:
    cause = CAUSES[alert.cause]
    return f"{severity_name(alert.severity)} {alert.state.value}: {cause} of {plain(alert.model, _NAME)}"


def _since(alert: Alert) -> str:
    return f" since {alert.since:%Y-%m-%d %H:%M}" if alert.since else ""
