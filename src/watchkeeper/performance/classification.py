"""Accuracy, precision, recall, specificity and F1."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mode

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.discrimination import SHOWN_CLASSES
from watchkeeper.performance.expectation import (
    Expectation,
    expected_accuracy,
    expected_f1,
    expected_precision,
    expected_recall,
    expected_specificity,
)
from watchkeeper.performance.metric import MeanOfRows, MetricValue, NoValue, has_classes, measured
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.intervals import logit_interval, proportion_error, wilson

__all__ = ["F1", "Accuracy", "Precision", "Recall", "Specificity"]

_NONE_LABELLED = "no row has both a label and a prediction"
Floats = NDArray[np.float64]


def _details(part: ConfusionPart) -> dict[str, float | str]:
    """Say what was left out, and for two classes the four counts."""
    left = {"unseen_labels": part.unseen_labels, "unpredicted": part.unpredicted}
    details: dict[str, float | str] = {name: float(n) for name, n in left.items() if n}
    if part.positive >= 0:
        tp, fp, fn, tn = _cells(part)
        details |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return details


def _cells(part: ConfusionPart) -> tuple[int, int, int, int]:
    """Return TP, FP, FN and TN of the positive class; a prediction outside the classes is not positive."""
    matrix, k = part.matrix(), part.positive
    tp, predicted, labelled = int(matrix[k, k]), int(matrix[:, k].sum()), int(matrix[k].sum())
    return tp, predicted - tp, labelled - tp, int(matrix.sum()) - predicted - labelled + tp


def _proportion(part: ConfusionPart, k: int, n: int) -> MetricValue:
    return MetricValue(k / n, n, proportion_error(k, n), wilson(k, n), details=_details(part))


def _macro(part: ConfusionPart, name: str) -> MetricValue | NoValue:
    """Average a ratio over the classes that occur, with the multinomial delta method over the cells of the matrix."""
    matrix = part.matrix()
    n = int(matrix.sum())
    if not n:
        return NoValue(_NONE_LABELLED)
    hits = np.diagonal(matrix).astype(float)
    labelled, predicted = matrix.sum(axis=1).astype(float), matrix.sum(axis=0)[:-1].astype(float)
    occurs = (labelled + predicted) > 0
    values, gradient = _ratios(name, hits, labelled, predicted)
    classes = int(occurs.sum())
    value = float(values[occurs].sum()) / classes
    variance = float((matrix * gradient**2).sum() - (matrix * gradient).sum() ** 2 / n) / classes**2
    error = sqrt(max(0.0, variance))
    fewest = float(labelled[labelled > 0].min())
    if error <= 1e-12 or not 0 < value < 1:
        # Without variance in the sample the smallest class limits what can be known.
        error, interval = proportion_error(round(value * fewest), fewest), wilson(value * fewest, fewest)
    else:
        interval = logit_interval(value, error)
    details: dict[str, float | str] = {**_details(part), "classes": classes, "average": "macro"}
    if classes <= SHOWN_CLASSES:
        own = zip(part.classes, values.tolist(), occurs.tolist(), strict=True)
        details |= {f"of {label}": ratio for label, ratio, there in own if there}
    return MetricValue(value, n, error, interval, details=details)


def _ratios(name: str, hits: Floats, labelled: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    """Return the ratio of each class, shape (K,), and the derivatives of their sum by each cell, shape (K, K + 1)."""
    if name == "specificity":
        return _specificities(hits, labelled, predicted)
    weight, below = {
        "precision": (1.0, predicted),
        "recall": (1.0, labelled),
        "f1": (2.0, labelled + predicted),
    }[name]
    inverse = np.divide(1.0, below, out=np.zeros_like(below), where=below > 0)
    values = weight * hits * inverse
    slope = values * inverse
    gradient = np.zeros((len(hits), len(hits) + 1))
    if name in ("recall", "f1"):
        gradient -= slope[:, None]
    if name in ("precision", "f1"):
        gradient[:, :-1] -= slope[None, :]
    np.einsum("ii->i", gradient[:, :-1])[...] += weight * inverse
    return values, gradient


def _specificities(hits: Floats, labelled: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    negatives = labelled.sum() - labelled
    inverse = np.divide(1.0, negatives, out=np.zeros_like(negatives), where=negatives > 0)
    values = np.where(negatives > 0, 1 - (predicted - hits) * inverse, 1.0)
    # A row with another label adds to the negatives of class k, and if it is predicted as k to its false alarms.
    own = (1 - values) * inverse
    gradient = np.zeros((len(hits), len(hits) + 1)) + own.sum() - own[:, None]
    gradient[:, :-1] -= inverse[None, :]
    np.einsum("ii->i", gradient[:, :-1])[...] += inverse
    return values, gradient


class Accuracy(MeanOfRows):
    """Share of labelled rows whose prediction is the label, with Wilson's interval. Exact.

    A prediction outside the classes is wrong; a row without label or prediction does not count.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "accuracy"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    loss: ClassVar[str] = "error"
    held_against: ClassVar[Role] = Role.PREDICTION
    rests_on: ClassVar[str] = "prediction"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions, or scores of two classes, which predict at one half."""
        return has_classes(schema)

    def measure(self, state: State) -> Measurement:
        """Return the share."""
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    @staticmethod
    def _estimate(part: ConfusionPart) -> MetricValue | NoValue:
        matrix = part.matrix()
        n = int(matrix.sum())
        return _proportion(part, int(np.trace(matrix)), n) if n else NoValue(_NONE_LABELLED)

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return 1 for a wrong answer and 0 for a right one."""
        return np.asarray(np.where(np.isnan(label) | np.isnan(answer), np.nan, label != answer))

    def constant(self, label: Floats) -> float:
        """Return the class that occurs most often."""
        return float(mode(label).mode)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_accuracy(e)

    def of_class(self, e: Expectation) -> tuple[float, Floats]:
        """Add the rows of a class that are predicted to be of it."""
        slope = np.zeros_like(e.positives)
        slope[:, 1] = 1.0
        return 0.0, slope


