"""In how many texts each run of three characters occurs: a fingerprint of language, spelling and encoding."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.text_buckets import BucketsPart, BucketsWork, merge_buckets
from watchkeeper.stats.texts import MOST_CHARACTERS, Texts

__all__ = ["NGRAM_BUCKETS", "NGRAM_CHARACTERS", "TextNgrams"]

NGRAM_BUCKETS = 1 << 12
"""Buckets that runs of three characters are hashed into."""

NGRAM_CHARACTERS = 250
"""Characters at the start of a text that are read, so that long texts do not drown short ones."""

_TEXTS = 64
_KEYS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))


class _Work(BucketsWork):
    def __init__(self) -> None:
        super().__init__(NGRAM_BUCKETS)
        self.table = np.zeros((_TEXTS, NGRAM_BUCKETS), np.uint8)

    def add(self, block: Texts) -> None:
        n, codes, row = len(block.texts), block.codes, block.row
        self.texts += n
        if len(codes) < 3:
            return
        if self.dense is None:
            self.dense = np.zeros(self.size, np.int64)
        words = codes[:-2] * _KEYS[0]
        words += codes[1:-1] * _KEYS[1]
        words += codes[2:] * _KEYS[2]
        words ^= words >> np.uint32(15)
        words *= _KEYS[0]
        words >>= np.uint32(20)
        lengths = np.minimum(block.lengths, MOST_CHARACTERS) + 1
        ends = np.cumsum(lengths)
        # The line feed that closes a text is its last character; no run goes beyond it.
        inside = row[2:] == row[:-2]
        if int(lengths.max()) > NGRAM_CHARACTERS:
            inside &= np.arange(len(inside)) - (ends - lengths)[row[:-2]] < NGRAM_CHARACTERS
        for first in range(0, n, _TEXTS):
            last = min(first + _TEXTS, n)
            span = slice(int(ends[first] - lengths[first]), int(ends[last - 1]) - 2)
            self._mark(row[span][inside[span]] - first, words[span][inside[span]], last - first)

    def _mark(self, row: NDArray[np.int32], bucket: NDArray[np.uint32], n: int) -> None:
        """Mark what falls into each of ``n`` ≤ 255 texts, so that a byte holds the sum over them."""
        table = self.table[:n]
        table[:] = 0
        table.reshape(-1)[row * NGRAM_BUCKETS + bucket.astype(np.int32)] = 1
        each = table.view(np.uint64).sum(axis=1).view(np.uint8).reshape(n, 8).sum(axis=1, dtype=np.int64)
        self.pairs += int(each.sum())
        self.squares += int((each * each).sum())
        self.dense += np.add.reduce(table, axis=0, dtype=np.uint8)


class TextNgrams:
    """In how many texts each of 4,096 buckets of three neighbouring characters occurs.

    Of a text the first 250 characters are read, and the end of the text counts as a character. Which runs occur tells
    languages, spelling, case and damaged encodings apart without any word list. Exact up to the sharing of buckets.

    References
    ----------
    Cavnar and Trenkle (1994), N-gram-based text categorization, Proceedings of SDAIR-94, 161–175.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "text_ngrams"
    optional: ClassVar[bool] = True
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Texts,)
    part_type: ClassVar[type] = BucketsPart

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: BucketsPart, b: BucketsPart) -> BucketsPart:
        """Add the counts."""
        return merge_buckets(a, b)

    def result(self, part: BucketsPart) -> dict[str, float]:
        """Return the number of texts, of occupied buckets, and the mean number of buckets a text falls into."""
        mean = part.pairs / part.texts if part.texts else float("nan")
        return {"texts": part.texts, "buckets": len(part.buckets), "different_ngrams": mean}
