"""The rules of pointers, which all stores share."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.errors import StoreError
from watchkeeper.store.audit import HEAD

__all__ = ["CHANGES", "Moves", "check_moves", "conflict"]

_LONGEST = 60

CHANGES = "alerts"
"""The pointer that counts how often alerts were recorded otherwise than before."""

Moves = Mapping[str, tuple[str | None, str | None]]
"""By name, what a pointer must hold and what it shall hold."""


def check_moves(moves: Moves) -> None:
    """Refuse to move the pointers that the store moves itself.

    Raises
    ------
    StoreError
        When one is among them.
    """
    for name, moved_by in ((HEAD, "the audit chain"), (CHANGES, "recording alerts")):
        if name in moves:
            raise StoreError(f"the pointer {name!r} is moved by {moved_by} itself; choose another name")


def conflict(model: str, name: str, old: str | None, held: str | None) -> str:
    """Return the message of a pointer that does not hold what it should."""
    return (
        f"pointer {name!r} of model {model!r} holds {_cut(held)!r}, not {_cut(old)!r}: somebody else moved it first, "
        f"such as another run at the same time; nothing was written; read it again and decide anew"
    )


def _cut(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
