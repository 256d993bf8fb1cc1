"""What the last windows held that the reference did not: a range that grows, levels that came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from watchkeeper.compare.stretches import sole_value
from watchkeeper.compare.value_range import ROOM, ValueRange, extent, value_range
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["Recent", "RecentAware", "Seen", "last_levels", "last_range", "newly_seen", "stretch_with"]

_LEVELS = 200
"""New levels of a window that are remembered, the commonest."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a column held in one window beyond what the reference holds.

    Attributes
    ----------
    start
        Of the window.
    lower, upper
        The values that lie near enough to what was seen before them; None where they lie inside of the reference.
    levels
        Levels that the reference lacks.
    value, stretch
        The one value of all rows as text, and in how many windows in a row there was no other; empty where there is.
    dates
        The only numbers that the dates of the rows allow, of a part of the calendar, and up to which share of the rows;
        empty where any may be.
    """

    start: datetime | None = None
    lower: float | None = None
    upper: float | None = None
    levels: tuple[str, ...] = ()
    value: str = ""
    stretch: int = 0
    dates: tuple[tuple[float, float], ...] = ()


Recent = tuple[Seen, ...]


@runtime_checkable
class RecentAware(Protocol):
    """A comparison with a reference that runs with the last windows."""

    def compare_recent(self, reference: State, current: State, recent: Recent) -> Measurement:
        """Return the measurement, as ``compare`` does, by the reference and by what was seen since."""


def last_range(recent: Iterable[Seen]) -> ValueRange | None:
    """Return the range of what was seen beyond the reference; None where nothing was."""
    ends = [end for one in recent for end in (one.lower, one.upper) if end is not None]
    return ValueRange(min(ends), max(ends)) if ends else None


def last_levels(recent: Iterable[Seen]) -> set[str]:
    """Return the levels that were seen beyond those of the reference."""
    return {name for one in recent for name in one.levels}


def newly_seen(reference: State, current: State, recent: Recent, start: datetime | None, *, trusted: bool) -> Seen:
    """Return what a window holds beyond the reference.

    Parameters
    ----------
    trusted
        Whether its new levels are no fault.
    """
    if reference.problem or current.problem:
        return Seen(start)
    value = _sole(current)
    length = stretch_with(value, current.key.window, recent)
    return replace(_new(reference, current, recent, start, trusted=trusted), value=value or "", stretch=length)


def stretch_with(value: str | None, window: Window | None, recent: Recent) -> int:
    """Return in how many windows in a row up to this one all rows hold one value; 0 where this one has several."""
    if value is None or window is None:
        return 0
    before = window.start - (window.end - window.start)
    return 1 + max((one.stretch for one in recent if one.start == before and one.value == value), default=0)


def _sole(state: State) -> str | None:
    levels, atoms = state.parts.get("levels"), state.parts.get("atoms")
    if isinstance(levels, LevelsPart):
        return sole_value(levels.as_dict(), levels.n)
    if isinstance(atoms, AtomsPart) and atoms.n:
        heaviest = int(atoms.counts.argmax()) if len(atoms.counts) else 0
        held = {f"{float(atoms.values[heaviest]):.15g}": int(atoms.counts[heaviest])} if len(atoms.counts) else {}
        return sole_value(held, atoms.n)
    return None


def _new(reference: State, current: State, recent: Recent, start: datetime | None, *, trusted: bool) -> Seen:
    p, q = reference.parts.get("histogram"), current.parts.get("histogram")
    if isinstance(p, HistogramPart) and isinstance(q, HistogramPart) and q.n:
        return _range_seen(p, q, recent, start)
    before, now = reference.parts.get("levels"), current.parts.get("levels")
    if trusted and isinstance(before, LevelsPart) and isinstance(now, LevelsPart) and not before.other:
        known = set(before.names)
        return Seen(start, levels=tuple(name for name in now.as_dict() if name not in known)[:_LEVELS])
    return Seen(start)


def _range_seen(p: HistogramPart, q: HistogramPart, recent: Recent, start: datetime | None) -> Seen:
    own = value_range(p)
    if own is None:
        return Seen(start)
    inside = extent(q, own.joined(last_range(recent)).widened(ROOM))
    if inside is None:
        return Seen(start)
    lower = inside.lower if inside.lower < own.lower else None
    return Seen(start, lower, inside.upper if inside.upper > own.upper else None)
