"""Rows that were ranked together, group by group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import Outcomes

__all__ = ["MOST_ROWS", "RankedGroups", "RankedGroupsPart"]

MOST_ROWS = 32_768
"""Rows that are kept: 24 bytes each."""


@dataclass(frozen=True, slots=True)
class RankedGroupsPart:
    """The rows of the groups whose hashes are smallest, as many groups as fit.

    Attributes
    ----------
    rows, ranked
        Rows in all, and rows with a group and a finite score.
    hashes
        Hash of the group of each kept row, uint64, in increasing order, shape (m,).
    scores
        Score of each, highest first within a group, float64, shape (m,).
    labels
        How relevant each is, float64, NaN where the label is not known, shape (m,).
    end
        Hash from which on groups are left out; 2^64 - 1 where none is.
    """

    rows: int = 0
    ranked: int = 0
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    scores: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    labels: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    end: int = 2**64 - 1

    @property
    def starts(self) -> NDArray[np.intp]:
        """Place of the first row of each group, shape (g,)."""
        return (
            np.flatnonzero(np.r_[True, self.hashes[1:] != self.hashes[:-1]])
            if len(self.hashes)
            else np.empty(0, np.intp)
        )


def _kept(
    rows: int,
    ranked: int,
    columns: tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64]],
    end: int,
) -> RankedGroupsPart:
    """Return the groups with the smallest hashes whose rows fit together."""
    hashes, scores, labels = columns
    inside = hashes < np.uint64(end)
    if not inside.all():
        hashes, scores, labels = hashes[inside], scores[inside], labels[inside]
    # Labels last, so that rows with equal scores come in the same order however they arrived.
    order = np.lexsort((labels, -scores, hashes))
    hashes, scores, labels = hashes[order], scores[order], labels[order]
    if len(hashes) > MOST_ROWS:
        end = int(hashes[MOST_ROWS])
        count = int(np.searchsorted(hashes, np.uint64(end)))
        hashes, scores, labels = hashes[:count], scores[:count], labels[:count]
    return RankedGroupsPart(rows, ranked, hashes, scores, labels, end)


def _merged(a: RankedGroupsPart, b: RankedGroupsPart) -> RankedGroupsPart:
    if not a.rows or not b.rows:
        return a if a.rows else b
    columns = (
        np.concatenate([a.hashes, b.hashes]),
        np.concatenate([a.scores, b.scores]),
        np.concatenate([a.labels, b.labels]),
    )
    return _kept(a.rows + b.rows, a.ranked + b.ranked, columns, min(a.end, b.end))


class _Work:
    def __init__(self) -> None:
        self.known = RankedGroupsPart()

    def add(self, block: Outcomes) -> None:
        if block.groups is None or block.score is None:
            return
        used = np.isfinite(block.score) & (block.groups > 0)
        labels = np.full(block.rows, np.nan) if block.label is None else block.label.astype(np.float64, copy=False)
        labels = np.where(np.isfinite(labels), labels, np.nan)
        columns = (block.groups[used], block.score[used] + 0.0, labels[used] + 0.0)
        part = _kept(block.rows, int(np.count_nonzero(used)), columns, 2**64 - 1)
        self.known = _merged(self.known, part)

    def part(self) -> RankedGroupsPart:
        return self.known


class RankedGroups:
    """Whole groups of ranked rows, for metrics that are means over groups.

    A group's rows may arrive in different batches, so no sum over groups can be final before the last one. The state
    keeps the rows of the groups with the smallest hashes, as many groups as fit into 32,768 rows. A group that is among
    those of all rows is among those of any part of them, so merging never misses a row of a kept group, and any split
    of the rows gives the same part. Below that size every group is kept and metrics are exact; beyond it the kept
    groups are a sample chosen by hash, so that means over them are unbiased but for the one group that did not fit,
    with an error of their own size. Rows of one group belong to one window and segment: those that do not are two
    groups.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "ranked_groups"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = RankedGroupsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: RankedGroupsPart, b: RankedGroupsPart) -> RankedGroupsPart:
        """Return the groups of both with the smallest hashes that fit."""
        return _merged(a, b)

    def result(self, part: RankedGroupsPart) -> dict[str, int]:
        """Return the rows, and how many groups are kept."""
        return {"rows": part.rows, "ranked": part.ranked, "groups": len(part.starts)}
