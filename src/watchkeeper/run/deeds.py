"""What is read of the recorded actions to decide about training: as much after years as after months."""

from __future__ import annotations

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.query import Query
from watchkeeper.core.store import Store

__all__ = ["deeds", "trainings"]

_KINDS = (ActionKind.RETRAIN, ActionKind.VALIDATE, ActionKind.REGISTER, ActionKind.PROMOTE, ActionKind.ROLL_BACK,
          ActionKind.ROLL_OUT)  # fmt: skip

_NEWEST = 300
"""Deeds that are read: far more than a cool-down, a freeze or a back-off looks at."""


def trainings(store: Store, model: str) -> list[Action]:
    """Return the newest actions that bear on training, oldest first; those that hold it are one for each fault."""
    return store.recorded(model, Action, Query(kinds=_KINDS, newest_first=True, limit=_NEWEST))[::-1]


def deeds(store: Store, model: str, champion: str | None) -> list[Action]:
    """Return the same with what registered the champion, however long ago that was."""
    newest = trainings(store, model)
    if champion is None or any(a.kind is ActionKind.REGISTER and a.version == champion for a in newest):
        return newest
    return [*store.recorded(model, Action, Query(kinds=(ActionKind.REGISTER,), versions=(champion,))), *newest]
