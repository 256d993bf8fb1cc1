"""What metrics are expected to be when labels are known by their probabilities alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.metric import Metric, RowLoss
from watchkeeper.core.schema import Role

__all__ = [
    "Expectation",
    "ExpectedMetric",
    "SummedOverClasses",
    "expected_accuracy",
    "expected_auroc",
    "expected_average_precision",
    "expected_f1",
    "expected_precision",
    "expected_recall",
    "expected_specificity",
    "formula_of",
    "losses_by_label",
    "over_predictions",
    "rests_on",
]

Floats = NDArray[np.float64]
Formula = Callable[["Expectation"], "tuple[float, Floats] | None"]

_OTHER, _THIS = 0, 1


@dataclass(frozen=True, slots=True)
class Expectation:
    """Rows of a window by score and prediction, with the positives that are to be expected among them.

    Attributes
    ----------
    scores
        Strictly increasing, shape (b,).
    rows, positives, variance
        Rows, expected positives and the variance of their number, shape (b, 3): by prediction, which is another class,
        this class or unknown.
    """

    scores: Floats
    rows: Floats
    positives: Floats
    variance: Floats

    @classmethod
    def of(cls, scores: Floats, rows: Floats, probability: Floats) -> Expectation:
        """Return the expectation where all rows of a score have one probability, shape (b,)."""
        c = probability[:, None]
        return cls(scores, rows, rows * c, rows * c * (1 - c))

    @property
    def n(self) -> int:
        """Rows in all."""
        return int(self.rows.sum())


@runtime_checkable
class ExpectedMetric(Metric, Protocol):
    """A metric that says what it is expected to be when only the probability of each label is known.

    Attributes
    ----------
    rests_on
        What it needs of a row: the ``prediction``; a ``score`` that ranks; or one that is a ``probability``.
    """

    rests_on: ClassVar[str]

    def expected(self, e: Expectation) -> tuple[float, Floats] | None:
        """Return its value and its derivatives by the expected positives of each cell, shape (b, 3).

        Of more than two classes it is the plain mean over the classes, each against the rest, unless the metric is
        ``SummedOverClasses``. None where it is not defined.
        """


@runtime_checkable
class SummedOverClasses(Protocol):
    """A metric that over several classes is a sum of what each adds, for a row has one label."""

    def of_class(self, e: Expectation) -> tuple[float, Floats]:
        """Return what one class adds to the sum over rows whatever its labels, and each positive, shape (b, 3)."""


def over_predictions(cells: Floats) -> Floats:
    """Return the sums over the predictions of each score, shape (b,)."""
    # Several times as fast as a sum along an axis of three.
    return np.asarray(cells[:, 0] + cells[:, 1] + cells[:, 2])


def _cells(e: Expectation) -> tuple[float, float, float, float]:
    """Return the expected TP, FP, FN and TN."""
    tp, fn = float(e.positives[:, _THIS].sum()), float(e.positives[:, _OTHER].sum())
    return tp, float(e.rows[:, _THIS].sum()) - tp, fn, float(e.rows[:, _OTHER].sum()) - fn


def _slopes(e: Expectation, this: float, other: float) -> Floats:
    """Return the gradient of a metric that knows positives by the prediction alone."""
    found = np.zeros_like(e.positives)
    found[:, _THIS], found[:, _OTHER] = this, other
    return found


def expected_accuracy(e: Expectation) -> tuple[float, Floats] | None:
    """Return the accuracy with its derivatives by the expected positives; None where undefined."""
    tp, fp, fn, tn = _cells(e)
    n = tp + fp + fn + tn
    return ((tp + tn) / n, _slopes(e, 1 / n, -1 / n)) if n > 0 else None


def expected_precision(e: Expectation) -> tuple[float, Floats] | None:
    """Return the precision with its derivatives by the expected positives; None where undefined."""
    tp, fp, _, _ = _cells(e)
    return (tp / (tp + fp), _slopes(e, 1 / (tp + fp), 0.0)) if tp + fp > 0 else None


def expected_recall(e: Expectation) -> tuple[float, Floats] | None:
    """Return the recall with its derivatives by the expected positives; None where undefined."""
    tp, _, fn, _ = _cells(e)
    total = tp + fn
    return (tp / total, _slopes(e, fn / total**2, -tp / total**2)) if total > 0 else None


def expected_specificity(e: Expectation) -> tuple[float, Floats] | None:
    """Return the specificity with its derivatives by the expected positives; None where undefined."""
    _, fp, _, tn = _cells(e)
    total = tn + fp
    return (tn / total, _slopes(e, tn / total**2, -fp / total**2)) if total > 0 else None


def expected_f1(e: Expectation) -> tuple[float, Floats] | None:
    """Return F1 with its derivatives by the expected positives; None where undefined."""
    tp, fp, fn, _ = _cells(e)
    below = 2 * tp + fp + fn  # predicted positives and positives: one row more among the positives adds one
    value = 2 * tp / below if below > 0 else 0.0
    return (value, _slopes(e, (2 - value) / below, -value / below)) if below > 0 else None


def expected_auroc(e: Expectation) -> tuple[float, Floats] | None:
    """Return the area under the ROC curve with its derivatives by the expected positives; None where undefined."""
    positives, negatives = over_predictions(e.positives), over_predictions(e.rows - e.positives)
    p, q = float(positives.sum()), float(negatives.sum())
    if p <= 0 or q <= 0:
        return None
    below = np.cumsum(negatives) - 0.5 * negatives
    above = p - np.cumsum(positives) + 0.5 * positives
    value = float(positives @ below) / (p * q)
    slope = (below - above) / (p * q) - value / p + value / q
    return value, np.repeat(slope[:, None], 3, axis=1)


def expected_average_precision(e: Expectation) -> tuple[float, Floats] | None:
    """Return the average precision with its derivatives by the expected positives; None where undefined."""
    positives, rows = over_predictions(e.positives)[::-1], over_predictions(e.rows)[::-1]
    total = float(positives.sum())
    if total <= 0:
        return None
    hits, flagged = np.cumsum(positives), np.cumsum(rows)
    # Above the highest score nothing is flagged, and nothing hit.
    flagged = np.where(flagged > 0, flagged, 1.0)
    value = float((positives * hits / flagged).sum()) / total
    later = np.cumsum((positives / flagged)[::-1])[::-1]
    slope = ((hits / flagged + later - value) / total)[::-1]
    return value, np.repeat(slope[:, None], 3, axis=1)


def _mean_loss(e: Expectation, of_positive: Floats, of_negative: Floats) -> tuple[float, Floats] | None:
    n = float(e.rows.sum())
    if n <= 0:
        return None
    positives = over_predictions(e.positives)
    value = float(positives @ of_positive + (over_predictions(e.rows) - positives) @ of_negative) / n
    return value, np.repeat(((of_positive - of_negative) / n)[:, None], 3, axis=1)


def formula_of(metric: object) -> Formula | None:
    """Return how a metric is expected, see ``ExpectedMetric.expected``; None where it cannot be.

    One that is a mean over rows of what a probability costs is its mean over both labels, and need not say so.
    """
    if isinstance(metric, ExpectedMetric):
        return metric.expected
    if isinstance(metric, RowLoss) and metric.held_against is Role.SCORE:
        return partial(_expected_loss, metric)
    return None


def rests_on(metric: object) -> str:
    """Return what a metric needs of each row to be expected: ``prediction``, ``score`` or ``probability``."""
    return metric.rests_on if isinstance(metric, ExpectedMetric) else "probability"


def _expected_loss(metric: RowLoss, e: Expectation) -> tuple[float, Floats] | None:
    return _mean_loss(e, *losses_by_label(metric, e.scores))


def losses_by_label(metric: RowLoss, scores: Floats) -> tuple[Floats, Floats]:
    """Return what each score costs if the label is positive, and if it is not, both of shape (b,)."""
    return metric.row_losses(np.ones(len(scores)), scores), metric.row_losses(np.zeros(len(scores)), scores)
