"""How well the probabilities of all classes agree with the class that came true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import BLOCK, Outcomes
from watchkeeper.stats.calibration import BINS, CalibrationPart

__all__ = ["ClassRows", "ClassSums", "ClassSumsPart", "class_rows"]

_EPSILON = float(np.finfo(np.float64).eps)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassRows:
    """Up to ``BLOCK`` rows with a label among the classes and a probability of every class.

    Attributes
    ----------
    labels
        Code of the label, int64, shape (m,).
    scores
        Probability of each class, float64, shape (m, K).
    outside
        Labelled rows of the block with a finite score outside [0, 1]; they are not among the ``m``.
    unscored
        Labelled rows of the block with a score that is null, NaN or infinite; they are not among the ``m``.
    """

    labels: NDArray[np.int64]
    scores: Floats
    outside: int
    unscored: int


def class_rows(block: Outcomes) -> Iterator[ClassRows]:
    """Cut outcomes into blocks of rows with label and class scores; nothing where there are no class scores."""
    if block.class_scores is None or block.label is None:
        return
    for start in range(0, block.rows, BLOCK):
        labels = block.label[start : start + BLOCK].astype(np.int64, copy=False)
        scores = block.class_scores[start : start + BLOCK]
        known = labels >= 0
        if not known.all():
            labels, scores = labels[known], scores[known]
        finite = np.asarray(np.isfinite(scores).all(axis=1))
        with np.errstate(invalid="ignore"):
            inside = np.asarray(((scores >= 0.0) & (scores <= 1.0)).all(axis=1))
        unscored = len(labels) - int(np.count_nonzero(finite))
        outside = int(np.count_nonzero(finite & ~inside))
        if unscored or outside:
            labels, scores = labels[inside], scores[inside]
        yield ClassRows(labels, scores, outside, unscored)


@dataclass(frozen=True, slots=True)
class ClassSumsPart:
    """Sums over the labelled rows of a classifier that gives the probability p_k of each class k.

    Attributes
    ----------
    classes
        The classes in the order of their codes; empty where there are no class scores.
    counts, hits
        Rows by the highest probability in bins (k/15, (k+1)/15], and those of them whose label is the class that has
        it, int64, shape (15,).
    confidence
        Σ max p of each bin, float64, shape (15,).
    log_loss, log_loss_squares
        Σl and Σl², l = -ln of the probability given to the label, clipped at 2.2e-16.
    squared, squared_squares
        Σb and Σb², b = Σ_k (p_k - [k is the label])².
    outside, unscored
        Rows with a score outside [0, 1], and rows that lack one; they are in no sum.
    """

    classes: tuple[str, ...] = ()
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    hits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    confidence: Floats = field(default_factory=lambda: np.zeros(BINS))
    log_loss: float = 0.0
    log_loss_squares: float = 0.0
    squared: float = 0.0
    squared_squares: float = 0.0
    outside: int = 0
    unscored: int = 0

    @property
    def n(self) -> int:
        """Rows in the sums."""
        return int(self.counts.sum())

    @property
    def calibration(self) -> CalibrationPart:
        """The same sums as of a binary score: the highest probability against whether its class came true."""
        return CalibrationPart(
            self.counts, self.hits, self.confidence, self.log_loss, self.log_loss_squares,
            self.squared, self.squared_squares, self.outside, self.unscored,
        )  # fmt: skip


class _Work:
    def __init__(self) -> None:
        self.known = ClassSumsPart()

    def add(self, block: Outcomes) -> None:
        if block.class_scores is None:
            return
        self.known = _merged(self.known, ClassSumsPart(block.classes))
        for rows in class_rows(block):
            self.known = _merged(self.known, _sums(rows, block.classes))

    def part(self) -> ClassSumsPart:
        return self.known


def _sums(rows: ClassRows, classes: tuple[str, ...]) -> ClassSumsPart:
    labels, scores = rows.labels, rows.scores
    if not len(labels):
        return ClassSumsPart(classes, outside=rows.outside, unscored=rows.unscored)
    given = scores[np.arange(len(labels)), labels]
    losses = -np.log(np.maximum(given, _EPSILON))
    # Σ(p_k - y_k)² without a matrix of y.
    squares = np.einsum("ij,ij->i", scores, scores) - 2.0 * given + 1.0
    top = scores.argmax(axis=1)
    highest = scores[np.arange(len(labels)), top]
    bins = np.maximum(np.ceil(highest * BINS).astype(np.intp) - 1, 0)
    return ClassSumsPart(
        classes,
        np.bincount(bins, minlength=BINS),
        np.bincount(bins[top == labels], minlength=BINS),
        np.bincount(bins, highest, minlength=BINS).astype(np.float64),
        float(losses.sum()), float(np.einsum("i,i->", losses, losses)),
        float(squares.sum()), float(np.einsum("i,i->", squares, squares)),
        rows.outside, rows.unscored,
    )  # fmt: skip


def _merged(a: ClassSumsPart, b: ClassSumsPart) -> ClassSumsPart:
    if not a.classes or not b.classes:
        return a if a.classes else b
    if a.classes != b.classes:
        raise StateError(
            f"sums over the classes {', '.join(a.classes)} and {', '.join(b.classes)} do not merge; "
            "summarise both with one schema"
        )
    return ClassSumsPart(
        a.classes, a.counts + b.counts, a.hits + b.hits, a.confidence + b.confidence,
        a.log_loss + b.log_loss, a.log_loss_squares + b.log_loss_squares,
        a.squared + b.squared, a.squared_squares + b.squared_squares,
        a.outside + b.outside, a.unscored + b.unscored,
    )  # fmt: skip


class ClassSums:
    """Log loss, squared error and top-label reliability bins of a classifier that gives the probability of each class.

    Exact; kept where the log has a column of scores for each class. Rows with a score outside [0, 1] are counted and
    left out.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "class_sums"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (Outcomes,)
    part_type: ClassVar[type] = ClassSumsPart

    def applies(self, column: Column) -> bool:
        """No single column: it is kept for outcomes."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: ClassSumsPart, b: ClassSumsPart) -> ClassSumsPart:
        """Add the sums; StateError when the classes differ."""
        return _merged(a, b)

    def result(self, part: ClassSumsPart) -> dict[str, float]:
        """Return n, Σ log loss, Σ squared error and the rows whose most probable class came true."""
        return {"n": part.n, "log_loss": part.log_loss, "squared": part.squared, "hits": int(part.hits.sum())}
