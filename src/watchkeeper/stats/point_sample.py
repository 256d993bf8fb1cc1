"""A uniform sample of points: all features of a row, or a vector."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.joint import Joint, JointSource
from watchkeeper.stats.row_identity import STEP
from watchkeeper.stats.vectors import Vectors

__all__ = ["PointSample", "PointSamplePart"]


@dataclass(frozen=True, slots=True)
class PointSamplePart:
    """The points of the rows with the smallest hashes, as many as the statistic keeps, in the order of their hashes.

    Attributes
    ----------
    rows
        Rows seen in all.
    hashes
        uint64, strictly increasing, shape (k,).
    x
        Numeric features in their own units, NaN where there is none, or vectors; float64, shape (k, d).
    levels
        Categorical and boolean features of the same rows as text; without columns for vectors.
    names
        The d numeric features; empty for vectors.
    by_id
        Whether rows were told apart by ids, so that one that comes twice is one row.
    """

    rows: int = 0
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    x: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    levels: pl.DataFrame = field(default_factory=pl.DataFrame)
    names: tuple[str, ...] = ()
    by_id: bool = False


class _Work:
    def __init__(self, sample: PointSample) -> None:
        self._sample, self._size = sample, sample.size
        self.kept = PointSamplePart()
        self._source: JointSource | None = None
        self._hashes = np.empty(0, np.uint64)
        self._rows = np.empty(0, np.intp)
        self._seen = 0

    def add(self, block: Joint | Vectors) -> None:
        if isinstance(block, Vectors):
            hashes = block.hashes
            chosen = _smallest(hashes, self._size)
            taken = block.x[chosen]
            fresh = PointSamplePart(len(hashes), hashes[chosen], taken, by_id=block.identity is not None)
            self.kept = self._sample.merge(self.kept, fresh)
            return
        if block.source is not self._source:
            self._gather()
            self._source = block.source
        # Rows are only gathered when their source is used up: most of those chosen first are pushed out again.
        hashes = block.hashes
        limit = self._hashes[-1] if len(self._hashes) == self._size else np.uint64(2**64 - 1)
        below = np.flatnonzero(hashes <= limit)
        both = np.concatenate([self._hashes, hashes[below]])
        chosen = _smallest(both, self._size)
        self._rows = np.concatenate([self._rows, below + block.start])[chosen]
        self._hashes = both[chosen]
        self._seen += len(hashes)

    def _gather(self) -> None:
        source = self._source
        if source is None or not self._seen:
            return
        names, x = self._sample.numbers(source, self._rows)
        levels = source.levels(self._rows)
        fresh = PointSamplePart(self._seen, self._hashes, x, levels, names, source.by_id)
        self.kept = self._sample.merge(self.kept, fresh)
        self._hashes, self._rows, self._seen = np.empty(0, np.uint64), np.empty(0, np.intp), 0

    def part(self) -> PointSamplePart:
        self._gather()
        return self.kept


def _smallest(hashes: NDArray[np.uint64], size: int) -> NDArray[np.intp]:
    if len(hashes) > 4 * size:
        low = np.flatnonzero(hashes <= np.partition(hashes, 2 * size)[2 * size])
        distinct, first = np.unique(hashes[low], return_index=True)
        if len(distinct) >= size:
            return low[first[:size]]
    return np.unique(hashes, return_index=True)[1][:size]


def _counted_on(known: NDArray[np.uint64], more: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Move the hashes of points that equal known ones on to the next that are free."""
    again = np.isin(more, known)
    if not again.any():
        return more
    found, step = more.copy(), int(STEP)
    taken = {*known.tolist(), *more[~again].tolist()}
    after: dict[int, int] = {}
    for place in np.flatnonzero(again).tolist():
        free, passed = int(more[place]), []
        while free in taken:
            passed.append(free)
            free = after.get(free, (free + step) % 2**64)
        found[place] = free
        taken.add(free)
        after.update(dict.fromkeys(passed, (free + step) % 2**64))
    return found


class PointSample:
    """Bottom-k sample of points by the hash of the row they came from: uniform, mergeable, in no order's debt.

    It holds what needs single points: distances between kernels and classifiers that tell two sides apart. Rows are
    told apart by their id; in a log without ids by their numbers and, among equal ones, by how many came before.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "point_sample"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Joint, Vectors)
    part_type: ClassVar[type] = PointSamplePart
    optional: ClassVar[bool] = True
    size: ClassVar[int] = 1_000

    def applies(self, column: Column) -> bool:
        """All features together, and vectors."""
        return column.kind in (Kind.JOINT, Kind.VECTOR)

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work(self)

    def numbers(self, source: JointSource, rows: NDArray[np.intp]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return what is kept of some rows as numbers: d names and float64 of shape (rows, d)."""
        return tuple(column.name for column in source.columns), source.numbers(rows)

    def merge(self, a: PointSamplePart, b: PointSamplePart) -> PointSamplePart:
        """Keep the smallest hashes of both; StateError when features or lengths of vectors differ."""
        if not len(a.hashes) or not len(b.hashes):
            one = a if len(a.hashes) else b
            by_id = one.by_id if len(one.hashes) else a.by_id or b.by_id
            return PointSamplePart(a.rows + b.rows, one.hashes, one.x, one.levels, one.names, by_id)
        if a.names != b.names or a.levels.columns != b.levels.columns:
            left, right = ([*part.names, *part.levels.columns] for part in (a, b))
            raise StateError(f"samples of {', '.join(left)} and of {', '.join(right)} do not belong together")
        if a.x.shape[1] != b.x.shape[1]:
            raise StateError(f"vectors of {a.x.shape[1]} and of {b.x.shape[1]} numbers do not belong together")
        by_id = a.by_id and b.by_id
        other = b.hashes if by_id else _counted_on(a.hashes, b.hashes)
        hashes, first = np.unique(np.concatenate([a.hashes, other]), return_index=True)
        chosen = first[: self.size]
        levels = pl.concat([a.levels, b.levels])[chosen] if a.levels.width else a.levels
        x = np.concatenate([a.x, b.x])[chosen]
        return PointSamplePart(a.rows + b.rows, hashes[: self.size], x, levels, a.names, by_id)

    def result(self, part: PointSamplePart) -> pl.DataFrame:
        """Return the points as a frame; the numbers of vectors are called by their place."""
        names = part.names or tuple(str(place) for place in range(part.x.shape[1]))
        numbers = pl.DataFrame(dict(zip(names, part.x.T, strict=True)))
        return pl.concat([numbers, part.levels], how="horizontal") if part.levels.width else numbers
