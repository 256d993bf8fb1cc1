"""The form in which statistics see a column of vectors, such as embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError

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
    """

    rows: int
    nulls: int
    x: NDArray[np.float64]

    @classmethod
    def of(cls, series: pl.Series) -> Vectors:
        """Return the block of a column of lists or arrays of numbers.

        Raises
        ------
        SchemaError
            When the vectors differ in length.
        """
        known = series.drop_nulls()
        lengths = known.cast(pl.List(pl.Float64)).list.len()
        found = sorted(set(lengths.to_list()))
        if len(found) > 1:
            told = f"{found[0]} to {found[-1]} numbers"
            raise SchemaError(f"the vectors of column {series.name!r} have {told}; all must have the same length")
        d = int(lengths[0]) if len(lengths) else 0
        x = known.cast(pl.List(pl.Float64)).explode().to_numpy().reshape(len(known), d) if d else np.empty((0, 0))
        x = x[np.isfinite(x).all(axis=1)] if d else x
        return cls(len(series), len(series) - len(x), np.ascontiguousarray(x, np.float64))
