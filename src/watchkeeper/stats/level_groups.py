"""Counts of groups of levels, exact however many levels there are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import Levels
from watchkeeper.stats.hashing import hash_texts

__all__ = ["GROUPS", "LevelGroups", "LevelGroupsPart", "group_of"]

GROUPS = 256
"""Groups that levels are put into by their hash."""

Counts = NDArray[np.int64]


def group_of(names: pl.Series) -> NDArray[np.intp]:
    """Return the group of each level, shape (len(names),)."""
    return _group(hash_texts(names))


def _group(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    return (hashes & np.uint64(GROUPS - 1)).astype(np.intp)


def _none() -> Counts:
    return np.zeros(GROUPS, np.int64)


@dataclass(frozen=True, slots=True)
class LevelGroupsPart:
    """Rows by the group of their level, int64, shape (256,)."""

    counts: Counts = field(default_factory=_none)


class _Work:
    def __init__(self) -> None:
        self.counts = _none()

    def add(self, block: Levels) -> None:
        if len(block.names):
            found = np.bincount(_group(block.hashes), block.counts, minlength=GROUPS)
            self.counts = self.counts + found.astype(np.int64)

    def part(self) -> LevelGroupsPart:
        return LevelGroupsPart(self.counts)


class LevelGroups:
    """Rows in each of 256 groups of levels, by the hash of the level.

    Counts of single levels are kept up to a thousand; the commonest thousand of more are not the same from sample to
    sample, and look commoner than they are. Groups are: every level falls into the same one whatever else there is, so
    a distance between their shares is unbiased, if coarser. Exact.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "level_groups"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Levels,)
    part_type: ClassVar[type] = LevelGroupsPart

    def applies(self, column: Column) -> bool:
        """Categorical columns."""
        return column.kind is Kind.CATEGORICAL

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: LevelGroupsPart, b: LevelGroupsPart) -> LevelGroupsPart:
        """Add the counts."""
        return LevelGroupsPart(a.counts + b.counts)

    def result(self, part: LevelGroupsPart) -> Counts:
        """Return the counts."""
        return part.counts