class Precision:
    """TP / (TP + FP): the share of positive predictions that are right. Exact.

    For more than two classes the plain mean over the classes that occur among labels or predictions, a class that is
    never predicted counting 0. Wilson's interval for two classes; otherwise the multinomial delta method on the
    logit scale.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "precision"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    rests_on: ClassVar[str] = "prediction"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions, or scores of two classes, which predict at one half."""
        return has_classes(schema)

    def measure(self, state: State) -> Measurement:
        """Return the share, or its mean over classes."""
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    @staticmethod
    def _estimate(part: ConfusionPart) -> MetricValue | NoValue:
        if part.positive < 0:
            return _macro(part, "precision")
        tp, fp, fn, tn = _cells(part)
        if not tp + fp:
            return NoValue("no labelled row was predicted positive" if fn + tn else _NONE_LABELLED, fn + tn)
        return _proportion(part, tp, tp + fp)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_precision(e)


class Recall:
    """TP / (TP + FN): the share of positives that were found. Exact.

    For more than two classes the plain mean over the classes that occur among labels or predictions. Intervals as for
    precision.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "recall"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("pape",)
    rests_on: ClassVar[str] = "prediction"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions, or scores of two classes, which predict at one half."""
        return has_classes(schema)

    def measure(self, state: State) -> Measurement:
        """Return the share, or its mean over classes."""
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    @staticmethod
    def _estimate(part: ConfusionPart) -> MetricValue | NoValue:
        if part.positive < 0:
            return _macro(part, "recall")
        tp, fp, fn, tn = _cells(part)
        if not tp + fn:
            return NoValue("no labelled row is positive" if fp + tn else _NONE_LABELLED, fp + tn)
        return _proportion(part, tp, tp + fn)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_recall(e)


class Specificity:
    """TN / (TN + FP): the share of negatives that were predicted to be such. Exact.

    For more than two classes the plain mean over the classes that occur among labels or predictions, each against the
    rest; a class that every row has counts 1. Intervals as for precision.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "specificity"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    rests_on: ClassVar[str] = "prediction"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions, or scores of two classes, which predict at one half."""
        return has_classes(schema)

    def measure(self, state: State) -> Measurement:
        """Return the share, or its mean over classes."""
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    @staticmethod
    def _estimate(part: ConfusionPart) -> MetricValue | NoValue:
        if part.positive < 0:
            return _macro(part, "specificity")
        tp, fp, fn, tn = _cells(part)
        if not fp + tn:
            return NoValue("no labelled row is negative" if tp + fn else _NONE_LABELLED, tp + fn)
        return _proportion(part, tn, fp + tn)

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_specificity(e)


class F1:
    """2·TP / (2·TP + FP + FN): the harmonic mean of precision and recall. Exact.

    F1 = 2J / (1 + J) grows with J = TP / (TP + FP + FN), a proportion, so Wilson's interval of J maps to one of F1;
    the standard error is the delta method's, 2·√(TP·(FP + FN)·(TP + FP + FN)) / (2·TP + FP + FN)². For more than two
    classes the plain mean, with intervals as for precision.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "f1"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    rests_on: ClassVar[str] = "prediction"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions, or scores of two classes, which predict at one half."""
        return has_classes(schema)

    def measure(self, state: State) -> Measurement:
        """Return F1, or its mean over classes."""
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    @staticmethod
    def _estimate(part: ConfusionPart) -> MetricValue | NoValue:
        if part.positive < 0:
            return _macro(part, "f1")
        tp, fp, fn, tn = _cells(part)
        n, involved = tp + fp + fn + tn, tp + fp + fn
        if not involved:
            return NoValue("no labelled row is positive or was predicted so" if n else _NONE_LABELLED, n)
        value = 2 * tp / (tp + involved)
        slope = 2 / (1 + tp / involved) ** 2
        lower, upper = (2 * j / (1 + j) for j in wilson(tp, involved))
        return MetricValue(value, n, slope * proportion_error(tp, involved), (lower, upper), details=_details(part))

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return the value and its derivatives by the expected positives."""
        return expected_f1(e)
