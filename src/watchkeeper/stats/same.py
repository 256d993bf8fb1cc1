"""A key for caches of what is learnt from a part of a state."""

from __future__ import annotations

from typing import Any

__all__ = ["Same"]


class Same:
    """Stands for an immutable object in a cache: equal to nothing but itself."""

    __slots__ = ("held",)

    def __init__(self, *held: Any) -> None:
        self.held = held

    def __hash__(self) -> int:
        """Return the identity of what is held."""
        return hash(tuple(id(one) for one in self.held))

    def __eq__(self, other: object) -> bool:
        """Return whether the very same objects are held."""
        return isinstance(other, Same) and all(a is b for a, b in zip(self.held, other.held, strict=True))
