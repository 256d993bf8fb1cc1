"""The form in which statistics see a column of free text."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from watchkeeper.stats.blocks import to_text

__all__ = ["Texts"]


@dataclass(frozen=True, slots=True)
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
