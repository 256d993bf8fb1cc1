"""How often each class was predicted and true at each score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, NumericMap
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.score_counts import BINS, Places, score_at

__all__ = ["MOST_CLASSES", "ScoreCells", "ScoreCellsPart", "score_of"]

MOST_CLASSES = 64
"""Classes up to which rows are counted."""

_PLACES = BINS + 2
_CELLS = 9
_NOT, _IS, _UNKNOWN = 0, 1, 2
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ScoreCellsPart:
    """Rows by score, prediction and label, of the positive class or of each class by the score of that class.

    Attributes
    ----------
    anchor, scale
        The map of the score column; (0, 1) means that the score is a probability. It belongs to the part's identity.
    classes
        The k classes whose scores were counted; empty as long as no row was.
    cells
        Occupied cells, int64, strictly increasing, shape (g,): ((class·4,098 + place)·3 + prediction)·3 + label.
        Prediction and label are 0 for another class, 1 for this one and 2 where they are not known.
    counts
        Their rows, int64, shape (g,).
    unscored
        For each class the rows whose score is null, NaN or infinite, int64, shape (k,); they are counted here only.
    """

    anchor: float = 0.0
    scale: float = 1.0
    classes: tuple[str, ...] = ()
    cells: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    counts: Counts = field(default_factory=lambda: np.empty(0, np.int64))
    unscored: Counts = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def probability(self) -> bool:
        """Whether the score is a probability."""
        return (self.anchor, self.scale) == (0.0, 1.0)

    def table(self, code: int) -> tuple[NDArray[np.intp], Counts]:
        """Return the rows of one class by place.

        Returns
        -------
        tuple
            The occupied places in increasing order, shape (b,), and the counts, shape (b, 3, 3): by prediction and
            label, each of them another class, this class, or unknown.
        """
        first, last = np.searchsorted(self.cells, [code * _PLACES * _CELLS, (code + 1) * _PLACES * _CELLS])
        within = self.cells[first:last] - code * _PLACES * _CELLS
        places, row = np.unique(within // _CELLS, return_inverse=True)
        counts = np.zeros((len(places), _CELLS), np.int64)
        counts[row, within % _CELLS] = self.counts[first:last]
        return places.astype(np.intp), counts.reshape(-1, 3, 3)

    def labelled(self, code: int = 0) -> int:
        """Return the rows with a score of the class and a label among the classes."""
        return int(self.table(code)[1][:, :, :_UNKNOWN].sum())

    def unlabelled(self) -> ScoreCellsPart:
        """Return the same rows with no label known."""
        cells, row = np.unique(self.cells - self.cells % 3 + _UNKNOWN, return_inverse=True)
        counts = np.zeros(len(cells), np.int64)
        np.add.at(counts, row, self.counts)
        return replace(self, cells=cells, counts=counts)


def score_of(places: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the score in the middle of each place, in [0, 1]; the first and last place are 0 and 1 themselves."""
    u = np.clip((places - 0.5) / BINS, 0.0, 1.0)
    return score_at(u)


