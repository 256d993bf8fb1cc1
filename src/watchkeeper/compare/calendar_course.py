"""What the dates of rows say that a part of the calendar holds, such as a month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.schema.courses import calendar_range
from watchkeeper.stats.atoms import AtomsPart

__all__ = ["CalendarCourse", "calendar_course", "off_dates"]

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_AGREES = 0.9
_MONTHS = 12
_LONGEST = 366
"""Steps of a window after which it has all the parts of the calendar there are."""

_ZEROS = 400
"""Years, or days of the year, that counting may begin at."""


@dataclass(frozen=True, slots=True)
class CalendarCourse:
    """How a column of numbers follows the dates of its rows.

    Attributes
    ----------
    part
        Which part of a date it holds, as ``Schema.calendar`` names it.
    zero
        By how much it is larger than that part, counted round the clock; hours and weekdays may begin at 0 or at 1.
    months
        Of a season, which has no number of its own, the values it had in each month.
    """

    part: str
    zero: int = 0
    months: tuple[tuple[float, ...], ...] = ()

    def values(self, window: Window) -> frozenset[float]:
        """Return the numbers that rows of a window may have; none where that cannot be told."""
        if self.months:
            return frozenset(value for month in _parts("month", window) for value in self.months[month - 1])
        period, parts = _period(self.part), _parts(self.part, window)
        if not period:
            return frozenset(float(one + self.zero) for one in parts)
        places = {(one + self.zero) % period for one in parts}
        return frozenset(float(value) for value in range(period + 1) if value % period in places)


def calendar_course(windows: Sequence[State], part: str) -> CalendarCourse | None:
    """Return how a column follows the dates of the windows of a reference; None where nine of ten rows do not.

    A season is known by the months of a whole year.
    """
    held = [(state.key.window, state.parts.get("atoms")) for state in windows]
    known = [(w, atoms) for w, atoms in held if w is not None and isinstance(atoms, AtomsPart) and atoms.n]
    if part == "season":
        seen: list[set[float]] = [set() for _ in range(_MONTHS)]
        for window, atoms in known:
            for month in _parts("month", window):
                seen[month - 1].update(atoms.values.tolist())
        return CalendarCourse(part, months=tuple(tuple(sorted(one)) for one in seen)) if all(seen) else None
    period = _period(part)
    votes: dict[int, int] = {}
    rows = 0
    for window, atoms in known:
        rows += atoms.n
        parts = _parts(part, window)
        for value, count in zip(atoms.values.tolist(), atoms.counts.tolist(), strict=True):
            if value != round(value) or abs(value) > _ZEROS * 10:
                continue
            for zero in {(int(value) - one) % period if period else int(value) - one for one in parts}:
                votes[zero] = votes.get(zero, 0) + count
    best = max(votes, key=lambda zero: (votes[zero], -abs(zero)), default=None)
    return CalendarCourse(part, best) if best is not None and votes[best] >= _AGREES * rows else None


def off_dates(part: AtomsPart, values: frozenset[float]) -> int:
    """Return how many rows surely hold another number than those that their dates allow."""
    return int(part.counts[~np.isin(part.values, sorted(values))].sum())


def _period(part: str) -> int:
    """Return after how many a part begins anew; 0 where it never does."""
    span = calendar_range(part)
    return int(span[1]) if span is not None else 0


def _parts(part: str, window: Window) -> frozenset[int]:
    """Return the parts of all moments of a window."""
    step = {"hour": _HOUR, "minute": _MINUTE}.get(part, _DAY)
    last = window.end - timedelta(microseconds=1)
    steps = min(int((window.end - window.start) / step) + 1, _LONGEST)
    return frozenset(_part(part, min(window.start + number * step, last)) for number in range(steps)) | {
        _part(part, last)
    }


def _part(part: str, at: datetime) -> int:
    if part == "quarter":
        return (at.month - 1) // 3 + 1
    if part == "week":
        return at.isocalendar().week
    if part == "ordinal_day":
        return at.timetuple().tm_yday
    if part == "weekday":
        return at.isoweekday()
    return int(getattr(at, part))
