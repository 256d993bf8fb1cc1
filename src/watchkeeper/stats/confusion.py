"""How often each class was predicted for each label."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, Outcomes

__all__ = ["Confusion", "ConfusionPart"]

_NULL, _UNSEEN = -1, -2
_DENSE = 1 << 20


@dataclass(frozen=True, slots=True)
class ConfusionPart:
    """Counts of the (label, prediction) pairs that occurred.

    Attributes
    ----------
    classes, positive
        The classes in the order of their codes, and the code of the positive one; -1 unless binary.
    cells
        int64, strictly increasing, shape (k,): (label + 2)·(K + 2) + prediction + 2 with K classes, where the code
        -1 stands for null and -2 for a value outside the classes.
    counts
        int64, shape (k,).
    """

    classes: tuple[str, ...] = ()
    positive: int = -1
    cells: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def rows(self) -> int:
        """Rows in all, labelled or not."""
        return int(self.counts.sum())

    @property
    def labels(self) -> NDArray[np.int64]:
        """Code of the label of each cell, shape (k,)."""
        return self.cells // (len(self.classes) + 2) - 2

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Code of the prediction of each cell, shape (k,)."""
        return self.cells % (len(self.classes) + 2) - 2

    @property
    def arrived(self) -> int:
        """Rows whose label is not null, whether or not it is among the classes."""
        return int(self.counts[self.labels != _NULL].sum())

    @property
    def unseen_labels(self) -> int:
        """Rows whose label is outside the classes."""
        return int(self.counts[self.labels == _UNSEEN].sum())

    @property
    def unpredicted(self) -> int:
        """Rows with a label among the classes and no prediction."""
        return int(self.counts[(self.labels >= 0) & (self.predictions == _NULL)].sum())

    def matrix(self) -> NDArray[np.int64]:
        """Return label × prediction over the rows that have both, shape (K, K + 1).

        The last column holds predictions outside the classes. Rows without label or prediction, and rows whose label
        is outside the classes, are left out.
        """
        classes = len(self.classes)
        found = np.zeros((classes, classes + 1), np.int64)
        labels, predictions = self.labels, self.predictions
        used = (labels >= 0) & (predictions != _NULL)
        # The code -2 for a prediction outside the classes becomes the last column.
        found[labels[used], np.where(predictions[used] == _UNSEEN, classes, predictions[used])] = self.counts[used]
        return found


class _Work:
    def __init__(self) -> None:
        self.known = ConfusionPart()
        self.dense: NDArray[np.int64] | None = None
        self.keys = np.empty(BLOCK, np.int64)

    def add(self, block: Outcomes) -> None:
        if not block.classes:
            return
        positive = -1 if block.positive is None else block.positive
        side = len(block.classes) + 2
        if self.dense is None:
            self.dense = np.zeros(side * side if side * side <= _DENSE else 0, np.int64)
        self.known = _merged(self.known, ConfusionPart(block.classes, positive))
        absent = np.broadcast_to(np.int64(_NULL), block.rows)
        label = absent if block.label is None else block.label
        prediction = _by_score(block, absent) if block.prediction is None else block.prediction
        for start in range(0, block.rows, BLOCK):
            piece = label[start : start + BLOCK]
            keys = np.multiply(piece, side, out=self.keys[: len(piece)])
            keys += prediction[start : start + BLOCK]
            keys += 2 * side + 2
            if len(self.dense):
                self.dense += np.bincount(keys, minlength=len(self.dense))
            else:
                cells, counts = np.unique(keys, return_counts=True)
                self.known = _merged(self.known, ConfusionPart(block.classes, positive, cells, counts))

    def part(self) -> ConfusionPart:
        if self.dense is None or not len(self.dense):
            return self.known
        cells = np.flatnonzero(self.dense)
        return ConfusionPart(self.known.classes, self.known.positive, cells, self.dense[cells])


def _by_score(block: Outcomes, absent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what the score of two classes predicts at one half; nothing where there is none."""
    if block.score is None or block.positive is None or len(block.classes) != 2:
        return absent
    predicted = np.where(block.score >= 0.5, block.positive, 1 - block.positive)
    return np.where(np.isfinite(block.score), predicted, absent)


def _merged(a: ConfusionPart, b: ConfusionPart) -> ConfusionPart:
    if not a.classes or not b.classes:
        return a if a.classes else b
    if (a.classes, a.positive) != (b.classes, b.positive):
        raise StateError(
            f"confusion counts over the classes {', '.join(a.classes)} and {', '.join(b.classes)} do not merge; "
            "summarise both with one schema"
        )
    if not len(a.cells) or not len(b.cells):
        return a if len(a.cells) else b
    cells, place = np.unique(np.concatenate([a.cells, b.cells]), return_inverse=True)
    counts = np.zeros(len(cells), np.int64)
    np.add.at(counts, place, np.concatenate([a.counts, b.counts]))
    return ConfusionPart(a.classes, a.positive, cells, counts)


class Confusion:
    """Counts of label × prediction, with rows that lack either, and values outside the classes, in cells of their own.

    Exact. A null label is never counted as wrong; a prediction outside the classes is. In a log of two classes without
    predictions a score of at least one half predicts the positive one.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "confusion"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ConfusionPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: ConfusionPart, b: ConfusionPart) -> ConfusionPart:
        """Add the counts; StateError when the classes differ."""
        return _merged(a, b)

    def result(self, part: ConfusionPart) -> dict[tuple[str, str], int]:
        """Return (label, prediction) → count over the rows that have both; "" is a prediction outside the classes."""
        matrix = part.matrix()
        named = (*part.classes, "")
        return {
            (label, named[j]): int(matrix[i, j])
            for i, label in enumerate(part.classes)
            for j in np.flatnonzero(matrix[i])
        }
