"""What tells one row of a log from another."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.hashing import hash_numbers, hash_texts, mix

__all__ = ["hash_vectors", "row_hashes"]

_LOOKED_AT = 3


def row_hashes(frame: pl.DataFrame, schema: Schema) -> NDArray[np.uint64]:
    """Hash the id of each row; without ids its place in the frame, its time and its first three numbers.

    Returns
    -------
    ndarray
        uint64, shape (rows,).
    """
    name = schema.name_of(Role.ID)
    if name and name in frame.columns:
        ids = frame[name]
        if ids.dtype.is_integer():
            return hash_numbers(ids.fill_null(0).cast(pl.Int64, wrap_numerical=True).to_numpy())
        return hash_texts(to_text(ids).fill_null(""))
    words = np.arange(frame.height, dtype=np.int64)
    found = hash_numbers(words)
    for series in _telling(frame, schema):
        found = mix(found ^ series.to_physical().cast(pl.Float64).fill_null(0.0).to_numpy().view(np.uint64))
    return found


def _telling(frame: pl.DataFrame, schema: Schema) -> list[pl.Series]:
    known = [(column, frame[column.name]) for column in schema if column.name in frame.columns]
    times = [series for column, series in known if column.kind is Kind.TIME and series.dtype.is_temporal()]
    numbers = [series for column, series in known if column.kind is Kind.NUMERIC and series.dtype.is_numeric()]
    return [*times[:1], *numbers[:_LOOKED_AT]]


def hash_vectors(x: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Hash vectors by their numbers and by how many equal ones came before; shape (n,) for x of shape (n, d)."""
    found = np.zeros(len(x), np.uint64)
    for numbers in np.ascontiguousarray(x.T):
        found = mix(found ^ hash_numbers(numbers))
    order = np.argsort(found, kind="stable")
    ordered = found[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.empty(0, bool)
    starts = np.maximum.accumulate(np.where(first, np.arange(len(ordered)), 0)) if len(ordered) else first
    earlier = np.empty(len(x), np.int64)
    earlier[order] = np.arange(len(ordered)) - starts
    return np.where(earlier > 0, mix(found ^ hash_numbers(earlier)), found)
