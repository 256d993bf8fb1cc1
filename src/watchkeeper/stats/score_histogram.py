"""How the scores of positives and of negatives are distributed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, NumericMap
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.score_counts import (
    DISTINCT,
    BinCounts,
    Groups,
    ValueCounts,
    count_values,
    merge_values,
    upper_edges,
)

__all__ = ["ScoreHistogram", "ScoreHistogramPart", "ScoredRows", "scored_rows"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Up to ``BLOCK`` rows of a binary classifier that have a label among the classes and a finite score.

    Attributes
    ----------
    scores
        float64, shape (m,).
    positive
        Whether the label is the positive class, bool, shape (m,).
    unscored
        Labelled rows of the block whose score is null, NaN or infinite; they are not among the ``m``.
    """

    scores: Floats
    positive: NDArray[np.bool_]
    unscored: int


def scored_rows(block: Outcomes) -> Iterator[ScoredRows]:
    """Cut outcomes into blocks of rows with label and score; nothing unless the task is binary and scores exist."""
    if block.score is None or block.label is None or block.positive is None:
        return
    for start in range(0, block.rows, BLOCK):
        labels, scores = block.label[start : start + BLOCK], block.score[start : start + BLOCK]
        if labels.min() < 0:
            known = labels >= 0
            labels, scores = labels[known], scores[known]
        unscored = 0
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not np.isfinite(scores.sum())
        if suspicious:
            finite = np.isfinite(scores)
            unscored = len(finite) - int(np.count_nonzero(finite))
            labels, scores = labels[finite], scores[finite]
        yield ScoredRows(scores, labels == block.positive, unscored)


@dataclass(frozen=True, slots=True)
class ScoreHistogramPart:
    """Rows of both classes by score: each distinct score by itself up to ``DISTINCT`` of them, in bins beyond.

    Attributes
    ----------
    anchor, scale
        The map of the score column; (0, 1) means that the score is a probability. It belongs to the part's identity.
    scores
        The distinct scores, float64, strictly increasing, shape (g,); empty once binned.
    bins
        Occupied bins, uint16, strictly increasing, shape (g,); empty while scores are kept.
    positives, negatives
        Rows of each class with each score, or in each bin, int64, shape (g,).
    unscored
        Labelled rows whose score is null, NaN or infinite; they are counted here only.
    """

    anchor: float = 0.0
    scale: float = 1.0
    scores: Floats = field(default_factory=lambda: np.empty(0))
    bins: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    positives: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    negatives: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    unscored: int = 0

    @property
    def exact(self) -> bool:
        """Whether each distinct score is counted by itself."""
        return not len(self.bins)

    @property
    def n(self) -> int:
        """Rows with label and score."""
        return int(self.positives.sum() + self.negatives.sum())

    def ties(self) -> Groups:
        """Return groups of rows that share a score or a bin, in increasing order of the score.

        Returns
        -------
        tuple
            The score (of a bin: its upper edge, in the unit of the column), the positives and the negatives of each
            group, all of shape (g,).
        """
        scores = self.scores if self.exact else upper_edges(self.bins, NumericMap(self.anchor, self.scale))
        return scores, self.positives, self.negatives


def _part(map: NumericMap, groups: Groups, unscored: int) -> ScoreHistogramPart:
    """Return the part of counted scores, binned where there are too many."""
    if len(groups[0]) > DISTINCT:
        binned = BinCounts(map)
        binned.add_groups(groups)
        return _binned(map, binned, unscored)
    scores, positives, negatives = groups
    return ScoreHistogramPart(
        map.anchor, map.scale, scores, positives=positives, negatives=negatives, unscored=unscored
    )


def _binned(map: NumericMap, counted: BinCounts, unscored: int) -> ScoreHistogramPart:
    bins, positives, negatives = counted.counts()
    return ScoreHistogramPart(
        map.anchor, map.scale, bins=bins, positives=positives, negatives=negatives, unscored=unscored
    )


