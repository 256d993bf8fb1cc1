"""How far predicted sets of classes are from the true ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, ClassSets, Outcomes

__all__ = ["SetSums", "SetSumsPart"]

Counts = NDArray[np.int64]


def _zeros(count: int) -> Counts:
    return np.zeros(count, np.int64)


@dataclass(frozen=True, slots=True)
class SetSumsPart:
    """Sums over rows with a label Y and a prediction P, both sets of classes.

    Attributes
    ----------
    classes
        The classes in the order of their codes; empty where labels are no sets.
    rows, labelled, unseen, n
        Rows in all, rows with a label, those of them with a class that is not known, and rows in the sums.
    hits, alarms, misses
        Rows in which a class is in both, in P alone and in Y alone, int64, shape (K + 1,); the last is for anything
        outside the classes.
    equal
        Rows with Y = P.
    wrong, wrong_squares
        Σw and Σw² of w = |Y Δ P|.
    jaccard, jaccard_squares
        Σj and Σj² of j = |Y ∩ P| / |Y ∪ P|, 1 where both are empty.
    f1, f1_squares
        Σf and Σf² of f = 2|Y ∩ P| / (|Y| + |P|), 1 where both are empty.
    products
        Σt², Σtd and Σd² of t = 2|Y ∩ P| and d = |Y| + |P|, int64, shape (3,).
    """

    classes: tuple[str, ...] = ()
    rows: int = 0
    labelled: int = 0
    unseen: int = 0
    n: int = 0
    hits: Counts = field(default_factory=lambda: _zeros(0))
    alarms: Counts = field(default_factory=lambda: _zeros(0))
    misses: Counts = field(default_factory=lambda: _zeros(0))
    equal: int = 0
    wrong: int = 0
    wrong_squares: int = 0
    jaccard: float = 0.0
    jaccard_squares: float = 0.0
    f1: float = 0.0
    f1_squares: float = 0.0
    products: Counts = field(default_factory=lambda: _zeros(3))


def _sums(sets: ClassSets, classes: tuple[str, ...], piece: slice) -> SetSumsPart:
    labels, predictions = sets.labels[piece], sets.predictions[piece]
    labelled, predicted = sets.labelled[piece], sets.predicted[piece]
    unseen = labelled & labels[:, -1]
    used = labelled & predicted & ~unseen
    y, p = labels[used], predictions[used]
    both = (y & p).sum(axis=1)
    size = y.sum(axis=1) + p.sum(axis=1)
    wrong = size - 2 * both
    union = size - both
    jaccard = np.divide(both, union, out=np.ones(len(both)), where=union > 0)
    f1 = np.divide(2.0 * both, size, out=np.ones(len(both)), where=size > 0)
    return SetSumsPart(
        classes, len(labelled), int(labelled.sum()), int(unseen.sum()), len(both),
        (y & p).sum(axis=0), (p & ~y).sum(axis=0), (y & ~p).sum(axis=0),
        int((wrong == 0).sum()), int(wrong.sum()), int((wrong**2).sum()),
        float(jaccard.sum()), float((jaccard**2).sum()), float(f1.sum()), float((f1**2).sum()),
        np.array([4 * (both**2).sum(), 2 * (both * size).sum(), (size**2).sum()], np.int64),
    )  # fmt: skip


def _merged(a: SetSumsPart, b: SetSumsPart) -> SetSumsPart:
    if not a.classes or not b.classes:
        return a if a.classes else b
    if a.classes != b.classes:
        raise StateError(
            f"sums over sets of the classes {', '.join(a.classes)} and {', '.join(b.classes)} do not merge; "
            "summarise both with one schema"
        )
    return SetSumsPart(
        a.classes, a.rows + b.rows, a.labelled + b.labelled, a.unseen + b.unseen, a.n + b.n,
        a.hits + b.hits, a.alarms + b.alarms, a.misses + b.misses,
        a.equal + b.equal, a.wrong + b.wrong, a.wrong_squares + b.wrong_squares,
        a.jaccard + b.jaccard, a.jaccard_squares + b.jaccard_squares,
        a.f1 + b.f1, a.f1_squares + b.f1_squares, a.products + b.products,
    )  # fmt: skip


class _Work:
    def __init__(self) -> None:
        self.known = SetSumsPart()

    def add(self, block: Outcomes) -> None:
        if block.sets is None or not block.classes:
            return
        none = _zeros(len(block.classes) + 1)
        self.known = _merged(self.known, SetSumsPart(block.classes, hits=none, alarms=none, misses=none))
        for start in range(0, block.rows, BLOCK):
            self.known = _merged(self.known, _sums(block.sets, block.classes, slice(start, start + BLOCK)))

    def part(self) -> SetSumsPart:
        return self.known


class SetSums:
    """Sums over predicted and true sets of classes, for every multilabel metric and its standard error.

    Exact. Rows without label or prediction, and rows whose label holds a class that is not known, are counted and left
    out; a predicted class that is not known is wrong.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "set_sums"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = SetSumsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: SetSumsPart, b: SetSumsPart) -> SetSumsPart:
        """Add the sums; StateError when the classes differ."""
        return _merged(a, b)

    def result(self, part: SetSumsPart) -> dict[str, float]:
        """Return n, how many sets are equal, and the wrong classes."""
        return {"n": part.n, "equal": part.equal, "wrong": part.wrong, "jaccard": part.jaccard}
