"""Other ways to keep the same model, each put in charge untested as soon as it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from river.drift import ADWIN

from bench.maintenance.kept import Fit, Kept, losses_of, schema_of
from bench.maintenance.streams import Stream
from watchkeeper.maintain.train import score_rows

__all__ = ["RIVALS", "hindsight", "rivals"]

RIVALS = (
    "never", "every window", "every 2 windows", "every 5 windows", "every 4 windows on the last 8", "ADWIN",
    "ADWIN, since the cut",
)  # fmt: skip
_LENGTHS = (1, 2, 4, 8, 16, 32)


@dataclass
class _Models:
    """Models of a stream by the windows they have learned from: each is fitted once, however many policies ask."""

    stream: Stream
    fit: Fit
    known: dict[tuple[int, int], Any] = field(default_factory=dict)
    asked: dict[tuple[int, int, int], np.ndarray] = field(default_factory=dict)

    def losses(self, first: int, end: int, window: int) -> np.ndarray:
        """Return the losses in a window of the model of windows ``first`` to ``end``, exclusively."""
        place = (first, end, window)
        if place not in self.asked:
            if (first, end) not in self.known:
                self.known[first, end] = self.fit(pl.concat(self.stream.days[first:end]))
            schema = schema_of(self.stream)
            self.asked[place] = losses_of(score_rows(self.known[first, end], self.stream.days[window], schema), schema)
        return self.asked[place]


def rivals(stream: Stream, fit: Fit) -> tuple[dict[str, Kept], float]:
    """Return what became of the stream by each rival, and the least loss of the best single way in hindsight."""
    models = _Models(stream, fit)
    found = {
        "never": _every(models, 10_000),
        "every window": _every(models, 1),
        "every 2 windows": _every(models, 2),
        "every 5 windows": _every(models, 5),
        "every 4 windows on the last 8": _every(models, 4, 8),
        "ADWIN": _by_adwin(models, cut=False),
        "ADWIN, since the cut": _by_adwin(models, cut=True),
    }
    return found, hindsight(models, found)


def hindsight(models: _Models, found: dict[str, Kept]) -> float:
    """Return the least loss of any rival, or of training at every window on all rows or on the last k windows."""
    lengths = (_every(models, 1, k).total for k in _LENGTHS)
    return min([kept.total for kept in found.values()] + list(lengths))


def _windows(models: _Models) -> Iterator[int]:
    yield from range(models.stream.reference, len(models.stream.days))


def _every(models: _Models, step: int, last: int | None = None) -> Kept:
    kept, place = Kept(), (0, models.stream.reference)
    for number in _windows(models):
        _answer(kept, models, place, number)
        if (number - models.stream.reference + 1) % step == 0:
            place = (0 if last is None else max(0, number + 1 - last), number + 1)
            kept.trained.append(number - models.stream.reference)
    kept.fits = len(kept.trained)
    return kept


def _by_adwin(models: _Models, *, cut: bool) -> Kept:
    kept, place, detector = Kept(), (0, models.stream.reference), ADWIN()
    for number in _windows(models):
        lost, fired = _answer(kept, models, place, number), False
        for value in np.minimum(lost, 5.0):
            detector.update(float(value))
            fired |= bool(detector.drift_detected)
        if fired:
            # What ADWIN still holds are the rows that it takes for those since the change.
            rows, first = 0.0, number + 1
            while cut and first > 0 and rows < detector.width:
                first -= 1
                rows += models.stream.days[first].height
            place = (first if cut else 0, number + 1)
            kept.trained.append(number - models.stream.reference)
            detector = ADWIN()
    kept.fits = len(kept.trained)
    return kept


def _answer(kept: Kept, models: _Models, place: tuple[int, int], number: int) -> np.ndarray:
    lost = models.losses(*place, number)
    kept.losses.append(float(lost.mean()))
    kept.rows.append(len(lost))
    return lost
