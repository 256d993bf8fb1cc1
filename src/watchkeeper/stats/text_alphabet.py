"""What each character is, by its Unicode category: the same for every language."""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLASSES", "MARK", "SOLO", "SPACE", "SYMBOL", "WORD", "classes_of", "parts_of", "token_starts"]

CLASSES = (
    "upper case", "other letters", "upper case beyond ASCII", "other letters beyond ASCII", "digits", "punctuation",
    "symbols beyond ASCII", "white space", "control and unknown",
)  # fmt: skip
"""Classes of characters; every character is in one of them."""

SPACE, SYMBOL, WORD, SOLO, MARK = range(5)
"""Parts that characters play in tokens: none, a token alone, a letter or digit of a word, a word alone, a mark."""

_KNOWN = 0x20000
"""Code points that are looked up; those above are rare ideographs."""

_SOLO = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (_KNOWN, _KNOWN),
)  # fmt: skip
"""Scripts that write no space between words: Thai, Lao, Burmese, Khmer, kana and ideographs."""

_REPLACEMENT = 0xFFFD


def _class(code: int, category: str) -> int:
    foreign = code > 127
    if category[0] in "LM":
        return (2 if foreign else 0) + (category not in ("Lu", "Lt"))
    if category[0] == "N":
        return 4
    if category[0] == "Z" or 9 <= code <= 13:
        return 7
    if category[0] == "C" or code == _REPLACEMENT:
        return 8
    # Typographic quotes and dashes are punctuation of every language; U+2010 to U+203A and the CJK ones.
    spelt = not foreign or 0x2010 <= code <= 0x203A or 0x3001 <= code <= 0x301F or code in (0xA1, 0xAB, 0xBB, 0xBF)
    return 5 if category[0] == "P" and spelt else 6 if foreign else 5


def _part(category: str) -> int:
    if category[0] == "M":
        return MARK
    if category[0] in "LN":
        return WORD
    return SYMBOL if category[0] in "PS" else SPACE


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    categories = [unicodedata.category(chr(code)) for code in range(_KNOWN)] + ["Lo"]
    classes = np.array([_class(code, category) for code, category in enumerate(categories)], np.uint8)
    parts = np.array([_part(category) for category in categories], np.uint8)
    for first, last in _SOLO:
        span = parts[first : last + 1]
        span[span == WORD] = SOLO
    return classes, parts


def classes_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the class of each code point as its place in ``CLASSES``; shape as ``codes``."""
    return _tables()[0].take(codes, mode="clip")


def parts_of(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the part each code point plays in a token; shape as ``codes``."""
    return _tables()[1].take(codes, mode="clip")


def token_starts(parts: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a token begins, given the part that each character plays; shape as ``parts``.

    A token is a run of letters, digits and the marks on them; a symbol is a token of its own, and so is each letter of
    a script without spaces between words.
    """
    before = np.empty_like(parts)
    before[:1] = SPACE
    before[1:] = parts[:-1]
    inside = (before == WORD) | (before == MARK)
    starts: NDArray[np.bool_] = (parts == SYMBOL) | (parts == SOLO) | ((parts == WORD) & ~inside)
    starts |= (parts == MARK) & ((before == SPACE) | (before == SYMBOL))
    return starts
