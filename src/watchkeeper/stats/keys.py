"""Keys for caches of what is learnt from a part of a state."""

from __future__ import annotations

from typing import Any

__all__ = ["ContentKey", "IdentityKey"]


class IdentityKey:
    """Stands for an immutable object in a cache: equal to nothing but itself."""

    __slots__ = ("held",)

    def __init__(self, *held: Any) -> None:
        self.held = held

    def __hash__(self) -> int:
        """Return the identity of what is held."""
        return hash(tuple(id(one) for one in self.held))

    def __eq__(self, other: object) -> bool:
        """Return whether the very same objects are held."""
        return isinstance(other, IdentityKey) and all(a is b for a, b in zip(self.held, other.held, strict=True))


class ContentKey:
    """Stands for what an object holds: equal to every other with the same content, such as one that was read again.

    Parameters
    ----------
    held
        The object.
    content
        All that it holds, or a digest of it.
    """

    __slots__ = ("content", "held")

    def __init__(self, held: Any, content: bytes) -> None:
        self.held, self.content = held, content

    def __hash__(self) -> int:
        """Return the hash of the content."""
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        """Return whether the content is the same."""
        return isinstance(other, ContentKey) and self.content == other.content
