"""river's detectors with their defaults on one feature, value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from math import inf
from typing import Any

from bench.calibration.streams import CHANGE, FIRST, ROWS, WINDOWS, Stream, column
from bench.calibration.tally import Tally


@dataclass(frozen=True)
class Detector:
    """How a detector is made, and how much of a stream it is given.

    Attributes
    ----------
    warm
        Windows before the stream that it sees first.
    windows
        Windows of a clean stream, the last ones before the change; and of a stream after its change.
    """

    make: Callable[[], Any]
    warm: int = 50
    windows: int = CHANGE


def detectors() -> dict[str, Detector]:
    """Return the detectors by name.

    Raises
    ------
    ImportError
        Without river.
    """
    from river import drift

    return {
        "ADWIN": Detector(drift.ADWIN),
        "Page–Hinkley": Detector(drift.PageHinkley),
        # It tests anew at every value, which takes a millisecond.
        "KSWIN": Detector(lambda: drift.KSWIN(seed=1), warm=1, windows=10),
    }


def run(name: str, stream: Stream, repetition: int, changes: Iterable[Stream] = ()) -> list[Tally]:
    """Give a detector the clean stream, and from its middle on each change until it alarms."""
    chosen = detectors()[name]
    detector = chosen.make()
    # The whole stream where it is cheap; else its last windows before the change.
    first = 0 if chosen.windows == CHANGE else CHANGE - chosen.windows
    last = WINDOWS if first == 0 else CHANGE
    for number in range(first - chosen.warm, first):
        for value in column(stream, repetition, number, FIRST).tolist():
            detector.update(value)
    tally, middle = Tally("rows", name, stream.name, 1, (last - first) * ROWS), None
    for number in range(first, last):
        if number == CHANGE:
            middle = deepcopy(detector)
        for value in column(stream, repetition, number, FIRST).tolist():
            detector.update(value)
            tally.alarms += bool(detector.drift_detected)
    after = [_after(name, change, repetition, deepcopy(middle or detector), chosen.windows) for change in changes]
    return [tally, *after]


def _after(name: str, change: Stream, repetition: int, detector: Any, windows: int) -> Tally:
    seen = 0
    for number in range(CHANGE, CHANGE + windows):
        for value in column(change, repetition, number, FIRST).tolist():
            seen += 1
            detector.update(value)
            if detector.drift_detected:
                return Tally("rows", name, change.name, 1, delays=[float(seen)])
    return Tally("rows", name, change.name, 1, delays=[inf])
