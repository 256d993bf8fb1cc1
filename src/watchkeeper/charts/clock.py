"""What a series usually has at this time of the day or on this weekday."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

import numpy as np

from watchkeeper.core.window import Window

__all__ = ["ClockProfile", "Turn"]

_DAY = timedelta(days=1)
_KEPT = 7
"""Turns of a day or week that are kept of each part of it."""

_LEAST = 2
"""Turns of the same kind of day from which the other kind says nothing more."""

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """Which part of the day or week a window begins in: its kind of day, the part, and the day itself."""

    kind: int
    part: int
    day: int

    @classmethod
    def of(cls, window: Window | None) -> Turn | None:
        """Return the hour of a weekday or weekend of a window shorter than a day, the weekday of one of a day.

        None of longer windows, and without a window.
        """
        if window is None or window.end - window.start > _DAY:
            return None
        start = window.start.astimezone(UTC)
        day = start.date().toordinal()
        if window.end - window.start == _DAY:
            return cls(0, start.weekday(), day)
        return cls(int(start.weekday() >= _SATURDAY), start.hour, day)


@dataclass(frozen=True, slots=True)
class ClockProfile:
    """The means of the last seven turns of each part of a day or week, as lists of numbers of a chart's memory."""

    arrays: Mapping[str, tuple[float, ...]]

    def expected(self, turn: Turn) -> float | None:
        """Return the median of this part's turns on this kind of day; of both kinds while there are fewer than two."""
        own = self.arrays.get(_key(turn.kind, turn.part), ())
        if len(own) < _LEAST:
            own = (*own, *self.arrays.get(_key(1 - turn.kind, turn.part), ()))
        return float(np.median(own)) if own else None

    def after(self, turn: Turn, value: float) -> dict[str, tuple[float, ...]]:
        """Return the lists after a point; those of a part grow when the next part begins."""
        running = self.arrays.get("turn", ())
        now = (float(turn.kind), float(turn.part), float(turn.day))
        if running[:3] == now:
            return {"turn": (*now, running[3] + value, running[4] + 1)}
        changed: dict[str, tuple[float, ...]] = {"turn": (*now, value, 1.0)}
        if running:
            key = _key(int(running[0]), int(running[1]))
            changed[key] = (*self.arrays.get(key, ()), running[3] / running[4])[-_KEPT:]
        return changed


def _key(kind: int, part: int) -> str:
    return f"clock_{kind}_{part}"
