"""Signals sorted into series, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from math import isnan

from watchkeeper.core.measurement import Family, Status
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.window import Window
from watchkeeper.views.wording import failure, measure, subject

__all__ = ["Mark", "Series", "mark_of", "series_of"]

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Mark(StrEnum):
    """How a point is drawn; in words, because colour and shape alone tell too little."""

    SIGNAL = "signal"
    FAILED = "failed"
    NO_DATA = "no data"
    NEAR = "near the limit"
    MIDDLE = "half way to the limit"
    IN_CONTROL = "in control"
    BLIND = "blind"
    LEARNING = "learning"
    NOT_JUDGED = "not judged"

    @property
    def weight(self) -> int:
        """Place in the order of badness: 0 is worst."""
        return list(Mark).index(self)

    @property
    def numberless(self) -> bool:
        """Whether there is no number."""
        return self in (Mark.FAILED, Mark.NO_DATA)


_ZONES = {
    Zone.BEYOND: Mark.SIGNAL,
    Zone.WITHIN_3: Mark.NEAR,
    Zone.WITHIN_2: Mark.MIDDLE,
    Zone.WITHIN_1: Mark.IN_CONTROL,
    Zone.LEARNING: Mark.LEARNING,
    Zone.NOT_JUDGED: Mark.NOT_JUDGED,
    Zone.BLIND: Mark.BLIND,
}


def mark_of(signal: Signal) -> Mark:
    """Return how a signal is drawn: without a number it is never anything else."""
    status, _ = failure(signal.measurement)
    if status is not Status.OK:
        return Mark.NO_DATA if status is Status.NO_DATA else Mark.FAILED
    return Mark.SIGNAL if signal.fired else _ZONES[signal.zone]


@dataclass(frozen=True, slots=True)
class Series:
    """The signals of one measure of one column and segment, oldest window first, each window and version once.

    Parameters
    ----------
    latest
        The newest window of the whole report; a series that ended before it has no data now.
    """

    signals: tuple[Signal, ...]
    latest: Window | None = None

    @property
    def newest(self) -> Signal:
        """The signal under judgement."""
        return self.signals[-1]

    @property
    def mark(self) -> Mark:
        """How the newest point is drawn; a series that ended earlier than the others has no data."""
        return Mark.NO_DATA if self.ended else mark_of(self.newest)

    @property
    def ended(self) -> bool:
        """Whether the newest window of the report lacks this series."""
        own = self.newest.measurement.window
        return own is not None and self.latest is not None and own.end < self.latest.end

    @property
    def last(self) -> Signal | None:
        """The newest signal with a number, where the series has none now; None where it has, or never had one."""
        if not self.mark.numberless:
            return None
        return next((s for s in reversed(self.signals) if not mark_of(s).numberless), None)

    @property
    def family(self) -> Family:
        """What kind of number it is."""
        return self.newest.measurement.family

    @property
    def subject(self) -> str:
        """What it is about, in words."""
        return subject(self.newest.measurement)

    @property
    def measure(self) -> str:
        """What is measured, in words."""
        return measure(self.newest.measurement)

    @property
    def windows(self) -> int:
        """Number of points that have a window."""
        return sum(s.measurement.window is not None for s in self.signals)

    @property
    def since(self) -> Window | None:
        """The first window of the run of signals that lasts to the newest one; windows without data do not end it."""
        first = None
        for signal in reversed(self.signals):
            mark = mark_of(signal)
            if mark is Mark.SIGNAL:
                first = signal.measurement.window
            elif not mark.numberless:
                break
        return first

    @property
    def badness(self) -> tuple[float, ...]:
        """Sorts worst first: by the newest point, then by how often it signalled, then by weight."""
        fired = sum(mark_of(s) is Mark.SIGNAL for s in self.signals)
        score = abs(self.newest.score)
        return (self.mark.weight, 0.0 if isnan(score) else -score, -fired)


def series_of(signals: Iterable[Signal]) -> list[Series]:
    """Return the series of signals, worst first; of a window measured again only the newest revision counts."""
    found: dict[tuple[str, ...], dict[tuple[Window | None, str], Signal]] = {}
    for signal in signals:
        measurement = signal.measurement
        points = found.setdefault((*measurement.series, signal.chart), {})
        place = (measurement.window, measurement.version)
        known = points.get(place)
        if known is None or known.measurement.revision <= measurement.revision:
            points[place] = signal
    windows = [w for points in found.values() for w, _ in points if w is not None]
    latest = max(windows, key=lambda w: w.end, default=None)
    ordered = [Series(tuple(sorted(points.values(), key=_time)), latest) for points in found.values()]
    return sorted(ordered, key=lambda s: (*s.badness, s.subject, s.measure))


def _time(signal: Signal) -> tuple[datetime, str]:
    window = signal.measurement.window
    return (window.start if window else _BEGINNING, signal.measurement.version)