class _Work:
    """Keeps rows while they are few, then counts them by score, then, when there are too many scores, in bins."""

    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.kept: list[tuple[Floats, NDArray[np.bool_]]] = []
        self.counted: ValueCounts | None = None
        self.binned: BinCounts | None = None
        self.n = self.unscored = 0

    def add(self, block: Outcomes) -> None:
        for piece in scored_rows(block):
            self.unscored += piece.unscored
            self.n += len(piece.scores)
            self.kept.append((piece.scores, piece.positive))
            if self.n > DISTINCT:
                for scores, positive in self.kept:
                    self._count(scores, positive)
                self.kept.clear()

    def _count(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        if self.binned is None:
            if self.counted is None:
                self.counted = ValueCounts()
            taken = self.counted.add(scores, positive)
            if self.counted.distinct <= DISTINCT:
                return
            self.binned = BinCounts(self.map)
            self.binned.add_groups(self.counted.groups())
            scores, positive = scores[taken:], positive[taken:]
        self.binned.add(scores, positive)

    def part(self) -> ScoreHistogramPart:
        if self.binned is not None:
            return _binned(self.map, self.binned, self.unscored)
        if self.counted is not None:
            return _part(self.map, self.counted.groups(), self.unscored)
        scores = np.concatenate([np.empty(0), *(s for s, _ in self.kept)])
        positive = np.concatenate([np.empty(0, np.bool_), *(p for _, p in self.kept)])
        return _part(self.map, count_values(scores, positive), self.unscored)


def _bin(part: ScoreHistogramPart) -> ScoreHistogramPart:
    if not part.exact:
        return part
    own = NumericMap(part.anchor, part.scale)
    counted = BinCounts(own)
    counted.add_groups(part.ties())
    return _binned(own, counted, part.unscored)


class ScoreHistogram:
    """Scores of positives and negatives, for everything that depends on their order alone: AUROC, average precision.

    Up to 2,000 distinct scores each is counted by itself and results are exact, however many rows there are. Beyond,
    rows are counted in 4,096 bins of u = √(s/2) for s < 1/2 and 1 - √((1-s)/2) otherwise: at most 4.9e-4 of the score
    wide in the middle and 1.2e-7 at both ends. A score that is no probability is first squashed,
    s = 1 / (1 + exp(-(x - a)/b)), with the column's map (a, b). Any split of the same rows gives the same part, because
    which form is kept depends on the number of distinct scores alone.

    What is read off the bins treats rows of one bin as ties; for AUROC the error is at most ½ Σ_b p_b·q_b with the
    shares p_b and q_b of the positives and negatives in bin b.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "score_histogram"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ScoreHistogramPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory with the map of the score column."""
        return _Work(column.map)

    def merge(self, a: ScoreHistogramPart, b: ScoreHistogramPart) -> ScoreHistogramPart:
        """Join the scores, or add the counts when there are too many; StateError when the maps differ."""
        if (a.anchor, a.scale) != (b.anchor, b.scale):
            raise StateError(
                f"score histograms with the maps ({a.anchor}, {a.scale}) and ({b.anchor}, {b.scale}) do not merge; "
                "summarise both with one reference"
            )
        unscored = a.unscored + b.unscored
        if a.exact and b.exact:
            return _part(NumericMap(a.anchor, a.scale), merge_values(a.ties(), b.ties()), unscored)
        a, b = _bin(a), _bin(b)
        bins, place = np.unique(np.concatenate([a.bins, b.bins]), return_inverse=True)
        counts = np.zeros((2, len(bins)), np.int64)
        np.add.at(counts[0], place, np.concatenate([a.positives, b.positives]))
        np.add.at(counts[1], place, np.concatenate([a.negatives, b.negatives]))
        return ScoreHistogramPart(
            a.anchor, a.scale, bins=bins, positives=counts[0], negatives=counts[1], unscored=unscored
        )

    def result(self, part: ScoreHistogramPart) -> dict[str, int]:
        """Return how many positives and negatives have a score, and how many labelled rows have none."""
        positives, negatives = int(part.positives.sum()), int(part.negatives.sum())
        return {"positives": positives, "negatives": negatives, "unscored": part.unscored}
