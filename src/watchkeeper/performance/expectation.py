"""What metrics are expected to be when labels are known by their probabilities alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["EXPECTED", "Expectation", "over_predictions"]

Floats = NDArray[np.float64]
Formula = Callable[["Expectation"], "tuple[float, Floats] | None"]

_TINY = 2.220446049250313e-16
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


def _accuracy(e: Expectation) -> tuple[float, Floats] | None:
    tp, fp, fn, tn = _cells(e)
    n = tp + fp + fn + tn
    return ((tp + tn) / n, _slopes(e, 1 / n, -1 / n)) if n > 0 else None


def _precision(e: Expectation) -> tuple[float, Floats] | None:
    tp, fp, _, _ = _cells(e)
    return (tp / (tp + fp), _slopes(e, 1 / (tp + fp), 0.0)) if tp + fp > 0 else None


def _recall(e: Expectation) -> tuple[float, Floats] | None:
    tp, _, fn, _ = _cells(e)
    total = tp + fn
    return (tp / total, _slopes(e, fn / total**2, -tp / total**2)) if total > 0 else None


def _specificity(e: Expectation) -> tuple[float, Floats] | None:
    _, fp, _, tn = _cells(e)
    total = tn + fp
    return (tn / total, _slopes(e, tn / total**2, -fp / total**2)) if total > 0 else None


def _f1(e: Expectation) -> tuple[float, Floats] | None:
    tp, fp, fn, _ = _cells(e)
    below = 2 * tp + fp + fn  # predicted positives and positives: one row more among the positives adds one
    value = 2 * tp / below if below > 0 else 0.0
    return (value, _slopes(e, (2 - value) / below, -value / below)) if below > 0 else None


def _auroc(e: Expectation) -> tuple[float, Floats] | None:
    positives, negatives = over_predictions(e.positives), over_predictions(e.rows - e.positives)
    p, q = float(positives.sum()), float(negatives.sum())
    if p <= 0 or q <= 0:
        return None
    below = np.cumsum(negatives) - 0.5 * negatives
    above = p - np.cumsum(positives) + 0.5 * positives
    value = float(positives @ below) / (p * q)
    slope = (below - above) / (p * q) - value / p + value / q
    return value, np.repeat(slope[:, None], 3, axis=1)


def _average_precision(e: Expectation) -> tuple[float, Floats] | None:
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


def _log_loss(e: Expectation) -> tuple[float, Floats] | None:
    s = np.clip(e.scores, _TINY, 1 - _TINY)
    return _mean_loss(e, -np.log(s), -np.log1p(-s))


def _brier(e: Expectation) -> tuple[float, Floats] | None:
    return _mean_loss(e, (1 - e.scores) ** 2, e.scores**2)


def _mean_loss(e: Expectation, of_positive: Floats, of_negative: Floats) -> tuple[float, Floats] | None:
    n = float(e.rows.sum())
    if n <= 0:
        return None
    positives = over_predictions(e.positives)
    value = float(positives @ of_positive + (over_predictions(e.rows) - positives) @ of_negative) / n
    return value, np.repeat(((of_positive - of_negative) / n)[:, None], 3, axis=1)


EXPECTED: Mapping[str, Formula] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "f1": _f1,
    "auroc": _auroc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
}
"""By metric the formula: its value and its derivatives by the expected positives of each cell, shape (b, 3)."""
