"""Half-open windows of event time, always in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchkeeper.core.errors import UsageError

__all__ = ["Window", "WindowRule", "parse_duration"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(text: str) -> timedelta:
    """Read a duration such as ``30m``, ``6h``, ``1d`` or ``2w``.

    Raises
    ------
    UsageError
        When the text is no positive whole number followed by s, m, h, d or w.
    """
    match = re.fullmatch(r"\s*([1-9]\d{0,5})\s*([smhdw])\s*", text)
    if not match:
        raise UsageError(f"duration {text!r} is not understood. Valid: a whole number and s, m, h, d or w, such as 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The half-open interval ``[start, end)`` of event time.

    Parameters
    ----------
    start, end
        Aware datetimes; stored in UTC. ``start`` belongs to the window, ``end`` does not.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise UsageError("a window needs datetimes with a time zone")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise UsageError(f"a window must end after it starts: [{self.start}, {self.end})")

    def __contains__(self, moment: object) -> bool:
        return isinstance(moment, datetime) and self.start <= moment < self.end

    def __str__(self) -> str:
        midnight = all(t.time().isoformat() == "00:00:00" for t in (self.start, self.end))
        if not midnight:
            return f"{self.start:%Y-%m-%dT%H:%M:%SZ}/{self.end:%Y-%m-%dT%H:%M:%SZ}"
        if self.end - self.start == timedelta(days=1):
            return f"{self.start:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%d}/{self.end:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How event time is cut: states are kept per ``grain``, judgements are made per ``every``.

    Parameters
    ----------
    every
        Length of a judged window; a whole multiple of ``grain``.
    grain
        Length of the window of a stored state.
    origin
        A moment at which a window starts; by default Monday, 1 January 1601, so that weeks start on Monday.
    grace
        How long after its end a window is judged; None to judge one with rows at its end, and one without rows when
        its rows would have come, as far as can be learned from how late they came before.
    """

    every: timedelta = timedelta(days=1)
    grain: timedelta = timedelta(days=1)
    origin: datetime = datetime(1601, 1, 1, tzinfo=UTC)
    grace: timedelta | None = None

    def __post_init__(self) -> None:
        if self.grace is not None and self.grace < timedelta(0):
            raise UsageError(f"grace ({self.grace}) cannot be negative: a window is judged once it has ended")
        if self.grain <= timedelta(0) or self.every % self.grain:
            raise UsageError(f"a judged window ({self.every}) must be a whole multiple of the grain ({self.grain})")

    def grain_of(self, moment: datetime) -> Window:
        """Return the stored window that holds ``moment``."""
        return self._floor(moment, self.grain)

    def window_of(self, moment: datetime) -> Window:
        """Return the judged window that holds ``moment``."""
        return self._floor(moment, self.every)

    def grains(self, window: Window) -> Iterator[Window]:
        """Return the stored windows that make up ``window``."""
        start = self.grain_of(window.start).start
        while start < window.end:
            yield Window(start, start + self.grain)
            start += self.grain

    def _floor(self, moment: datetime, length: timedelta) -> Window:
        start = self.origin + (moment - self.origin) // length * length
        return Window(start, start + length)
