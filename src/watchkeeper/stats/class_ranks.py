"""How each class's probability is distributed among the rows of that class and among the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.class_sums import class_rows
from watchkeeper.stats.score_histogram import ScoreHistogram, ScoreHistogramPart
from watchkeeper.stats.statistic import Accumulator

__all__ = ["MOST_CLASSES", "ClassRanks", "ClassRanksPart"]

MOST_CLASSES = 100
"""Classes up to which ranks are kept: each takes up to 40 kB."""

_PROBABILITY = Column("", Role.CLASS_SCORE, Kind.NUMERIC)
_ONE = ScoreHistogram()


@dataclass(frozen=True, slots=True)
class ClassRanksPart:
    """One score histogram for each class against all others.

    Attributes
    ----------
    classes
        The classes in the order of their codes; empty where there are no class scores.
    histograms
        One for each class, in that order; empty above ``MOST_CLASSES`` classes.
    outside, unscored
        Labelled rows with a score outside [0, 1], and those that lack one; they are in no histogram.
    """

    classes: tuple[str, ...] = ()
    histograms: tuple[ScoreHistogramPart, ...] = ()
    outside: int = 0
    unscored: int = 0


class _Work:
    def __init__(self) -> None:
        self.classes: tuple[str, ...] = ()
        self.works: list[Accumulator] = []
        self.outside = self.unscored = 0

    def add(self, block: Outcomes) -> None:
        if block.class_scores is None:
            return
        if not self.classes:
            self.classes = block.classes
            kept = len(self.classes) if len(self.classes) <= MOST_CLASSES else 0
            self.works = [_ONE.start(_PROBABILITY) for _ in range(kept)]
        _check(self.classes, block.classes)
        for rows in class_rows(block):
            self.outside += rows.outside
            self.unscored += rows.unscored
            for code, work in enumerate(self.works):
                scores = np.ascontiguousarray(rows.scores[:, code])
                if len(scores):
                    work.add(Outcomes(len(scores), rows.labels, None, scores, self.classes, code))

    def part(self) -> ClassRanksPart:
        return ClassRanksPart(self.classes, tuple(w.part() for w in self.works), self.outside, self.unscored)


def _check(a: tuple[str, ...], b: tuple[str, ...]) -> None:
    if a != b:
        raise StateError(
            f"ranks of the classes {', '.join(a)} and {', '.join(b)} do not merge; summarise both with one schema"
        )


class ClassRanks:
    """For each class the scores of its rows and of all others, for AUROC and average precision one against the rest.

    Each class is kept as ``score_histogram`` keeps a binary score: exact up to 2,000 distinct scores, 4,096 bins
    beyond. Kept where the log has a column of scores for each of at most 100 classes.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "class_ranks"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ClassRanksPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: ClassRanksPart, b: ClassRanksPart) -> ClassRanksPart:
        """Merge class by class; StateError when the classes differ."""
        if not a.classes or not b.classes:
            return a if a.classes else b
        _check(a.classes, b.classes)
        histograms = tuple(_ONE.merge(one, other) for one, other in zip(a.histograms, b.histograms, strict=True))
        return ClassRanksPart(a.classes, histograms, a.outside + b.outside, a.unscored + b.unscored)

    def result(self, part: ClassRanksPart) -> dict[str, int]:
        """Return the rows of each class that have scores, and how many labelled rows have none."""
        found = {name: int(h.positives.sum()) for name, h in zip(part.classes, part.histograms, strict=False)}
        return {**found, "unscored": part.unscored}
