"""In how many texts each token occurs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.text_alphabet import SPACE
from watchkeeper.stats.text_buckets import BucketsPart, BucketsWork, merge_buckets
from watchkeeper.stats.texts import Texts

__all__ = ["TOKEN_BUCKETS", "TextTokens"]

TOKEN_BUCKETS = 1 << 16
"""Buckets that tokens are hashed into."""

_KEYS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))


def _hashed(block: Texts) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """Return where each token begins and the bucket of its hash.

    The hash adds up a hash of each character with the one that follows it in the token.
    """
    codes, parts, starts = block.codes, block.parts, block.starts
    follows = (~starts[1:]) & (parts[1:] != SPACE)
    words = codes * _KEYS[0]
    words[:-1] += codes[1:] * follows * _KEYS[1]
    words ^= words >> np.uint32(15)
    words *= _KEYS[2]
    words ^= words >> np.uint32(13)
    words *= parts != SPACE
    first = np.flatnonzero(starts)
    sums = np.add.reduceat(words, first, dtype=np.uint32)
    sums ^= sums >> np.uint32(16)
    sums *= _KEYS[1]
    return first, sums >> np.uint32(16)


class _Work(BucketsWork):
    def __init__(self) -> None:
        super().__init__(TOKEN_BUCKETS)

    def add(self, block: Texts) -> None:
        if not block.starts.any():
            self.take(len(block.texts), block.row[:0], block.codes[:0])
            return
        first, buckets = _hashed(block)
        self.take(len(block.texts), block.row[first], buckets)


class TextTokens:
    """In how many texts each of 65,536 buckets of tokens occurs; case counts.

    A token is a run of letters, digits and marks, a single symbol, or a single letter of a script that writes no spaces
    (Chinese, Japanese, Thai, Lao, Khmer, Burmese). Of a text the first 4,096 characters are read. Tokens are hashed:
    two given tokens share a bucket with a probability of 1/65,536, so that a bucket may stand for several tokens.
    Exact up to that.

    References
    ----------
    Weinberger and others (2009), Feature hashing for large scale multitask learning, doi:10.1145/1553374.1553516.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "text_tokens"
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
        """Return the number of texts, of occupied buckets, and the mean number of different tokens in a text."""
        mean = part.pairs / part.texts if part.texts else float("nan")
        return {"texts": part.texts, "buckets": len(part.buckets), "different_tokens": mean}