class _Work:
    def __init__(self, map: NumericMap) -> None:
        self.map = map
        self.places = Places(map)
        self.classes: tuple[str, ...] = ()
        self.dense: dict[int, Counts] = {}
        self.unscored = np.empty(0, np.int64)

    def add(self, block: Outcomes) -> None:
        columns = _columns(block)
        if not columns:
            return
        if not self.classes:
            self.classes = tuple(block.classes[code] for code, _ in columns)
            self.unscored = np.zeros(len(columns), np.int64)
            self.dense = {n: np.zeros(_PLACES * _CELLS, np.int64) for n in range(len(columns))}
        for number, (code, scores) in enumerate(columns):
            cell_of = _cell_table(len(block.classes), code)
            for start in range(0, block.rows, BLOCK):
                rows = slice(start, start + BLOCK)
                self._count(number, scores[rows], cell_of[_pairs(block, rows)])

    def _count(self, number: int, scores: NDArray[np.float64], cells: NDArray[np.intp]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not np.isfinite(scores.sum())
        if suspicious:
            finite = np.isfinite(scores)
            self.unscored[number] += len(scores) - int(np.count_nonzero(finite))
            scores, cells = scores[finite], cells[finite]
        place = self.places.of(scores)
        keys = place.astype(np.intp)
        keys += place > 0  # scores of exactly 0 and 1, which cost log loss dearly, have places of their own
        keys *= _CELLS
        keys += cells
        self.dense[number] += np.bincount(keys, minlength=_PLACES * _CELLS)

    def part(self) -> ScoreCellsPart:
        occupied = {number: np.flatnonzero(dense) for number, dense in self.dense.items()}
        none = np.empty(0, np.int64)
        cells = np.concatenate([none, *(found + n * _PLACES * _CELLS for n, found in occupied.items())])
        counts = np.concatenate([none, *(self.dense[n][found] for n, found in occupied.items())])
        return ScoreCellsPart(self.map.anchor, self.map.scale, self.classes, cells, counts, self.unscored.copy())


def _columns(block: Outcomes) -> list[tuple[int, NDArray[np.float64]]]:
    """Return the code and the scores of each class that has any."""
    if block.score is not None and block.positive is not None:
        return [(block.positive, block.score)]
    if block.class_scores is None or len(block.classes) > MOST_CLASSES:
        return []
    return [(code, np.ascontiguousarray(block.class_scores[:, code])) for code in range(len(block.classes))]


def _pairs(block: Outcomes, rows: slice) -> NDArray[np.intp]:
    """Return a code for the pair of label and prediction of each row."""
    size = len(block.classes) + 2
    length = len(range(*rows.indices(block.rows)))
    pairs = np.full(length, size + 1, np.intp)
    if block.label is not None:
        pairs += block.label[rows].astype(np.intp, copy=False) * size
        pairs += size
    if block.prediction is not None:
        pairs += block.prediction[rows].astype(np.intp, copy=False)
        pairs += 1
    return pairs


def _cell_table(classes: int, code: int) -> NDArray[np.intp]:
    """Return the cell of one class for each pair of codes of label and prediction, from -2 on."""
    codes = np.arange(-2, classes)
    labels = np.where(codes < 0, _UNKNOWN, codes == code)
    predictions = np.where(codes == -1, _UNKNOWN, codes == code)
    return (predictions[None, :] * 3 + labels[:, None]).ravel().astype(np.intp)


class ScoreCells:
    """Rows by score, predicted class and label, labelled or not: what estimates of performance rest on.

    Of a binary classifier the score of the positive class is counted, of one with several classes the score of each, up
    to 64 of them. Scores are counted in the 4,096 bins of ``score_histogram``, those of exactly 0 and 1 apart: at most
    4.9e-4 of the score wide in the middle and 1.2e-7 at both ends. All counts are exact.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "score_cells"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ScoreCellsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory with the map of the score column."""
        return _Work(column.map)

    def merge(self, a: ScoreCellsPart, b: ScoreCellsPart) -> ScoreCellsPart:
        """Add the counts; StateError when maps or classes differ."""
        return self.merge_many((a, b))

    def merge_many(self, parts: Sequence[ScoreCellsPart]) -> ScoreCellsPart:
        """Add the counts of all parts at once."""
        first = parts[0]
        for part in parts:
            if (first.anchor, first.scale) != (part.anchor, part.scale):
                raise StateError(
                    f"scores with the maps ({first.anchor}, {first.scale}) and ({part.anchor}, {part.scale}) do not "
                    "merge; summarise both with one reference"
                )
        held = [part for part in parts if part.classes]
        if len(held) < 2:
            return held[0] if held else first
        classes, unscored = held[0].classes, np.zeros(len(held[0].classes), np.int64)
        dense = np.zeros(len(classes) * _PLACES * _CELLS, np.int64)
        for part in held:
            if part.classes != classes:
                raise StateError(f"scores of {', '.join(classes)} and of {', '.join(part.classes)} do not merge")
            dense[part.cells] += part.counts
            unscored += part.unscored
        cells = np.flatnonzero(dense)
        return ScoreCellsPart(first.anchor, first.scale, classes, cells, dense[cells], unscored)

    def result(self, part: ScoreCellsPart) -> dict[str, int]:
        """Return, by class, how many rows have a score."""
        return {name: int(part.table(code)[1].sum()) for code, name in enumerate(part.classes)}
