"""The rules of pointers, which all stores share."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.errors import StoreError
from watchkeeper.store.audit import HEAD

__all__ = ["Moves", "check_moves", "conflict"]

_LONGEST = 60

Moves = Mapping[str, tuple[str | None, str | None]]
"""By name, what a pointer must hold and what it shall hold."""


def check_moves(moves: Moves) -> None:
    """Refuse to move the pointer that the audit chain moves itself.

    Raises
    ------
    StoreError
        When it is among them.
    """
    if HEAD in moves:
        raise StoreError(f"the pointer {HEAD!r} is moved by the audit chain itself; choose another name")


def conflict(model: str, name: str, old: str | None, held: str | None) -> str:
    """Return the message of a pointer that does not hold what it should."""
    return (
        f"pointer {name!r} of model {model!r} holds {_cut(held)!r}, not {_cut(old)!r}: somebody else moved it first, "
        f"such as another run at the same time; nothing was written; read it again and decide anew"
    )


def _cut(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
