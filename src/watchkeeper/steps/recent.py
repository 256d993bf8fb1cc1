"""What the last windows held beyond the reference, from window to window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from watchkeeper.compare.recent import Recent, Seen, newly_seen
from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.schema.courses import calendar_range
from watchkeeper.stats.moments import MomentsPart

__all__ = ["of_calendar", "recent_before", "recent_within", "with_window"]

_WINDOWS = 8
"""Windows that a range runs with."""

States = Mapping[tuple[str, str], State]


def recent_before(recent: Mapping[str, Recent], window: Window, every: timedelta) -> dict[str, Recent]:
    """Return what the eight windows before one held beyond the reference."""
    since = window.start - _WINDOWS * every
    kept = {
        column: tuple(one for one in seen if one.start is not None and since <= one.start < window.start)
        for column, seen in recent.items()
    }
    return {column: seen for column, seen in kept.items() if seen}


def of_calendar(
    schema: Schema, reference: States, current: States, rates: Mapping[str, UsualRates]
) -> dict[str, Recent]:
    """Return the numbers that parts of the calendar may have now, whatever part of a year the reference covers.

    A month lies between 0 and 12, and years go on with the times of the rows. Where the windows of the reference tell
    how a column follows its dates, it may have only the numbers that the dates of the window allow.
    """
    passed, rows = _years_passed(schema, reference, current), _window_of_rows(schema, current)
    found: dict[str, Recent] = {}
    for name, part in schema.calendar:
        span = calendar_range(part)
        state = reference.get((ALL, name))
        own = state.parts.get("moments") if state else None
        if span is None and passed is not None and isinstance(own, MomentsPart) and own.n:
            span = own.largest + min(passed, 0), own.largest + max(passed, 0)
        own_rates = rates.get(name)
        course = own_rates.course if own_rates else None
        dates = tuple(course.shares(rows).items()) if course and rows else ()
        lower, upper = span or (None, None)
        found |= {name: (Seen(None, lower, upper, dates=dates),)} if span or dates else {}
    return found


def _window_of_rows(schema: Schema, current: States) -> Window | None:
    """Return the window under judgement, or that from the oldest to the newest of rows that are judged together."""
    window = next((state.key.window for state in current.values() if state.key.window is not None), None)
    state = current.get((ALL, schema.name_of(Role.TIME) or ""))
    times = state.parts.get("moments") if state else None
    if window is not None or not isinstance(times, MomentsPart) or not times.n:
        return window
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (times.smallest, times.largest))
    return Window(first, last + timedelta(microseconds=1))


def _years_passed(schema: Schema, reference: States, current: States) -> int | None:
    """Return by how many the year of the newest row is after that of the reference's newest."""
    place = ALL, schema.name_of(Role.TIME) or ""
    times = (side[place].parts.get("moments") if place in side else None for side in (reference, current))
    known = [part.largest for part in times if isinstance(part, MomentsPart) and part.n]
    if len(known) < 2:
        return None
    before, now = (datetime.fromtimestamp(moment, UTC).year for moment in known)
    return now - before


def with_window(
    recent: Mapping[str, Recent], reference: States, current: States, signals: Iterable[Signal], window: Window
) -> dict[str, Recent]:
    """Return the same with a window that was judged; levels of a column at fault do not become known ones."""
    faulty = {s.measurement.column for s in signals if s.fired and s.measurement.name in _NEW_LEVELS}
    found = dict(recent)
    for (segment, column), state in current.items():
        before = reference.get((segment, column))
        if segment != ALL or before is None:
            continue
        own = found.get(column, ())
        seen = newly_seen(before, state, own, window.start, trusted=column not in faulty)
        if seen != Seen(window.start):
            found[column] = (*own, seen)
    return found


def recent_within(pieces: Mapping[StateKey, State], reference: States) -> dict[str, Recent]:
    """Return how far the values of rows that are judged together moved on beyond the reference, window by window.

    Levels are not told from a fault that way, so that all are new.
    """
    found: dict[str, Recent] = {}
    for key in sorted((k for k in pieces if k.window is not None and k.segment == ALL), key=lambda k: str(k.window)):
        before, state, own = reference.get((ALL, key.column)), pieces[key], found.get(key.column, ())
        start = key.window.start if key.window else None
        if before is not None:
            seen = newly_seen(before, state, own, start, trusted=False)
            found |= {key.column: (*own, seen)} if seen != Seen(start) else {}
    return found


_NEW_LEVELS = frozenset({"unseen_levels", "encoding_change"})
