"""How far a model's log has been worked through, and what the charts remember at each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.run.steps import Watch

__all__ = ["Place"]

_POINTER = "place"


class _Stored(msgspec.Struct):
    cursor: str
    waiting: list[tuple[Window, bool]]
    judged: list[tuple[Window, int, bool]]


@dataclass(frozen=True)
class Place:
    """How far a model's log has been worked through.

    Attributes
    ----------
    cursor
        The store's cursor up to which rows and labels have been summarised.
    waiting
        Windows to be judged, and whether new rows or labels are the reason; if not, an earlier window was.
    revisions
        Judged windows with the number of times they were measured again.
    filled
        Judged windows that had rows.
    """

    cursor: str = ""
    waiting: Mapping[Window, bool] = field(default_factory=dict)
    revisions: Mapping[Window, int] = field(default_factory=dict)
    filled: frozenset[Window] = frozenset()

    @property
    def judged(self) -> frozenset[Window]:
        """The windows that were judged at least once."""
        return frozenset(self.revisions)

    @classmethod
    def load(cls, store: Store, model: str) -> Place:
        """Read the place from the store."""
        text = store.pointer(model, _POINTER)
        if not text:
            return cls()
        held = msgspec.json.decode(text, type=_Stored)
        return cls(
            held.cursor,
            dict(held.waiting),
            {window: revision for window, revision, _ in held.judged},
            frozenset(window for window, _, filled in held.judged if filled),
        )

    def touch(self, cursor: str, windows: set[Window]) -> Place:
        """Return the place after new rows or labels arrived in ``windows``: they, and all judged after them, wait."""
        waiting = {**self.waiting, **dict.fromkeys(windows, True)}
        oldest = min((w for w in waiting if w in self.judged), default=None)
        if oldest is not None:
            waiting = {**{w: False for w in self.judged if w > oldest}, **waiting}
        return replace(self, cursor=cursor, waiting=waiting)

    def judge(self, window: Window, revision: int, filled: bool) -> Place:
        """Return the place after ``window`` was judged."""
        waiting = {w: new for w, new in self.waiting.items() if w != window}
        held = self.filled | {window} if filled else self.filled - {window}
        return replace(self, waiting=waiting, revisions={**self.revisions, window: revision}, filled=held)

    def moves(self, before: Place) -> dict[str, tuple[str | None, str | None]]:
        """Return the pointer move from ``before`` to this place; none where nothing changed."""
        old = before.text()
        return {} if old == self.text() else {_POINTER: (old, self.text())}

    def save(self, store: Store, model: str, before: Place) -> Place:
        """Move the pointer from ``before`` to this place and return it."""
        moves = self.moves(before)
        if moves:
            store.record(model, [], moves)
        return self

    def text(self) -> str | None:
        """Return the stored form; None for a place where nothing was read yet."""
        if not self.cursor and not self.waiting and not self.revisions:
            return None
        judged = [(w, self.revisions[w], w in self.filled) for w in sorted(self.revisions)]
        return msgspec.json.encode(_Stored(self.cursor, sorted(self.waiting.items()), judged)).decode()

    @staticmethod
    def watch(store: Store, model: str, window: Window | None) -> Watch:
        """Return what judging remembered after ``window``; nothing before the first."""
        text = store.pointer(model, _name(window)) if window else None
        return msgspec.json.decode(text, type=Watch) if text else Watch()

    @staticmethod
    def watch_moves(store: Store, model: str, window: Window, watch: Watch) -> dict[str, tuple[str | None, str | None]]:
        """Return the pointer move that stores what judging remembers after ``window``."""
        name, text = _name(window), msgspec.json.encode(watch).decode()
        old = store.pointer(model, name)
        return {} if old == text else {name: (old, text)}


def _name(window: Window) -> str:
    return f"watch/{window.start.isoformat()}"
