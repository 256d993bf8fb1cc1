"""Counts of the values of a categorical column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import Levels

__all__ = ["CAP", "LevelCounts", "LevelsPart"]

CAP = 1_000
"""Levels that are kept one by one; the rarest beyond that are counted together."""


@dataclass(frozen=True, slots=True)
class LevelsPart:
    """Levels in alphabetical order with their counts, and the rows of levels that were not kept.

    Attributes
    ----------
    names
        The levels as text.
    counts
        int64, shape (len(names),).
    other
        Rows of levels beyond the cap; 0 means that every count is exact.
    """

    names: tuple[str, ...] = ()
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    other: int = 0

    @property
    def n(self) -> int:
        """Rows that carry a level."""
        return int(self.counts.sum()) + self.other

    def as_dict(self) -> dict[str, int]:
        """Return level → count, commonest first."""
        order = np.argsort(-self.counts, kind="stable")
        return {self.names[i]: int(self.counts[i]) for i in order}


def _capped(found: dict[str, int], other: int) -> LevelsPart:
    names = sorted(found)
    if len(names) > CAP:
        kept = sorted(names, key=lambda name: (-found[name], name))[:CAP]
        other += sum(found.values()) - sum(found[name] for name in kept)
        names = sorted(kept)
    return LevelsPart(tuple(names), np.array([found[name] for name in names], np.int64), other)


class _Work:
    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self.other = 0

    def add(self, block: Levels) -> None:
        names, counts = block.names, block.counts
        if len(names) > 8 * CAP:
            top = np.argpartition(-counts, 8 * CAP)[: 8 * CAP]
            self.other += int(counts.sum() - counts[top].sum())
            names, counts = names.gather(top), counts[top]
        for name, count in zip(names.to_list(), counts.tolist(), strict=True):
            self.found[name] = self.found.get(name, 0) + count

    def part(self) -> LevelsPart:
        return _capped(self.found, self.other)


class LevelCounts:
    """Counts of each level: exact up to 1,000 levels, then of the commonest, with the rest counted together.

    Beyond the cap a level's count may be short by at most the rows in ``other``, which is never hidden.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "levels"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Levels,)
    part_type: ClassVar[type] = LevelsPart

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN)

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: LevelsPart, b: LevelsPart) -> LevelsPart:
        """Add the counts of equal levels."""
        return self.merge_many((a, b))

    def merge_many(self, parts: Sequence[LevelsPart]) -> LevelsPart:
        """Add the counts of equal levels of all parts."""
        found: dict[str, int] = {}
        for part in parts:
            for name, count in zip(part.names, part.counts.tolist(), strict=True):
                found[name] = found.get(name, 0) + count
        return _capped(found, sum(part.other for part in parts))

    def result(self, part: LevelsPart) -> dict[str, int]:
        """Return level → count, commonest first."""
        return part.as_dict()
