"""The form in which statistics see a column of vectors, such as embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.stats.row_identity import hash_points

__all__ = ["Vectors"]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Rows of a column of vectors.

    Attributes
    ----------
    rows, nulls
        Number of rows, and of them without a whole finite vector.
    x
        The vectors that are there, float64, shape (rows - nulls, d).
    known
        The row that each of them came from, shape (rows - nulls,).
    identity
        A 64-bit hash of the identity of every row, shape (rows,); None where rows have none.
    """

    rows: int
    nulls: int
    x: NDArray[np.float64]
    known: NDArray[np.intp]
    identity: NDArray[np.uint64] | None = None

    @property
    def hashes(self) -> NDArray[np.uint64]:
        """A 64-bit hash of the identity of each row with a vector, or of the vector itself, shape (rows - nulls,)."""
        return hash_points(self.x.T, len(self.x)) if self.identity is None else self.identity[self.known]

    @classmethod
    def of(cls, series: pl.Series, identity: NDArray[np.uint64] | None = None) -> Vectors:
        """Return the block of a column of lists or arrays of numbers.

        Raises
        ------
        SchemaError
            When the vectors differ in length.
        """
        there = series.is_not_null()
        lists = series.filter(there).cast(pl.List(pl.Float64))
        found = lists.list.len().unique().sort()
        if len(found) > 1:
            told = f"{found[0]} to {found[-1]} numbers"
            raise SchemaError(f"the vectors of column {series.name!r} have {told}; all must have the same length")
        d = int(found[0]) if len(found) else 0
        x = lists.explode().to_numpy().reshape(len(lists), d) if d else np.empty((0, 0))
        known = np.flatnonzero(there.to_numpy()) if d else np.empty(0, np.intp)
        whole = np.isfinite(x).all(axis=1)
        if not whole.all():
            x, known = x[whole], known[whole]
        return cls(len(series), len(series) - len(x), np.ascontiguousarray(x, np.float64), known, identity)
