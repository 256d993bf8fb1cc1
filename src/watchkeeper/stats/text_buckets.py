"""In how many texts something occurs, by the bucket that its hash falls into."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["BucketsPart", "BucketsWork", "merge_buckets"]


@dataclass(frozen=True, slots=True)
class BucketsPart:
    """How many texts fall into each occupied bucket; a text counts once in each bucket it falls into.

    Attributes
    ----------
    texts
        Number of texts.
    pairs, squares
        Over the texts, the sum and the sum of squares of the number of buckets that a text falls into.
    buckets
        Occupied buckets, uint16, strictly increasing, shape (b,).
    counts
        Texts that fall into each, int64, shape (b,).
    """

    texts: int = 0
    pairs: int = 0
    squares: int = 0
    buckets: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def weight(self) -> float:
        """Texts of equal length that would be as informative: (Σ m)² / Σ m² (Kish 1965, Survey sampling, 11.7)."""
        return self.pairs**2 / self.squares if self.squares else 0.0

    def dense(self, size: int) -> NDArray[np.int64]:
        """Return the counts of all buckets, shape (size,)."""
        counts = np.zeros(size, np.int64)
        counts[self.buckets] = self.counts
        return counts


class BucketsWork:
    """Counts texts by bucket."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.texts = self.pairs = self.squares = 0
        self.dense: NDArray[np.int64] | None = None

    def take(self, texts: int, row: NDArray[np.int32], bucket: NDArray[np.uint32]) -> None:
        """Take in ``texts`` texts; ``bucket`` is what falls into text ``row``, doubled or not, both of shape (m,)."""
        self.texts += texts
        if not len(row):
            return
        places = row.astype(np.uint64) << np.uint64(16) if texts > 1 << 16 else row.astype(np.uint32) << np.uint32(16)
        places |= bucket.astype(places.dtype)
        places.sort()
        first = np.empty(len(places), bool)
        first[0] = True
        np.not_equal(places[1:], places[:-1], out=first[1:])
        once = places[first]
        each = np.bincount((once >> once.dtype.type(16)).astype(np.intp))
        self.pairs += len(once)
        self.squares += int((each * each).sum())
        if self.dense is None:
            self.dense = np.zeros(self.size, np.int64)
        self.dense += np.bincount((once & once.dtype.type(0xFFFF)).astype(np.intp), minlength=self.size)

    def part(self) -> BucketsPart:
        """Return what was taken in."""
        if self.dense is None:
            return BucketsPart(self.texts)
        occupied = np.flatnonzero(self.dense)
        return BucketsPart(self.texts, self.pairs, self.squares, occupied.astype(np.uint16), self.dense[occupied])


def merge_buckets(a: BucketsPart, b: BucketsPart) -> BucketsPart:
    """Add the counts."""
    buckets, place = np.unique(np.concatenate([a.buckets, b.buckets]), return_inverse=True)
    counts = np.zeros(len(buckets), np.int64)
    np.add.at(counts, place, np.concatenate([a.counts, b.counts]))
    return BucketsPart(a.texts + b.texts, a.pairs + b.pairs, a.squares + b.squares, buckets, counts)
