"""The universal histogram: bins that are fixed before any data is seen, so that every two states merge exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, NumericMap
from watchkeeper.stats.blocks import KEYS, Numbers

__all__ = ["Histogram", "HistogramPart", "bin_edges", "bin_order"]


def bin_order(keys: NDArray[np.intp]) -> NDArray[np.uint16]:
    """Map float32 top halves to ranks that grow with the value: negatives count down, positives up."""
    short = keys.astype(np.uint16)
    return np.bitwise_xor(short, np.where(short & 0x8000, np.uint16(0xFFFF), np.uint16(0x8000)), dtype=np.uint16)


def bin_edges(bins: NDArray[np.uint16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and upper edge, in units of z, of ordered bins; shape as ``bins``."""
    lower, upper = _all_edges()
    return lower[bins], upper[bins]


@cache
def _all_edges() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the edges of every bin, in their order."""
    rank = np.arange(KEYS)
    positive = rank >= 0x8000
    magnitude = np.where(positive, rank - 0x8000, 0x7FFF - rank).astype(np.uint32)

    def value(m: NDArray[np.uint32]) -> NDArray[np.float64]:
        # The last finite key's upper edge is 2^128, which float32 writes as infinity.
        top = m >= 0x7F80
        with np.errstate(over="ignore"):
            plain = (np.where(top, 0, m).astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
        return np.where(top, 2.0**128, plain)

    near, far = value(magnitude), value(magnitude + np.uint32(1))
    return np.where(positive, near, -far), np.where(positive, far, -near)


@dataclass(frozen=True, slots=True)
class HistogramPart:
    """Counts of the occupied bins in the order of their values.

    Attributes
    ----------
    anchor, scale
        The map z = (x - anchor) / scale; it belongs to the identity of the part.
    bins
        Ordered bin numbers, uint16, strictly increasing, shape (b,).
    counts
        Their counts, int64, shape (b,).
    """

    anchor: float
    scale: float
    bins: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def n(self) -> int:
        """Number of finite values."""
        return int(self.counts.sum())

    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower and upper edges of the occupied bins in the unit of the column."""
        lower, upper = bin_edges(self.bins)
        return self.anchor + self.scale * lower, self.anchor + self.scale * upper

    def centres(self) -> NDArray[np.float64]:
        """Return the middle of each occupied bin in the unit of the column."""
        lower, upper = self.edges()
        return (lower + upper) / 2

    def quantile(self, q: ArrayLike) -> NDArray[np.float64]:
        """Return the quantiles at ``q`` (shape of ``q``), by linear interpolation inside the bin; NaN without rows."""
        wanted = np.asarray(q, float)
        if not len(self.bins):
            return np.full(wanted.shape, np.nan)
        cumulated = np.cumsum(self.counts)
        place = wanted * cumulated[-1]
        at = np.minimum(np.searchsorted(cumulated, place, side="left"), len(cumulated) - 1)
        lower, upper = self.edges()
        inside = np.clip((place - (cumulated[at] - self.counts[at])) / self.counts[at], 0, 1)
        values: NDArray[np.float64] = lower[at] + inside * (upper[at] - lower[at])
        return values


class _Work:
    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.dense: NDArray[np.int64] | None = None

    def add(self, block: Numbers) -> None:
        if not len(block.x):
            return
        if self.dense is None:
            self.dense = np.zeros(KEYS, np.int64)
        np.add.at(self.dense, block.keys, 1)

    def part(self) -> HistogramPart:
        if self.dense is None:
            return HistogramPart(self.map.anchor, self.map.scale)
        keys = (self.dense != 0).nonzero()[0]
        # Keys with the sign bit, the upper half, stand for negative values and count away from zero.
        positive = int(keys.searchsorted(KEYS // 2))
        keys = np.concatenate([keys[positive:][::-1], keys[:positive]])
        return HistogramPart(self.map.anchor, self.map.scale, bin_order(keys), self.dense[keys])


def _check_maps(a: HistogramPart, b: HistogramPart) -> None:
    if (a.anchor, a.scale) != (b.anchor, b.scale):
        raise StateError(
            f"histograms with the maps ({a.anchor}, {a.scale}) and ({b.anchor}, {b.scale}) do not merge; "
            "summarise both with one reference"
        )


class Histogram:
    """A histogram whose bins are the top 16 bits of z = (x - anchor) / scale as IEEE float32.

    A bin is at most 2⁻⁷ of |z| wide, so a quantile is within 2⁻⁸ of |z| when read at the bin's middle. Merging adds
    counts and is exact; states with other maps refuse to merge. Exact counts, sketched values.

    References
    ----------
    The bins are those of an HDR histogram with 7 bits, taken from the number format itself (IEEE 754-2019, 3.4).
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "histogram"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Numbers,)
    part_type: ClassVar[type] = HistogramPart

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return column.kind in (Kind.NUMERIC, Kind.TIME)

    def start(self, column: Column) -> _Work:
        """Return empty working memory with the column's map."""
        return _Work(column.map)

    def merge(self, a: HistogramPart, b: HistogramPart) -> HistogramPart:
        """Add the counts; StateError when the maps differ."""
        _check_maps(a, b)
        if not len(a.bins) or not len(b.bins):
            return b if not len(a.bins) else a
        bins, place = np.unique(np.concatenate([a.bins, b.bins]), return_inverse=True)
        counts = np.zeros(len(bins), np.int64)
        np.add.at(counts, place, np.concatenate([a.counts, b.counts]))
        return HistogramPart(a.anchor, a.scale, bins, counts)

    def merge_many(self, parts: Sequence[HistogramPart]) -> HistogramPart:
        """Add the counts of all parts at once."""
        first, dense = parts[0], np.zeros(KEYS, np.int64)
        for part in parts:
            _check_maps(first, part)
            dense[part.bins] += part.counts
        bins = (dense != 0).nonzero()[0]
        return HistogramPart(first.anchor, first.scale, bins.astype(np.uint16), dense[bins])

    def result(self, part: HistogramPart) -> dict[str, float]:
        """Return the quartiles, the 5th, 95th and 99th percentile."""
        values = part.quantile([0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
        return dict(zip(("p05", "p25", "p50", "p75", "p95", "p99"), values.tolist(), strict=True))
