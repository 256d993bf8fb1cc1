"""Text as files and databases can hold it."""

from __future__ import annotations

__all__ = ["text_of"]


def text_of(text: str) -> str:
    r"""Return text that can be written as UTF-8: half a character of UTF-16 becomes its number.

    Examples
    --------
    >>> text_of("caf\udce9")
    'caf\\udce9'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
