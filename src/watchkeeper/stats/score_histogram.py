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

__all__ = ["BINS", "RAW", "ScoreHistogram", "ScoreHistogramPart", "ScoredRows", "scored_rows"]

BINS = 4_096
"""Bins between the lowest and the highest score."""

RAW = 2_000
"""Labelled rows up to which the scores themselves are kept, so that results are exact."""

_PROBABILITY = NumericMap()
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


def _upper_edges(bins: NDArray[np.int64]) -> Floats:
    """Invert the square-root map: the score at the upper edge of each bin."""
    u = (bins + 1) / BINS
    return np.where(u <= 0.5, 2.0 * u * u, 1.0 - 2.0 * (1.0 - u) ** 2)


@dataclass(frozen=True, slots=True)
class ScoreHistogramPart:
    """Scores by class: one by one up to ``RAW`` rows, counted in bins beyond.

    Attributes
    ----------
    anchor, scale
        The map of the score column; (0, 1) means that the score is a probability. It belongs to the part's identity.
    scores, labels
        The sorted scores, float64, and whether each is of a positive, uint8, shape (m,); empty once binned.
    bins
        Occupied bins, uint16, strictly increasing, shape (b,); empty while raw.
    positives, negatives
        Rows of each class in each bin, int64, shape (b,).
    unscored
        Labelled rows whose score is null, NaN or infinite; they are in no bin.
    """

    anchor: float = 0.0
    scale: float = 1.0
    scores: Floats = field(default_factory=lambda: np.empty(0))
    labels: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    bins: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    positives: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    negatives: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    unscored: int = 0

    @property
    def exact(self) -> bool:
        """Whether the scores themselves are kept."""
        return not len(self.bins)

    @property
    def n(self) -> int:
        """Rows with label and score."""
        return len(self.scores) if self.exact else int(self.positives.sum() + self.negatives.sum())

    def ties(self) -> tuple[Floats, Counts, Counts]:
        """Return groups of rows that share a score or a bin, in increasing order of the score.

        Returns
        -------
        tuple
            The score (of a bin: its upper edge, in the unit of the column), the positives and the negatives of each
            group, all of shape (g,).
        """
        if not self.exact:
            edges = _upper_edges(self.bins.astype(np.int64))
            if (self.anchor, self.scale) != (0.0, 1.0):
                with np.errstate(divide="ignore"):
                    edges = self.anchor + self.scale * (np.log(edges) - np.log1p(-edges))
            return edges, self.positives, self.negatives
        distinct, place = np.unique(self.scores, return_inverse=True)
        total = np.bincount(place, minlength=len(distinct))
        positives = np.bincount(place[self.labels == 1], minlength=len(distinct))
        return distinct, positives, total - positives


class _Bins:
    """Counts rows of both classes in bins; its buffers make it unfit for two threads."""

    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.dense = np.zeros(2 * BINS, np.int64)
        self.place, self.upper = np.empty(BLOCK), np.empty(BLOCK)
        self.keys = np.empty(BLOCK, np.intp)

    def add(self, scores: Floats, positive: NDArray[np.bool_]) -> None:
        """Take at most ``BLOCK`` rows in."""
        m = len(scores)
        if not m:
            return
        s = self._unit(scores)
        # u = √(s/2) below one half and 1 - √((1-s)/2) above: narrow bins at both ends, where rare events live.
        place, upper, keys = self.place[:m], self.upper[:m], self.keys[:m]
        np.subtract(1.0, s, out=place)
        np.minimum(place, s, out=place)
        place *= 0.5
        np.sqrt(place, out=place)
        # |0 - u| and |1 - u| cost a third of choosing between u and 1 - u row by row.
        upper[:] = s >= 0.5
        np.subtract(upper, place, out=place)
        np.abs(place, out=place)
        place *= BINS
        np.floor(place, out=place)
        np.minimum(place, BINS - 1, out=place)
        upper[:] = positive
        upper *= BINS
        place += upper
        keys[:] = place
        self.dense += np.bincount(keys, minlength=2 * BINS)

    def part(self, unscored: int) -> ScoreHistogramPart:
        """Return the occupied bins."""
        negatives, positives = self.dense.reshape(2, BINS)
        bins = np.flatnonzero(positives + negatives)
        return ScoreHistogramPart(
            self.map.anchor, self.map.scale, bins=bins.astype(np.uint16),
            positives=positives[bins], negatives=negatives[bins], unscored=unscored,
        )  # fmt: skip

    def _unit(self, scores: Floats) -> Floats:
        if self.map == _PROBABILITY:
            return scores if scores.min() >= 0.0 and scores.max() <= 1.0 else np.clip(scores, 0.0, 1.0)
        with np.errstate(over="ignore", under="ignore"):
            unit: Floats = 1.0 / (1.0 + np.exp((self.map.anchor - scores) / self.map.scale))
        return unit


