"""How long texts are, in characters and in tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Column, Kind
from watchkeeper.stats.blocks import KEYS
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.texts import Texts

__all__ = ["TextLengths", "TextLengthsPart"]

_ZERO = KEYS // 2


@dataclass(frozen=True, slots=True)
class TextLengthsPart:
    """Histograms of lengths over the bins of the universal histogram with anchor 0 and scale 1.

    Attributes
    ----------
    bins, counts
        Of the number of characters: ordered bin numbers, uint16, and counts, int64, shape (b,).
    token_bins, token_counts
        Of the number of tokens.
    """

    bins: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    token_bins: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    token_counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def n(self) -> int:
        """Number of texts."""
        return int(self.counts.sum())

    @property
    def characters(self) -> HistogramPart:
        """The histogram of the number of characters."""
        return HistogramPart(0.0, 1.0, self.bins, self.counts)

    @property
    def tokens(self) -> HistogramPart:
        """The histogram of the number of tokens."""
        return HistogramPart(0.0, 1.0, self.token_bins, self.token_counts)


def _keys(lengths: NDArray[np.int64]) -> NDArray[np.intp]:
    return lengths.astype(np.float32).view(np.uint16)[1::2].astype(np.intp)


def _sparse(dense: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    at = np.flatnonzero(dense)
    return (at + _ZERO).astype(np.uint16), dense[at]


class _Work:
    def __init__(self) -> None:
        self.characters = np.zeros(_ZERO, np.int64)
        self.tokens = np.zeros(_ZERO, np.int64)

    def add(self, block: Texts) -> None:
        n = len(block.texts)
        if not n:
            return
        tokens = np.bincount(block.row[block.starts], minlength=n)
        for dense, lengths in ((self.characters, block.lengths), (self.tokens, tokens)):
            np.add.at(dense, _keys(lengths), 1)

    def part(self) -> TextLengthsPart:
        return TextLengthsPart(*_sparse(self.characters), *_sparse(self.tokens))


def _merged(
    bins: tuple[NDArray[np.uint16], NDArray[np.uint16]], counts: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    union, place = np.unique(np.concatenate(bins), return_inverse=True)
    total = np.zeros(len(union), np.int64)
    np.add.at(total, place, np.concatenate(counts))
    return union, total


class TextLengths:
    """Histograms of the lengths of texts in characters and in tokens.

    The bins are those of the universal histogram: lengths up to 256 are exact, longer ones within .8 %. Characters are
    Unicode code points; tokens are counted in the first 4,096 of them.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "text_lengths"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Texts,)
    part_type: ClassVar[type] = TextLengthsPart

    def applies(self, column: Column) -> bool:
        """Columns of free text."""
        return column.kind is Kind.TEXT

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: TextLengthsPart, b: TextLengthsPart) -> TextLengthsPart:
        """Add the counts."""
        return TextLengthsPart(
            *_merged((a.bins, b.bins), (a.counts, b.counts)),
            *_merged((a.token_bins, b.token_bins), (a.token_counts, b.token_counts)),
        )

    def result(self, part: TextLengthsPart) -> dict[str, float]:
        """Return the number of texts, and the medians and 95th percentiles of characters and tokens."""
        characters, tokens = part.characters.quantile([0.5, 0.95]), part.tokens.quantile([0.5, 0.95])
        names = ("characters_p50", "characters_p95", "tokens_p50", "tokens_p95")
        return {"texts": part.n, **dict(zip(names, [*characters.tolist(), *tokens.tolist()], strict=True))}
