"""Which values were seen how often: exact up to a cap, then for a sample of the values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import callable_series
from watchkeeper.core.errors import SchemaError
from watchkeeper.schema.kinds import type_name
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.hashing import hash_numbers, hash_texts, mix

__all__ = ["VALUES", "Seen", "hash_values"]

VALUES = 1 << 20
"""Distinct values that are kept one by one."""

_PIECE = 65_536
_STEP = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True, slots=True)
class Seen:
    """Distinct values by their 64-bit hashes, with how often each came.

    A value is kept when its hash is below 2^(64 - level). Level 0 keeps them all; the level rises by one whenever
    more than ``VALUES`` of them would be kept, which halves the share of the values that is looked at. The counts of
    the values that are kept are exact, and which are kept does not depend on the order of rows or merges. That two of
    a million values share a hash has a probability of 3e-8.

    Attributes
    ----------
    hashes, counts
        uint64 strictly increasing, and int64, shape (k,), k ≤ ``VALUES``.
    rows
        Rows seen in all.
    level
        One value in 2^level is kept.

    References
    ----------
    Gibbons (2001), Distinct sampling for highly-accurate answers to distinct values queries, VLDB, 541-550.
    """

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    rows: int = 0
    level: int = 0

    @classmethod
    def of(cls, hashes: NDArray[np.uint64]) -> Seen:
        """Return the values of rows."""
        distinct, counts = np.unique(hashes, return_counts=True)
        return _below(distinct, counts.astype(np.int64), len(hashes), 0)

    def merge(self, other: Seen) -> Seen:
        """Return the values of both."""
        if not other.rows or not self.rows:
            return self if self.rows else other
        joined = np.concatenate([self.hashes, other.hashes])
        distinct, place = np.unique(joined, return_inverse=True)
        counts = np.zeros(len(distinct), np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, other.counts]))
        return _below(distinct, counts, self.rows + other.rows, max(self.level, other.level))

    @property
    def surplus(self) -> int:
        """Rows beyond the first of each value: exact at level 0, else an estimate that is 0 only if none was seen."""
        return int((self.counts - 1).sum()) << self.level

    def repeated(self) -> NDArray[np.uint64]:
        """Return the hashes of the values that came more than once."""
        return self.hashes[self.counts > 1]


def _below(hashes: NDArray[np.uint64], counts: NDArray[np.int64], rows: int, level: int) -> Seen:
    while True:
        if level:
            kept = int(np.searchsorted(hashes, np.uint64(1 << (64 - level))))
            hashes, counts = hashes[:kept], counts[:kept]
        if len(hashes) <= VALUES:
            return Seen(hashes, counts, rows, level)
        level += 1


def hash_values(frame: pl.DataFrame) -> NDArray[np.uint64]:
    """Hash each row over all columns, the same on every machine; a null equals a null.

    Raises
    ------
    SchemaError
        When a column holds nested values.
    """
    total = np.zeros(frame.height, np.uint64)
    for series in map(callable_series, frame.iter_columns()):
        total = mix(total * _STEP + _hashed(series)) if frame.width > 1 else _hashed(series)
    return total


def _hashed(series: pl.Series) -> NDArray[np.uint64]:
    dtype = series.dtype
    if dtype.is_nested() or dtype == pl.Object:
        raise SchemaError(f"column {series.name!r} holds {type_name(dtype)}, where single values were expected")
    lost = series.is_null()
    if dtype.is_float():
        # Adding zero makes -0.0 and 0.0 one value.
        hashes = hash_numbers(series.fill_null(0.0).cast(pl.Float64).to_numpy() + 0.0)
    elif dtype.is_integer() or dtype.is_temporal() or dtype == pl.Boolean:
        whole = series.to_physical().cast(pl.Int64, wrap_numerical=True).fill_null(0)
        hashes = hash_numbers(whole.to_numpy())
    else:
        texts = to_text(series).fill_null("")
        pieces = [hash_texts(texts.slice(start, _PIECE)) for start in range(0, len(texts), _PIECE)]
        hashes = np.concatenate(pieces) if pieces else np.empty(0, np.uint64)
    if lost.any():
        hashes = hashes.copy()
        hashes[lost.to_numpy()] = _NULL
    return hashes
