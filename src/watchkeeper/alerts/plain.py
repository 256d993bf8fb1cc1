"""Texts from outside, such as names of columns, made fit to be sent."""

from __future__ import annotations

__all__ = ["plain"]


def plain(text: str, most: int = 2_000) -> str:
    """Return a text in which control characters are shown and not obeyed, of at most ``most`` characters.

    Examples
    --------
    >>> plain("a" + chr(27) + "[2J", 100)
    'a\\\\x1b[2J'
    >>> plain("abcdef", 4)
    'abc…'
    """
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
