"""How long labels take to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import Outcomes

__all__ = ["LabelDelay", "LabelDelayPart"]

_STEPS = 8
"""Bins in which a delay doubles."""

_MOST = 255
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelDelayPart:
    """Delays d between a prediction and its label, in bins [2^(b/8), 2^((b+1)/8)) of seconds.

    Attributes
    ----------
    bins, counts
        Occupied bins in increasing order, and their rows, int64, shape (g,); delays below a second are in bin 0, those
        of more than a century in bin 255.
    early
        Rows whose label was known before the prediction; they are in bin 0.
    undated
        Labelled rows of which one of both times is not known.
    """

    bins: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    early: int = 0
    undated: int = 0

    @property
    def n(self) -> int:
        """Labelled rows with both times."""
        return int(self.counts.sum())

    def edges(self, rank: float) -> tuple[float, float]:
        """Return the ends, in seconds, of the bin that holds the delay of a rank from 0 to n - 1."""
        place = int(np.searchsorted(np.cumsum(self.counts), min(max(rank, 0.0), self.n - 1.0), side="right"))
        b = int(self.bins[place])
        return (0.0 if b == 0 else 2.0 ** (b / _STEPS)), 2.0 ** ((b + 1) / _STEPS)

    def quantile(self, q: float) -> float:
        """Return the delay in seconds that a share q of labels does not exceed, off by at most 9 %; NaN without any."""
        if not self.n:
            return float("nan")
        total = np.r_[0, np.cumsum(self.counts)]
        rank = q * self.n
        place = min(int(np.searchsorted(total, rank, side="right")) - 1, len(self.bins) - 1)
        inside = (rank - total[place]) / self.counts[place]
        return float(2.0 ** ((self.bins[place] + min(1.0, inside)) / _STEPS))

    def share_within(self, seconds: Floats) -> Floats:
        """Return which share of labels takes at most so long, shape as ``seconds``; 0 without any label."""
        if not self.n:
            return np.zeros(np.shape(seconds))
        place = _STEPS * np.log2(np.maximum(seconds, 1e-300))
        total = np.r_[0, np.cumsum(self.counts)] / self.n
        k = np.searchsorted(self.bins, place, side="right") - 1
        # Between occupied bins the share stands still.
        inside = np.clip(place - self.bins[k], 0.0, 1.0)
        return np.asarray(np.where(k < 0, 0.0, total[k] + inside * self.counts[k] / self.n))


def _part(dense: NDArray[np.int64], early: int, undated: int) -> LabelDelayPart:
    bins = np.flatnonzero(dense).astype(np.int64)
    return LabelDelayPart(bins, dense[bins], early, undated)


class _Work:
    def __init__(self) -> None:
        self.dense = np.zeros(_MOST + 1, np.int64)
        self.early = self.undated = 0

    def add(self, block: Outcomes) -> None:
        if block.delay is None:
            return
        delay = block.delay[block.labelled]
        known = np.isfinite(delay)
        self.undated += len(delay) - int(np.count_nonzero(known))
        delay = delay[known]
        self.early += int(np.count_nonzero(delay < 0))
        bins = np.clip(np.floor(_STEPS * np.log2(np.maximum(delay, 1.0))), 0, _MOST).astype(np.intp)
        self.dense += np.bincount(bins, minlength=_MOST + 1)

    def part(self) -> LabelDelayPart:
        return _part(self.dense, self.early, self.undated)


class LabelDelay:
    """Delays of labels by eighths of a doubling, so that quantiles are off by at most 9 %.

    Counts are exact. Kept where the log has the time of the label beside that of the prediction. Of predictions that
    are still young only quick labels have come: the distribution is to be read off a window that is old enough, such as
    the reference.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "label_delay"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = LabelDelayPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: LabelDelayPart, b: LabelDelayPart) -> LabelDelayPart:
        """Add the counts."""
        dense = np.zeros(_MOST + 1, np.int64)
        for part in (a, b):
            dense[part.bins] += part.counts
        return _part(dense, a.early + b.early, a.undated + b.undated)

    def result(self, part: LabelDelayPart) -> dict[str, float]:
        """Return n and the median in seconds."""
        return {"n": part.n, "median": part.quantile(0.5), "early": part.early, "undated": part.undated}
