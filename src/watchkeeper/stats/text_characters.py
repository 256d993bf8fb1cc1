"""Of which classes of characters texts are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.text_alphabet import CLASSES, classes_of
from watchkeeper.stats.texts import MOST_CHARACTERS, Texts

__all__ = ["TextCharacters", "TextCharactersPart"]

_K = len(CLASSES)
_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
"""What Windows-1252 makes of the bytes 0x80 to 0x9F."""


def _zeros() -> NDArray[np.float64]:
    return np.zeros(_K)


@dataclass(frozen=True, slots=True)
class TextCharactersPart:
    """Over the texts, sums of the share that each class has in a text.

    Attributes
    ----------
    texts
        Number of texts.
    sums, squares
        Σ and Σ² of the shares, float64, shape (len(CLASSES),). An empty text has the share 0 in each.
    damaged
        Texts with a trace of a wrong encoding.
    """

    texts: int = 0
    sums: NDArray[np.float64] = field(default_factory=_zeros)
    squares: NDArray[np.float64] = field(default_factory=_zeros)
    damaged: int = 0


def _follows() -> NDArray[np.bool_]:
    table = np.zeros(0x2200, bool)
    table[0x80:0xC0] = True
    table[[ord(character) for character in _CP1252]] = True
    return table


_FOLLOWS = _follows()


def _traces(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return where the encoding was damaged.

    Where UTF-8 was read as Latin-1 or Windows-1252, a leading byte 0xC2 to 0xF4 is followed by a continuation byte.
    Where a byte could not be read there is U+FFFD. The codes 0x80 to 0x9F stand for nothing in a text.
    """
    found: NDArray[np.bool_] = (codes == 0xFFFD) | ((codes >= 0x80) & (codes < 0xA0) & (codes != 0x85))
    leads = (codes[:-1] >= 0xC2) & (codes[:-1] <= 0xF4)
    if leads.any():
        at = np.flatnonzero(leads)
        found[at] |= _FOLLOWS[np.minimum(codes[at + 1], len(_FOLLOWS) - 1)]
    return found


class _Work:
    def __init__(self) -> None:
        self.texts = self.damaged = 0
        self.sums, self.squares = _zeros(), _zeros()

    def add(self, block: Texts) -> None:
        n = len(block.texts)
        if not n:
            return
        codes, row = block.codes, block.row
        counts = np.bincount(row * np.int32(_K) + classes_of(codes), minlength=n * _K).reshape(n, _K)
        counts[:, classes_of(codes[-1:])] -= 1  # the line feed that closes each text
        shares = counts / np.maximum(np.minimum(block.lengths, MOST_CHARACTERS), 1)[:, None]
        self.texts += n
        self.sums = self.sums + shares.sum(axis=0)
        self.squares = self.squares + (shares * shares).sum(axis=0)
        if codes.max() > 127:
            self.damaged += len(np.unique(row[_traces(codes)]))

    def part(self) -> TextCharactersPart:
        return TextCharactersPart(self.texts, self.sums, self.squares, self.damaged)


class TextCharacters:
    """Mean share of each class of characters in a text, by Unicode category; exact.

    Every text counts alike, whatever its length; of a long one the first 4,096 characters are read. A text is
    damaged when it holds U+FFFD, a control code from 0x80 to 0x9F, or two neighbours that UTF-8 read as Latin-1 or
    Windows-1252 leaves behind. The categories are those of the Unicode version of the running Python.

    References
    ----------
    The Unicode Standard, 4.5 General Category, https://www.unicode.org/versions/latest/.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "text_characters"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Texts,)
    part_type: ClassVar[type] = TextCharactersPart

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: TextCharactersPart, b: TextCharactersPart) -> TextCharactersPart:
        """Add the sums."""
        return TextCharactersPart(a.texts + b.texts, a.sums + b.sums, a.squares + b.squares, a.damaged + b.damaged)

    def result(self, part: TextCharactersPart) -> dict[str, float]:
        """Return the mean share of each class, and the share of texts whose encoding is damaged."""
        n = part.texts or float("nan")
        return {**dict(zip(CLASSES, (part.sums / n).tolist(), strict=True)), "damaged": part.damaged / n}
