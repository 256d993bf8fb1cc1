"""Stable 64-bit hashes of numbers and texts: the same on every machine, version and run."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["hash_numbers", "hash_texts", "mix"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_PIECE = 8_192


def mix(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit words so that every output bit depends on every input bit; shape as ``h``."""
    h = h ^ (h >> _HALF)
    h *= _MIX
    h ^= h >> _HALF
    h *= _MIX
    h ^= h >> _HALF
    return h


def hash_numbers(x: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash 64-bit numbers by their bits; shape (n,)."""
    words = np.ascontiguousarray(x).view(np.uint64)
    hashes = np.empty_like(words)
    for start in range(0, len(words), _PIECE):
        hashes[start : start + _PIECE] = mix(words[start : start + _PIECE] * _GOLDEN)
    return hashes


def _table() -> NDArray[np.uint64]:
    words = np.arange(1, 256 * 256 + 1, dtype=np.uint64)
    return mix(mix(words * _GOLDEN)).reshape(256, 256)


_TABLE = _table()


def hash_texts(series: pl.Series) -> NDArray[np.uint64]:
    """Hash texts (no nulls) by tabulation over their UTF-8 bytes; uint64, shape (len(series),).

    h = mix(length·φ + Σ_j T[j mod 256, byte_j]) with a fixed table T.

    References
    ----------
    Pătraşcu and Thorup (2012), The power of simple tabulation hashing, doi:10.1145/2220357.2220361.
    """
    lengths = series.str.len_bytes().to_numpy().astype(np.int64)
    total = int(lengths.sum())
    sums = np.zeros(len(lengths), np.uint64)
    if total:
        data = np.frombuffer("".join(series.to_list()).encode(), np.uint8)
        ends = np.cumsum(lengths)
        starts = ends - lengths
        position = np.arange(total) - np.repeat(starts, lengths)
        words = _TABLE[position & 255, data]
        filled = lengths > 0
        sums[filled] = np.add.reduceat(words, starts[filled])
    return mix(sums + lengths.astype(np.uint64) * _GOLDEN)
