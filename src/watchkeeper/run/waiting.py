"""Stored windows that are to be summarised and judged again though no row came to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchkeeper.core.store import SetsAside, Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.again import AGAIN
from watchkeeper.store.nouns import from_json

__all__ = ["Waiting"]

_SEEN = "quarantine"


@dataclass(frozen=True)
class Waiting:
    """Windows from which rows were removed, and those that rows in quarantine are filed under.

    Attributes
    ----------
    moves
        What the store's pointers hold, and shall hold once the windows wait in the checkpoint.
    """

    windows: frozenset[Window] = frozenset()
    moves: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)

    @classmethod
    def load(cls, store: Store, model: str, rule: WindowRule) -> Waiting:
        """Read which windows wait."""
        text, seen = store.pointer(model, AGAIN), store.pointer(model, _SEEN)
        windows = set(from_json(text, list[Window])) if text else set[Window]()
        moves: dict[str, tuple[str | None, str | None]] = {AGAIN: (text, None)} if text else {}
        if isinstance(store, SetsAside):
            aside = store.set_aside(model)
            last = int(seen) if seen and seen.isdigit() else -1
            new = aside.filter(aside["arrival"] > last)
            windows |= {rule.grain_of(moment) for moment in new["filed"].unique()}
            if not new.is_empty():
                moves[_SEEN] = (seen, str(aside["arrival"].max()))
        return cls(frozenset(windows), moves)

    def done(self, store: Store, model: str) -> None:
        """Know that the windows wait in the checkpoint."""
        if self.moves:
            store.record(model, [], self.moves)
