"""What the dates of rows say that a part of the calendar holds, such as a month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.schema.courses import calendar_range
from watchkeeper.stats.atoms import AtomsPart

__all__ = ["CalendarCourse", "calendar_course", "off_dates"]

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_AGREES = 0.9
_MONTHS, _PARTED, _QUARTERS, _LOST = 12, 2, 4, 0.25
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

    def shares(self, window: Window) -> dict[float, float]:
        """Return the numbers that rows of a window may have, and up to which share of them; none where unknown.

        Where a window holds two parts of the calendar, as at the end of a month, a quarter at least of the days of
        either must have rows; where it holds more, nothing is said of shares.
        """
        if self.months:
            return dict.fromkeys((value for month in _parts("month", window) for value in self.months[month - 1]), 1.0)
        period, moments = _period(self.part), _moments(self.part, window)
        count = Counter((one + self.zero) % period if period else one + self.zero for one in moments)
        lost = {place: _LOST * (1 - n / len(moments)) if len(count) <= _PARTED else 0.0 for place, n in count.items()}
        share = {place: 1 - part for place, part in lost.items()}
        if not period:
            return {float(place): part for place, part in share.items()}
        return {float(value): share[value % period] for value in range(period + 1) if value % period in share}


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


def off_dates(part: AtomsPart, shares: Mapping[float, float]) -> int:
    """Return how many rows surely hold another number than those that their dates allow, or one of them too often."""
    held = zip(part.values.tolist(), part.counts.tolist(), strict=True)
    return int(sum(max(0.0, count - shares.get(value, 0.0) * part.n) for value, count in held))


def _period(part: str) -> int:
    """Return after how many a part begins anew; 0 where it never does."""
    span = calendar_range(part)
    return int(span[1]) if span is not None else 0


def _parts(part: str, window: Window) -> frozenset[int]:
    return frozenset(_moments(part, window))


def _moments(part: str, window: Window) -> list[int]:
    """Return the part of each quarter of a day of a window; of an hour or minute where it is one of these."""
    step = {"hour": _HOUR, "minute": _MINUTE}.get(part, _DAY)
    quarters = min(int(_QUARTERS * (window.end - window.start) / step), _QUARTERS * _LONGEST)
    return [_part(part, window.start + number * step / _QUARTERS) for number in range(max(quarters, 1))]


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
