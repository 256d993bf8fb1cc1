"""What tells one row of a log from another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import has_column, series_named
from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.hashing import hash_numbers, hash_texts, mix

__all__ = ["STEP", "hash_points", "id_hashes", "row_hashes"]

STEP = np.uint64(0x9E3779B97F4A7C15)
"""Between the hashes of equal points: 2^64 over the golden ratio, whose multiples spread evenly."""


def id_hashes(frame: pl.DataFrame, schema: Schema) -> NDArray[np.uint64] | None:
    """Hash the id of each row, shape (rows,); None for a log without ids."""
    name = schema.name_of(Role.ID)
    if not name or name not in frame.columns:
        return None
    ids = series_named(frame, name)
    if ids.dtype.is_integer():
        return hash_numbers(ids.fill_null(0).cast(pl.Int64, wrap_numerical=True).to_numpy())
    return hash_texts(to_text(ids).fill_null(""))


def row_hashes(frame: pl.DataFrame, schema: Schema, row_numbers: NDArray[np.int64] | None = None) -> NDArray[np.uint64]:
    """Hash the id of each row; in a log without ids, its position and its first number; shape (rows,).

    Parameters
    ----------
    row_numbers
        Rows of the table before each of these, shape (rows,); None where the frame is the table.
    """
    hashes = id_hashes(frame, schema)
    if hashes is not None:
        return hashes
    place = np.arange(frame.height, dtype=np.int64) if row_numbers is None else row_numbers.copy()
    for column in schema:
        if column.kind is Kind.NUMERIC and has_column(frame, column.name) and frame[column.name].dtype.is_numeric():
            numbers = series_named(frame, column.name)
            numbers = numbers if numbers.dtype == pl.Float64 else numbers.cast(pl.Float64)
            place ^= (numbers.fill_null(0.0) if numbers.null_count() else numbers).to_numpy().view(np.int64)
            break
    return hash_numbers(place)


def hash_points(numbers: Iterable[NDArray[np.float64]], rows: int) -> NDArray[np.uint64]:
    """Hash points by their numbers, and by how many equal ones came before.

    The same points give the same hashes however they are cut into batches, but for equal ones: the j-th of them has
    h + j·STEP, and where two batches meet the later one has to count on.

    Parameters
    ----------
    numbers
        One array of shape (rows,) for each coordinate.

    Returns
    -------
    ndarray
        uint64, shape (rows,).
    """
    found = np.zeros(rows, np.uint64)
    for coordinate in numbers:
        found = mix(found ^ hash_numbers(coordinate))
    if not rows:
        return found
    order = np.argsort(found, kind="stable")
    ordered = found[order]
    place = np.arange(rows)
    first = np.r_[True, ordered[1:] != ordered[:-1]]
    earlier = np.empty(rows, np.uint64)
    earlier[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return np.asarray(found + earlier * STEP)
