"""The form in which statistics see a column of free text: whole texts, and their characters in one array."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.text_alphabet import parts_of, token_starts

__all__ = ["MOST_CHARACTERS", "Texts"]

MOST_CHARACTERS = 4_096
"""Characters at the start of a text that are looked at one by one; its length counts all of them."""

_ROWS = 16_384
_CHARACTERS = 1 << 16


@dataclass(frozen=True)
class Texts:
    """Rows of a column of free text.

    Attributes
    ----------
    rows, nulls
        Number of rows, and of them null.
    texts
        The texts that are there, in order, shape (rows - nulls,).
    """

    rows: int
    nulls: int
    texts: pl.Series

    @classmethod
    def of(cls, series: pl.Series) -> Texts:
        """Return the block of a column."""
        known = to_text(series).drop_nulls()
        return cls(len(series), len(series) - len(known), known)

    @classmethod
    def blocks(cls, series: pl.Series) -> Iterator[Texts]:
        """Cut a column into blocks of about 65,000 characters, so that memory stays bounded."""
        if not len(series):
            yield cls.of(series)
        start = 0
        while start < len(series):
            piece = series.slice(start, _ROWS)
            sizes = np.minimum(to_text(piece).str.len_bytes().fill_null(0).to_numpy(), 4 * MOST_CHARACTERS)
            fit = max(1, int(np.searchsorted(np.cumsum(sizes, dtype=np.int64), _CHARACTERS, side="right")))
            yield cls.of(piece.slice(0, fit))
            start += min(fit, len(piece))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters of each text, all of them, shape (rows - nulls,)."""
        return self.texts.str.len_chars().to_numpy().astype(np.int64)

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Code points of all texts one after the other, each closed by a line feed.

        Of a text the first ``MOST_CHARACTERS`` are there.
        """
        if not len(self.texts):
            return np.empty(0, np.uint32)
        cut = self.texts.str.head(MOST_CHARACTERS) if int(self.lengths.max()) > MOST_CHARACTERS else self.texts
        return np.frombuffer(("\n".join(cut.to_list()) + "\n").encode("utf-32-le"), np.uint32)

    @cached_property
    def row(self) -> NDArray[np.int32]:
        """The text that each of ``codes`` belongs to, its line feed included."""
        lengths = np.minimum(self.lengths, MOST_CHARACTERS) + 1
        return np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)

    @cached_property
    def parts(self) -> NDArray[np.uint8]:
        """The part that each of ``codes`` plays in a token."""
        return parts_of(self.codes)

    @cached_property
    def starts(self) -> NDArray[np.bool_]:
        """Where among ``codes`` a token begins."""
        return token_starts(self.parts)
