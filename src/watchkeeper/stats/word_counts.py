"""Exact counts of words by a few of their bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.blocks import KEYS

__all__ = ["WordCounts"]


class WordCounts:
    """Exact counts of 64-bit words, as long as no two of them are put in the same of 65,536 places."""

    def __init__(self) -> None:
        self.counts = np.zeros(KEYS, np.int64)
        self._words, self._first = np.zeros(KEYS, np.uint64), np.zeros(KEYS, np.int64)
        self._rows = 0

    def add(self, words: NDArray[np.uint64], places: NDArray[np.intp]) -> bool:
        """Take words in; False, and no further use, when a place is taken by another word."""
        fresh = np.flatnonzero(self._words[places] != words)
        if len(fresh):
            new = places[fresh]
            if self.counts[new].any():
                return False
            self._words[new], self._first[new] = words[fresh], self._rows + fresh
            if not np.array_equal(self._words[new], words[fresh]):
                return False
        np.add.at(self.counts, places, 1)
        self._rows += len(words)
        return True

    def found(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the words, the row in which each came first (not told for the word 0), and their counts."""
        taken = np.flatnonzero(self.counts)
        return self._words[taken], self._first[taken], self.counts[taken]
