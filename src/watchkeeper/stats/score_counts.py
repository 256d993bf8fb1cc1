"""Two ways to count scores by class: value by value while there are few, and in fixed bins for any number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import NumericMap
from watchkeeper.stats.blocks import BLOCK

__all__ = [
    "BINS",
    "DISTINCT",
    "BinCounts",
    "Groups",
    "Places",
    "ValueCounts",
    "count_values",
    "merge_values",
    "score_at",
    "upper_edges",
]

BINS = 4_096
"""Bins between the lowest and the highest score."""

DISTINCT = 2_000
"""Distinct scores up to which each is counted by itself, so that results are exact."""

_PROBABILITY = NumericMap()
_SLOTS = 1 << 14
_SHIFT = np.uint64(64 - 14)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = 4_096
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Groups = tuple[Floats, Counts, Counts]


def merge_values(a: Groups, b: Groups) -> Groups:
    """Return the union of two lists of (score, positives, negatives), sorted, each score once."""
    distinct, place = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
    counts = np.zeros((2, len(distinct)), np.int64)
    np.add.at(counts[0], place, np.concatenate([a[1], b[1]]))
    np.add.at(counts[1], place, np.concatenate([a[2], b[2]]))
    # Adding zero makes one zero of 0.0 and -0.0.
    return distinct + 0.0, counts[0], counts[1]


def count_values(scores: Floats, positive: NDArray[np.bool_]) -> Groups:
    """Return the distinct scores, sorted, with the positives and negatives of each."""
    distinct, place = np.unique(scores, return_inverse=True)
    total = np.bincount(place, minlength=len(distinct))
    positives = np.bincount(place[positive], minlength=len(distinct))
    return distinct + 0.0, positives, total - positives


class ValueCounts:
    """Counts each distinct score by itself, in a hash table whose rare collisions are sorted out apart."""

    def __init__(self) -> None:
        self.table = np.full(_SLOTS, np.nan)
        self.dense = np.zeros(2 * _SLOTS, np.int64)
        self.collided: Groups = (np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
        self.rows = 0

    def add(self, scores: Floats, positive: NDArray[np.bool_]) -> int:
        """Take rows in until there are more than ``DISTINCT`` scores; return how many rows were taken."""
        taken = 0
        while taken < len(scores):
            # A few rows first: of continuous scores they show already that there are too many.
            size = BLOCK if self.rows else _FIRST
            self._count(scores[taken : taken + size], positive[taken : taken + size])
            self.rows += min(size, len(scores) - taken)
            taken = min(taken + size, len(scores))
            if self.distinct > DISTINCT:
                break
        return taken

    @property
    def distinct(self) -> int:
        """Number of distinct scores."""
        return _SLOTS - int(np.count_nonzero(np.isnan(self.table))) + len(self.collided[0])

    def _count(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        scores = scores + 0.0  # makes one zero of 0.0 and -0.0
        hashed = scores.view(np.uint64) * _GOLDEN
        hashed >>= _SHIFT
        slots = hashed.view(np.int64)
        found = self.table[slots]
        fresh = np.isnan(found)
        if fresh.any():
            self.table[slots[fresh]] = scores[fresh]
            found = self.table[slots]
        own = found == scores
        if not own.all():
            self.collided = merge_values(self.collided, count_values(scores[~own], positive[~own]))
            slots, positive = slots[own], positive[own]
        slots *= 2
        slots += positive
        self.dense += np.bincount(slots, minlength=2 * _SLOTS)

    def groups(self) -> Groups:
        """Return the distinct scores, sorted, with the positives and negatives of each."""
        used = np.flatnonzero(~np.isnan(self.table))
        negatives, positives = self.dense.reshape(_SLOTS, 2)[used].T
        return merge_values((self.table[used], positives, negatives), self.collided)


class Places:
    """Maps scores to places that lie close together at both ends of [0, 1], where the scores of rare events live."""

    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.place, self.upper = np.empty(BLOCK), np.empty(BLOCK)

    def of(self, scores: Floats) -> Floats:
        """Return ``BINS``·u of up to ``BLOCK`` scores: u = √(s/2) below one half and 1 - √((1-s)/2) above."""
        m = len(scores)
        if not m:
            return scores
        s = self._unit(scores)
        place, upper = self.place[:m], self.upper[:m]
        np.subtract(1.0, s, out=place)
        np.minimum(place, s, out=place)
        place *= 0.5
        np.sqrt(place, out=place)
        # |0 - u| and |1 - u| cost a third of choosing between u and 1 - u row by row.
        upper[:] = s >= 0.5
        np.subtract(upper, place, out=place)
        np.abs(place, out=place)
        place *= BINS
        return place

    def _unit(self, scores: Floats) -> Floats:
        if self.map == _PROBABILITY:
            return scores if scores.min() >= 0.0 and scores.max() <= 1.0 else np.clip(scores, 0.0, 1.0)
        with np.errstate(over="ignore", under="ignore"):
            unit: Floats = 1.0 / (1.0 + np.exp((self.map.anchor - scores) / self.map.scale))
        return unit


class BinCounts:
    """Counts scores in bins that are narrow at both ends of [0, 1]."""

    def __init__(self, map: NumericMap) -> None:
        self.dense = np.zeros(2 * BINS, np.int64)
        self.places = Places(map)
        self.upper = np.empty(BLOCK)
        self.keys = np.empty(BLOCK, np.intp)

    def add(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        """Take at most ``BLOCK`` rows in."""
        if not len(scores):
            return
        place, upper, keys = self._place(scores), self.upper[: len(scores)], self.keys[: len(scores)]
        upper[:] = positive
        upper *= BINS
        place += upper
        keys[:] = place
        self.dense += np.bincount(keys, minlength=2 * BINS)

    def add_groups(self, groups: Groups) -> None:
        """Take rows in that were counted by their scores."""
        scores, positives, negatives = groups
        for start in range(0, len(scores), BLOCK):
            piece = slice(start, start + BLOCK)
            keys = self._place(scores[piece]).astype(np.intp)
            np.add.at(self.dense, keys, negatives[piece])
            np.add.at(self.dense, keys + BINS, positives[piece])

    def counts(self) -> tuple[NDArray[np.uint16], Counts, Counts]:
        """Return the occupied bins with the positives and negatives of each."""
        negatives, positives = self.dense.reshape(2, BINS)
        bins = np.flatnonzero(positives + negatives)
        return bins.astype(np.uint16), positives[bins], negatives[bins]

    def _place(self, scores: Floats) -> Floats:
        """Return the bin of each score."""
        place = self.places.of(scores)
        np.floor(place, out=place)
        return np.minimum(place, BINS - 1, out=place)


def upper_edges(bins: NDArray[np.uint16], map: NumericMap) -> Floats:
    """Return the score at the upper edge of each bin, in the unit of the column."""
    edges = score_at((bins.astype(np.int64) + 1) / BINS)
    if map == _PROBABILITY:
        return edges
    with np.errstate(divide="ignore"):
        return map.anchor + map.scale * (np.log(edges) - np.log1p(-edges))


def score_at(u: Floats) -> Floats:
    """Return the score in [0, 1] whose place is ``BINS``·u."""
    return np.where(u <= 0.5, 2.0 * u * u, 1.0 - 2.0 * (1.0 - u) ** 2)