class _Work:
    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.binned: _Bins | None = None
        self.kept: list[tuple[Floats, NDArray[np.bool_]]] = []
        self.n = self.unscored = 0

    def add(self, block: Outcomes) -> None:
        for piece in scored_rows(block):
            self.unscored += piece.unscored
            self.n += len(piece.scores)
            self.kept.append((piece.scores, piece.positive))
            if self.n > RAW:
                self._spill()

    def _spill(self) -> None:
        if self.binned is None:
            self.binned = _Bins(self.map)
        for scores, positive in self.kept:
            self.binned.add(scores, positive)
        self.kept.clear()

    def part(self) -> ScoreHistogramPart:
        if self.binned is not None:
            return self.binned.part(self.unscored)
        scores = np.concatenate([np.empty(0), *(s for s, _ in self.kept)])
        labels = np.concatenate([np.empty(0, np.uint8), *(p.view(np.uint8) for _, p in self.kept)])
        return _raw(self.map.anchor, self.map.scale, scores, labels, self.unscored)


def _raw(anchor: float, scale: float, scores: Floats, labels: NDArray[np.uint8], unscored: int) -> ScoreHistogramPart:
    order = np.lexsort((labels, scores))
    return ScoreHistogramPart(anchor, scale, scores[order], labels[order], unscored=unscored)


def _to_bins(part: ScoreHistogramPart) -> ScoreHistogramPart:
    if not part.exact or not part.n:
        return part
    bins = _Bins(NumericMap(part.anchor, part.scale))
    bins.add(part.scores, part.labels.view(np.bool_))
    return bins.part(part.unscored)


class ScoreHistogram:
    """Scores of positives and negatives, for everything that depends on their order alone: AUROC, average precision.

    Up to 2,000 labelled rows the scores are kept and results are exact. Beyond, rows are counted in 4,096 bins of
    u = √(s/2) for s < 1/2 and 1 - √((1-s)/2) otherwise: at most 4.9e-4 of the score wide in the middle and 1.2e-7 at
    both ends. A score that is no probability is first squashed, s = 1 / (1 + exp(-(x - a)/b)), with the column's map
    (a, b). Any split of the same rows gives the same part, because which form is kept depends on their number alone.

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
        if a.exact and b.exact and a.n + b.n <= RAW:
            scores = np.concatenate([a.scores, b.scores])
            return _raw(a.anchor, a.scale, scores, np.concatenate([a.labels, b.labels]), unscored)
        a, b = _to_bins(a), _to_bins(b)
        bins, place = np.unique(np.concatenate([a.bins, b.bins]), return_inverse=True)
        counts = np.zeros((2, len(bins)), np.int64)
        np.add.at(counts[0], place, np.concatenate([a.positives, b.positives]))
        np.add.at(counts[1], place, np.concatenate([a.negatives, b.negatives]))
        return ScoreHistogramPart(
            a.anchor, a.scale, bins=bins, positives=counts[0], negatives=counts[1], unscored=unscored
        )

    def result(self, part: ScoreHistogramPart) -> dict[str, int]:
        """Return how many positives and negatives have a score, and how many labelled rows have none."""
        _, positives, negatives = part.ties()
        return {"positives": int(positives.sum()), "negatives": int(negatives.sum()), "unscored": part.unscored}
