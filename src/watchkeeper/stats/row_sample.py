"""A uniform sample of whole rows that does not depend on their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import Rows

__all__ = ["RowSample", "RowSamplePart"]

_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class RowSamplePart:
    """The 1,000 rows with the smallest hashes, in the order of their hashes.

    Attributes
    ----------
    hashes
        uint64, strictly increasing, shape (k,), k ≤ 1,000.
    frame
        The rows, in the same order.
    rows, doubled
        Rows seen in all, and of them rows whose id had been seen before in the same batch.
    """

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)
    rows: int = 0
    doubled: int = 0


def _smallest(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    if len(hashes) > 3 * _SIZE:
        # Half of the rows of a small table, and four times as many as wanted of a large one, where some are doubled.
        limit = np.uint64(min(0.5, 4 * _SIZE / len(hashes)) * 2.0**64)
        low = np.flatnonzero(hashes < limit)
        distinct, first = np.unique(hashes[low], return_index=True)
        if len(distinct) >= _SIZE:
            return low[first[:_SIZE]]
    return np.unique(hashes, return_index=True)[1][:_SIZE]


class _Work:
    def __init__(self) -> None:
        self.part_: RowSamplePart = RowSamplePart()

    def add(self, block: Rows) -> None:
        hashes, known = block.hashes, self.part_.hashes
        if len(known) == _SIZE:
            below = np.flatnonzero(hashes < known[-1])
            chosen = below[_smallest(hashes[below])]
        else:
            chosen = _smallest(hashes)
        fresh = RowSamplePart(hashes[chosen], block.frame_of(chosen), len(hashes), block.doubled)
        self.part_ = RowSample().merge(self.part_, fresh)

    def part(self) -> RowSamplePart:
        return self.part_


def _frames(blocks: Sequence[Rows], chosen: Sequence[NDArray[np.intp]]) -> list[pl.DataFrame]:
    """Return the chosen rows of each block."""
    frame = blocks[0].frame
    places = [block.places[rows] for block, rows in zip(blocks, chosen, strict=True) if block.places is not None]
    if len(places) < len(blocks) or any(block.frame is not frame for block in blocks) or _in_one_piece(frame):
        return [block.frame_of(rows) for block, rows in zip(blocks, chosen, strict=True)]
    rows = np.concatenate(places)
    order = np.argsort(rows)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    taken = _in_turn(frame, rows[order])
    # Slices would keep the rows of all blocks in memory. From two chunks rows are taken as from many, without a mask
    # where none is null and without what stood behind nulls, so that their bytes are those of rows taken alone.
    half = taken.height // 2
    two = pl.concat([taken[:half], taken[half:]], rechunk=False)
    return [two[back[start:stop]] for start, stop in pairwise(np.cumsum([0, *map(len, chosen)]).tolist())]


def _in_turn(frame: pl.DataFrame, rising: NDArray[np.intp]) -> pl.DataFrame:
    """Return rows at rising places, chunk by chunk: to look for the chunk of each row takes three times as long."""
    known: dict[tuple[int, ...], list[pl.Series]] = {}
    columns = []
    for series in frame:
        chunks = series.get_chunks()
        sizes = tuple(map(len, chunks))
        if sizes not in known:
            bounds = np.cumsum([0, *sizes])
            cuts = zip(bounds.tolist(), pairwise(np.searchsorted(rising, bounds).tolist()), strict=False)
            known[sizes] = [pl.Series(rising[first:last] - start, dtype=pl.UInt32) for start, (first, last) in cuts]
        parts = [chunk[rows] for chunk, rows in zip(chunks, known[sizes], strict=True)]
        columns.append(pl.concat(parts, rechunk=True))
    return pl.DataFrame(columns)


def _in_one_piece(frame: pl.DataFrame) -> bool:
    return max(frame.n_chunks("all"), default=1) == 1


class RowSample:
    """Bottom-k sample: the k rows whose identity hashes lowest; uniform, mergeable and unchanged by replays.

    References
    ----------
    Cohen and Kaplan (2007), Summarizing data using bottom-k sketches, doi:10.1145/1281100.1281133.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "row_sample"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Rows,)
    part_type: ClassVar[type] = RowSamplePart

    def applies(self, column: Column) -> bool:
        """Whole rows only: never a single column."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def fold_each(self, blocks: Sequence[Rows]) -> list[RowSamplePart]:
        """Return the sample of each block."""
        chosen = [_smallest(block.hashes) for block in blocks]
        return [
            RowSamplePart(block.hashes[rows], frame, len(block.hashes), block.doubled)
            for block, rows, frame in zip(blocks, chosen, _frames(blocks, chosen), strict=True)
        ]

    def merge(self, a: RowSamplePart, b: RowSamplePart) -> RowSamplePart:
        """Keep the smallest hashes of both; a row that is in both is kept once."""
        return self.merge_many((a, b))

    def merge_many(self, parts: Sequence[RowSamplePart]) -> RowSamplePart:
        """Keep the smallest hashes of all parts."""
        rows, doubled = sum(part.rows for part in parts), sum(part.doubled for part in parts)
        held = [part for part in parts if len(part.hashes)]
        if len(held) < 2:
            one = held[0] if held else max(parts, key=lambda part: part.frame.width)
            return RowSamplePart(one.hashes, one.frame, rows, doubled)
        hashes, first = np.unique(np.concatenate([part.hashes for part in held]), return_index=True)
        frame = pl.concat([part.frame for part in held], how="diagonal_relaxed")[first[:_SIZE]]
        return RowSamplePart(hashes[:_SIZE], frame, rows, doubled)

    def result(self, part: RowSamplePart) -> pl.DataFrame:
        """Return the sampled rows."""
        return part.frame
