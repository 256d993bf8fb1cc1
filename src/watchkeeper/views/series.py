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

__all__ = ["Mark", "Series", "closeness", "mark_of", "series_of"]

_HARM = (Family.METRIC, Family.ESTIMATE, Family.RUNTIME)
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
    if signal.fired:
        return Mark.SIGNAL
    mark = _ZONES[signal.zone]
    return Mark.IN_CONTROL if mark in (Mark.NEAR, Mark.MIDDLE) and _harmless(signal) else mark


def _harmless(signal: Signal) -> bool:
    """Say whether a value lies on the side of its centre that has no limit: it moved, and for the better."""
    value, centre = signal.measurement.value, signal.centre
    if value is None or centre is None or (signal.lower is None) == (signal.upper is None):
        return False
    return value < centre if signal.lower is None else value > centre


def closeness(signal: Signal) -> float | None:
    """Return (value - centre) / (limit - centre), 1 at the limit; None without a number or a limit on its side."""
    value, centre = signal.measurement.value, signal.centre
    if value is None or mark_of(signal).numberless:
        return None
    if centre is None:
        centre = 0.0 if signal.lower is None or signal.upper is None else (signal.lower + signal.upper) / 2
    limit = signal.upper if value >= centre else signal.lower
    return None if limit is None or limit == centre else (value - centre) / (limit - centre)


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
        """Sorts worst first: harm before other signals, then by how far the newest point is, then by how often it was.

        What fired is ordered by its score, what did not by how close it is to its limit; zeros come last.
        """
        fired = sum(mark_of(s) is Mark.SIGNAL for s in self.signals)
        score = abs(self.newest.score)
        far = 0.0 if isnan(score) else score
        if self.mark is not Mark.SIGNAL:
            far = closeness(self.newest) or 0.0
        return (self.mark.weight, self.family not in _HARM, -far, -fired)


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
