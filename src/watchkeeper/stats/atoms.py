"""Values of a numeric column that carry much of its mass by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import BLOCK, Numbers, NumberSource
from watchkeeper.stats.word_counts import WordCounts

__all__ = ["Atoms", "AtomsPart"]

_CAP = 256
_HEAVY_BIN = 0.004
_STRIDE = 17  # prime, so that rows in a daily or hourly cycle do not fall between
_FEW = 1_024
_MANY = 3 * BLOCK // 4
"""Rows of a block of which one in 17 shows a value that holds 1 % of them at least twice, but for once in 100,000."""


@dataclass(frozen=True, slots=True)
class AtomsPart:
    """Candidate values in increasing order with their counts, and the number of finite rows.

    Attributes
    ----------
    values
        float64, strictly increasing, shape (k,), k ≤ 256.
    counts
        int64, shape (k,); each short of the true count by less than 1 % of ``n``.
    n
        Finite rows seen.
    """

    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    n: int = 0

    def heavy(self, share: float = 0.01) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the values that hold more than ``share`` of the rows, and their counts."""
        keep = self.counts > share * self.n
        return self.values[keep], self.counts[keep]


def _merged(values: list[NDArray[np.float64]], counts: list[NDArray[np.int64]], n: int, cap: int = _CAP) -> AtomsPart:
    merged, place = np.unique(np.concatenate(values), return_inverse=True)
    total = np.zeros(len(merged), np.int64)
    np.add.at(total, place, np.concatenate(counts))
    if len(merged) > cap:
        keep = np.sort(np.lexsort((merged, -total))[:cap])
        merged, total = merged[keep], total[keep]
    return AtomsPart(merged, total, n)


class _Work:
    def __init__(self) -> None:
        self.before = AtomsPart()
        self.source: NumberSource | None = None
        self.n = 0
        self.words: WordCounts | None = None
        self.dense = np.empty(0, np.int64)

    def add(self, block: Numbers) -> None:
        if block.source is not self.source:
            self.before = self.part()
            self.source, self.n, self.words = block.source, 0, WordCounts()
        self.n += len(block.x)
        keys = block.keys
        if self.words is not None:
            words = block.x.view(np.uint64)
            # A few rows show that a column is continuous.
            if self.words.add(words[:_FEW], keys[:_FEW]) and self.words.add(words[_FEW:], keys[_FEW:]):
                return
            self.dense, self.words = self.words.counts, None
        # In a full block crowded bins show in every 17th row; which values crowd them is read off the column later.
        stride = _STRIDE if len(keys) >= BLOCK // 2 else 1
        np.add.at(self.dense, keys[::stride], stride)

    def part(self) -> AtomsPart:
        if self.source is None or not self.n:
            return self.before
        found = self._whole(self.words) if self.words is not None else self._crowded(self.source)
        return Atoms().merge(self.before, found) if self.before.n else found

    def _whole(self, counted: WordCounts) -> AtomsPart:
        """Return the values of a column in which each bin holds one value."""
        words, _, counts = counted.found()
        kept = counts >= max(1.0, _HEAVY_BIN * self.n)
        return _merged([words[kept].view(np.float64)], [counts[kept]], self.n)

    def _crowded(self, source: NumberSource) -> AtomsPart:
        """Read the column again and count the values that lie in crowded bins."""
        seen = int(self.dense.sum())
        # A value that holds 1 % crowds its bin to 1 %, less what the sampling of rows may hide.
        share = max(_HEAVY_BIN, 0.01 - 5.0 * sqrt(0.01 * _STRIDE / seen))
        crowded = self.dense >= max(1.0, share * seen)
        if not crowded.any():
            return AtomsPart(n=self.n)
        values: list[NDArray[np.float64]] = []
        counts: list[NDArray[np.int64]] = []
        for block in source.blocks():
            inside = block.x.take(crowded[block.keys].nonzero()[0])
            repeated, times = _repeated(inside, 1 if self.n > _CAP else 0, sampled=len(block.x) >= _MANY)
            values.append(repeated)
            counts.append(times)
            if sum(map(len, values)) > 64 * _CAP:
                part = _merged(values, counts, self.n, 16 * _CAP)
                values, counts = [part.values], [part.counts]
        return _merged(values, counts, self.n)


def _repeated(x: NDArray[np.float64], over: int, *, sampled: bool) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Count the values that come more often than ``over``; ``sampled``, those that one row in 17 shows twice."""
    if sampled and len(x) > _STRIDE * _STRIDE:
        seen, times = np.unique(x[::_STRIDE], return_counts=True)
        often = seen[times > 1]
        if len(often) <= _STRIDE:
            return often, np.array([np.count_nonzero(x == value) for value in often], np.int64)
    repeated, times = np.unique(x, return_counts=True)
    return repeated[times > over], times[times > over]


class Atoms:
    """Exact counts of values that repeat, so that zeros, defaults and whole numbers are not smeared over bins.

    A value is looked for where a bin of the universal histogram holds .4 % of the rows of a batch or more (towards
    .8 % in a million rows); its count is short by less than 1 % of the rows. At most 256 values are kept, the
    commonest ones.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "atoms"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Numbers,)
    part_type: ClassVar[type] = AtomsPart
    whole_only: ClassVar[bool] = True
    error: ClassVar[float] = 0.01

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return column.kind in (Kind.NUMERIC, Kind.TIME)

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: AtomsPart, b: AtomsPart) -> AtomsPart:
        """Add the counts of equal values."""
        return _merged([a.values, b.values], [a.counts, b.counts], a.n + b.n)

    def result(self, part: AtomsPart) -> dict[float, int]:
        """Return the values that hold more than 1 % of the rows with their counts."""
        values, counts = part.heavy()
        return dict(zip(values.tolist(), counts.tolist(), strict=True))
