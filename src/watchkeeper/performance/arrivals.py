"""How the labels of a model have come in so far, and what is to be expected of the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, sqrt

from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.performance.prediction import LabelCoverage
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.label_delay import LabelDelayPart

__all__ = ["Arrivals", "LabelRegime", "Overdue", "coverage_of", "wait_of"]

_KEPT = 120
"""Windows that are remembered."""

_POOLED = 8
_FEWEST = 4
_LEAST_ROWS = 50
_LEAST_LABELS = 30
_RECENT = 30
_LEVEL = 0.02
"""Difference of two shares of labelled rows that is none."""

_NEAR = 0.9
_QUARTILE = 0.75
_TAIL = 0.95


@dataclass(frozen=True, slots=True)
class LabelRegime:
    """What is usual of labels.

    Attributes
    ----------
    share
        Share of rows that get a label in the end; None where nothing tells.
    wait
        Seconds within which 95 % of the labels come; None where nothing tells.
    lag
        Windows after which nearly all labels of one are in.
    """

    share: float | None = None
    wait: float | None = None
    lag: int = 0

    def until(self, window: Window | None) -> datetime | None:
        """Return when nearly all labels of a window will be in; None where nothing tells."""
        known = window is not None and self.wait is not None
        return window.end + timedelta(seconds=self.wait) if known and window and self.wait is not None else None


@dataclass(frozen=True, slots=True)
class Overdue:
    """A window whose labels should have come and have not.

    Attributes
    ----------
    start, due
        When the window began, and when nearly all its labels should have come, in seconds since 1970.
    share, usual
        Share of its rows with a label, and what is usual.
    """

    start: float
    due: float
    share: float
    usual: float
    rows: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many labels the last windows have, as they were when each was judged last; oldest first.

    Attributes
    ----------
    starts
        Seconds since 1970.
    rows, labelled
        Rows, and those of them with a label.
    waits
        Seconds within which 95 % of the labels that are there came; -1 where that is not known.
    """

    starts: tuple[float, ...] = ()
    rows: tuple[int, ...] = ()
    labelled: tuple[int, ...] = ()
    waits: tuple[float, ...] = ()

    def after(self, outcome: State) -> Arrivals:
        """Return the same with a window that was judged; one without rows, time or labels to wait for tells nothing."""
        window, counted = outcome.key.window, coverage_of(outcome)
        if counted is None or window is None:
            return self
        rows, share = counted
        wait = wait_of(outcome)
        return Arrivals(
            (*self.starts, window.start.timestamp())[-_KEPT:],
            (*self.rows, rows)[-_KEPT:],
            (*self.labelled, round(share * rows))[-_KEPT:],
            (*self.waits, -1.0 if wait is None else wait)[-_KEPT:],
        )

    def regime(self, every: timedelta, reference: State | None = None) -> LabelRegime:
        """Return what is usual, from the windows so far; from the reference where they are too few to tell.

        Of windows that are older than labels take, the last eight tell the share. Where no label has a time, windows
        tell it whose share does not rise with their age, or else those that have most.
        """
        wait = self._wait(None if reference is None else wait_of(reference))
        lag = 0 if wait is None else ceil(wait / every.total_seconds())
        known = None if reference is None else coverage_of(reference)
        usual = known[1] if known and known[1] else None
        own = self._share(lag) if wait is not None else self._level()
        return LabelRegime(usual if own is None else own, wait, lag)

    def overdue(self, every: timedelta, now: Window, reference: State | None = None) -> Overdue | None:
        """Return the newest window whose labels should be in by the end of another, if too many lack.

        Nothing is overdue where no label has a time: nobody knows how long they take.
        """
        regime = self.regime(every, reference)
        if regime.wait is None:
            return None
        takes = every.total_seconds() + regime.wait
        latest = now.end.timestamp() - takes
        place = next((k for k in reversed(range(len(self.starts))) if self.starts[k] <= latest), None)
        if place is None:
            return None
        before = Arrivals(self.starts[:place], self.rows[:place], self.labelled[:place], self.waits[:place])
        usual, rows = before.regime(every, reference).share, self.rows[place]
        if usual is None or rows < _LEAST_ROWS:
            return None
        share = self.labelled[place] / rows
        lacking = share < _NEAR * usual - _room(usual, rows)
        return Overdue(self.starts[place], self.starts[place] + takes, share, usual, rows) if lacking else None

    def _wait(self, usual: float | None) -> float | None:
        known = sorted(wait for wait in self.waits[-_RECENT:] if wait >= 0)
        own = known[min(int(_QUARTILE * len(known)), len(known) - 1)] if known else None
        if own is None or usual is None:
            return usual if own is None else own
        return own if len(known) >= _POOLED else max(own, usual)

    def _share(self, lag: int) -> float | None:
        """Return the share of labelled rows of the last windows that are older than ``lag`` windows."""
        end = len(self.rows) - lag
        return self._pooled(range(max(0, end - _POOLED), max(0, end)))

    def _level(self) -> float | None:
        n = len(self.rows)
        if n < _POOLED:
            return None
        older, newer = (self._pooled(range(n - k, n - k + _FEWEST)) for k in (2 * _FEWEST, _FEWEST))
        if older is None or newer is None:
            return None
        rows = sum(self.rows[-_POOLED:]) / 2
        if abs(older - newer) <= _LEVEL + _room(older, rows / 2) and newer > 0:
            return self._pooled(range(n - _POOLED, n))
        blocks = [self._pooled(range(k, k + _FEWEST)) for k in range(max(0, n - _RECENT), n - _FEWEST + 1)]
        return max((share for share in blocks if share is not None), default=None) if n >= _RECENT else None

    def _pooled(self, places: Sequence[int]) -> float | None:
        rows = sum(self.rows[k] for k in places)
        if len(places) < _FEWEST or rows < _LEAST_ROWS:
            return None
        return sum(self.labelled[k] for k in places) / rows or None


def _room(share: float, rows: float) -> float:
    return Z * sqrt(max(0.0, share * (1 - share)) / max(rows, 1.0))


def coverage_of(outcome: State) -> tuple[int, float] | None:
    """Return the rows and the share of them with a label; None without rows or labels to wait for."""
    found = LabelCoverage().measure(outcome)
    return None if found.value is None or not found.n else (found.n, found.value)


def wait_of(outcome: State) -> float | None:
    """Return the seconds within which 95 % of the labels came; None for fewer than 30 with times."""
    delays = outcome.parts.get("label_delay")
    return delays.quantile(_TAIL) if isinstance(delays, LabelDelayPart) and delays.n >= _LEAST_LABELS else None
