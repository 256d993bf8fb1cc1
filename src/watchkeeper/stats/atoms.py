"""Values of a numeric column that carry much of its mass by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import BLOCK, KEYS, Numbers, NumberSource

__all__ = ["Atoms", "AtomsPart"]

_CAP = 256
_HEAVY_BIN = 0.004
_STRIDE = 16


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
        self.dense = np.zeros(KEYS, np.int64)

    def add(self, block: Numbers) -> None:
        if block.source is not self.source:
            self.before = self.part()
            self.source, self.n = block.source, 0
            self.dense[:] = 0
        self.n += len(block.x)
        # In a full block crowded bins show in every 16th row; which values crowd them is read off the column later.
        stride = _STRIDE if len(block.x) == BLOCK else 1
        np.add.at(self.dense, block.keys[::stride], stride)

    def part(self) -> AtomsPart:
        if self.source is None or not self.n:
            return self.before
        crowded = self.dense >= max(1.0, _HEAVY_BIN * self.dense.sum())
        found = _read_again(self.source, crowded, self.n) if crowded.any() else AtomsPart(n=self.n)
        return Atoms().merge(self.before, found) if self.before.n else found


def _read_again(source: NumberSource, crowded: NDArray[np.bool_], n: int) -> AtomsPart:
    """Count the values that lie in crowded bins."""
    values: list[NDArray[np.float64]] = []
    counts: list[NDArray[np.int64]] = []
    sample = np.empty(KEYS)
    pure = True
    for block in source.blocks():
        keys, x = block.keys, block.x
        if pure:
            # Where all values of a bin equal one sample of it, counting keys is counting values.
            sample[keys] = x
            pure = np.array_equal(sample[keys], x)
        if pure:
            counted = np.bincount(keys, minlength=KEYS)
            found = np.flatnonzero(crowded & (counted > 0))
            values.append(sample[found])
            counts.append(counted[found])
        else:
            inside = x[crowded[keys]]
            # Sorting is dear, and pointless where even 1/16 of the rows shows no value twice.
            if len(inside) < _STRIDE * _CAP or _repeats(inside[::_STRIDE]):
                repeated, times = np.unique(inside, return_counts=True)
                often = times > 1 if n > _CAP else times > 0
                values.append(repeated[often])
                counts.append(times[often])
        if sum(map(len, values)) > 64 * _CAP:
            part = _merged(values, counts, n, 16 * _CAP)
            values, counts = [part.values], [part.counts]
    return _merged(values, counts, n) if values else AtomsPart(n=n)


def _repeats(x: NDArray[np.float64]) -> bool:
    ordered = np.sort(x)
    return bool((ordered[1:] == ordered[:-1]).any())


class Atoms:
    """Exact counts of values that repeat, so that zeros, defaults and whole numbers are not smeared over bins.

    A value is looked for where a bin of the universal histogram holds .4 % of the rows of a batch or more; its count
    is short by less than 1 % of the rows. At most 256 values are kept, the commonest ones.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "atoms"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Numbers,)
    part_type: ClassVar[type] = AtomsPart
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
