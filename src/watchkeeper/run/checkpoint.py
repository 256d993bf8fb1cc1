"""How far a model's log has been worked through, and what the charts remember at each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import zip_longest

import msgspec

from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.nouns import from_json

__all__ = ["Checkpoint"]

_POINTER = "place"

_EMPTY_AT_MOST = 4
"""Windows without a row that are judged after one with rows: enough to alert, without inventing years of silence."""


_LATENESSES = 20
"""Windows whose lateness is remembered: what a feed did half a year ago says little of today."""

_USUAL, _SPARE = 0.75, 1.5
"""Of the latenesses remembered the quantile that counts as usual, so that one outage does not, and how much more a
window waits."""

_LOOKED = 1.5
"""Lengths of a window since rows came last within which it is known when the next ones came."""

_LEAST = 10
"""A window waits for its rows at least one of so many parts of its length."""


class _Run(msgspec.Struct, array_like=True):
    """Judged windows one after the other that were measured again equally often and all had rows, or all had none."""

    first: Window
    windows: int
    revision: int
    filled: bool


class _Stored(msgspec.Struct, omit_defaults=True):
    cursor: str
    basis: str
    reference: str
    waiting: list[tuple[Window, bool]]
    judged: list[_Run]
    seen: datetime | None = None
    late: list[float] = []


@dataclass(frozen=True)
class Checkpoint:
    """How far a model's log has been worked through.

    Attributes
    ----------
    cursor
        The store's cursor up to which rows and labels have been summarised.
    basis
        What the stored states were made with: the columns, the segments and how time is cut.
    reference
        What the judged windows were compared with.
    waiting
        Windows to be judged, and whether new rows or labels are the reason; if not, an earlier window was.
    revisions
        Judged windows with the number of times they were measured again.
    filled
        Judged windows that had rows.
    seen
        The last run that rows or labels were new to.
    late
        How many seconds after their end the first rows of the newest windows had come, oldest first.
    """

    cursor: str = ""
    basis: str = ""
    reference: str = ""
    waiting: Mapping[Window, bool] = field(default_factory=dict)
    revisions: Mapping[Window, int] = field(default_factory=dict)
    filled: frozenset[Window] = frozenset()
    seen: datetime | None = None
    late: tuple[float, ...] = ()

    @cached_property
    def judged(self) -> frozenset[Window]:
        """The windows that were judged at least once."""
        return frozenset(self.revisions)

    @classmethod
    def load(cls, store: Store, model: str) -> Checkpoint:
        """Read the place from the store."""
        text = store.pointer(model, _POINTER)
        if not text:
            return cls()
        held = from_json(text, _Stored)
        judged = [(window, run) for run in held.judged for window in _windows_of(run)]
        return cls(
            held.cursor,
            held.basis,
            held.reference,
            dict(held.waiting),
            {window: run.revision for window, run in judged},
            frozenset(window for window, run in judged if run.filled),
            held.seen,
            tuple(held.late),
        )

    def based_on(self, basis: str, rule: WindowRule) -> Checkpoint:
        """Return the place for states made in this way: when they were made in another, all are to be made again."""
        if basis == self.basis:
            return self
        same = {w: revision for w, revision in self.revisions.items() if w == rule.window_of(w.start)}
        late = self.late if len(same) == len(self.revisions) else ()
        return Checkpoint("", basis, self.reference, {}, same, self.filled & same.keys(), None, late)

    def touch(self, cursor: str, windows: set[Window], reference: str, now: datetime | None = None) -> Checkpoint:
        """Return the place after new rows or labels arrived in ``windows``: they, and all judged after them, wait.

        All judged windows wait when the reference is another one than they were compared with.

        Parameters
        ----------
        now
            The moment of the run, to learn from how late the rows came; None to learn nothing.
        """
        late, seen = self.late, self.seen
        if now is not None and cursor != self.cursor:
            late, seen = (*late, *self._late(windows, now))[-_LATENESSES:], now
        waiting = {**self.waiting, **dict.fromkeys(windows, True)}
        if reference != self.reference:
            again = self.judged
        else:
            oldest = min(waiting, default=None)
            again = frozenset(w for w in self.judged if oldest is not None and w > oldest)
        waiting = {**dict.fromkeys(again, False), **waiting}
        return replace(self, cursor=cursor, reference=reference, waiting=waiting, seen=seen, late=late)

    def _late(self, windows: set[Window], now: datetime) -> list[float]:
        """Return how late the first rows of windows came, where that is known.

        Rows of a history that is taken in say nothing of how late rows come, and neither do those of a time in which
        nobody looked: what counts are windows that were waited for in vain, and those newer than any with rows where
        rows had come not much longer than a window's length ago.
        """
        newest = max((w.end for w in (*self.filled, *self.waiting)), default=None)
        if self.seen is None or newest is None:
            return []
        late = []
        for window in sorted(windows):
            missed = window in self.revisions and window not in self.filled
            looked = now - self.seen <= _LOOKED * (window.end - window.start)
            if missed or (window not in self.revisions and window.end > newest and looked):
                late.append(max(0.0, (now - window.end).total_seconds()))
        return late

    def grace(self, rule: WindowRule) -> timedelta:
        """Return how long after its end a window without rows is judged."""
        if rule.grace is not None:
            return rule.grace
        usual = sorted(self.late)[int(_USUAL * (len(self.late) - 1) + 0.5)] if self.late else 0.0
        return max(rule.every / _LEAST, timedelta(seconds=_SPARE * usual))

    def next_revision(self, window: Window) -> int:
        """Return how often a window that is to be judged was measured before."""
        again = 1 if self.waiting.get(window, True) else 0
        return max(0, self.revisions.get(window, -1) + again)

    def due(self, rule: WindowRule, now: datetime) -> list[Window]:
        """Return the windows to judge now, in order: those waiting, and those without rows in between and after them.

        A window without rows is due when its grace is over, or when one with rows after it is due.
        Of each silence the first few windows are judged: rows dated 1970 do not make half a century of alerts.
        """
        filled = sorted({*self.filled, *(w for w, new in self.waiting.items() if new)}, key=_start)
        waits, grace = rule.grace or timedelta(0), self.grace(rule)
        passed = max((w for w in filled if w.end + waits <= now), default=None)
        silent: list[Window] = []
        for window, following in zip_longest(filled, filled[1:]):
            ahead = Window(window.end, window.end + rule.every)
            for _ in range(_EMPTY_AT_MOST):
                over = ahead.end + grace <= now or (passed is not None and ahead < passed)
                if not over or (following is not None and ahead >= following):
                    break
                if ahead not in self.revisions and ahead not in self.waiting:
                    silent.append(ahead)
                ahead = Window(ahead.end, ahead.end + rule.every)
        return sorted((*(w for w in self.waiting if w.end + waits <= now), *silent), key=_start)

    def newest(self, windows: int) -> Window | None:
        """Return the time of so many newest judged windows, and of the newest with rows; None before the first."""
        if not self.revisions:
            return None
        judged = sorted(self.revisions)[-windows:]
        first = min(judged[0], max(self.filled, default=judged[0]))
        return Window(first.start, judged[-1].end)

    def before(self, window: Window) -> Window | None:
        """Return the newest judged window before ``window``."""
        return max((w for w in self.revisions if w.start < window.start), key=_start, default=None)

    def judge(self, window: Window, revision: int, filled: bool) -> Checkpoint:
        """Return the place after ``window`` was judged."""
        waiting = {w: new for w, new in self.waiting.items() if w != window}
        held = self.filled | {window} if filled else self.filled - {window}
        return replace(self, waiting=waiting, revisions={**self.revisions, window: revision}, filled=held)

    def moves(self, before: Checkpoint) -> dict[str, tuple[str | None, str | None]]:
        """Return the pointer move from ``before`` to this place; none where nothing changed."""
        return {} if before.text == self.text else {_POINTER: (before.text, self.text)}

    def save(self, store: Store, model: str, before: Checkpoint) -> Checkpoint:
        """Move the pointer from ``before`` to this place and return it."""
        moves = self.moves(before)
        if moves:
            store.record(model, [], moves)
        return self

    @cached_property
    def text(self) -> str | None:
        """The stored form; None for a place where nothing was read yet."""
        if not self.cursor and not self.waiting and not self.revisions:
            return None
        waiting = sorted(self.waiting.items(), key=lambda item: item[0].start)
        held = _Stored(self.cursor, self.basis, self.reference, waiting, self._runs(), self.seen, list(self.late))
        return msgspec.json.encode(held).decode()

    def _runs(self) -> list[_Run]:
        runs: list[_Run] = []
        end, length = None, timedelta(0)
        for window in sorted(self.revisions, key=_start):
            revision, filled = self.revisions[window], window in self.filled
            last = runs[-1] if runs else None
            along = window.start == end and window.end - window.start == length
            if last is not None and along and (revision, filled) == (last.revision, last.filled):
                last.windows += 1
            else:
                runs.append(_Run(window, 1, revision, filled))
            end, length = window.end, window.end - window.start
        return runs


def _windows_of(run: _Run) -> list[Window]:
    start, length = run.first.start, run.first.end - run.first.start
    return [Window(start + number * length, start + (number + 1) * length) for number in range(run.windows)]


def _start(window: Window) -> datetime:
    return window.start
