"""Estimates of all metrics of one window from what is expected of each class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.performance.expectation import EXPECTED, Expectation, over_predictions

__all__ = ["Answered", "Expected", "Replicates", "estimates_of", "metrics_for", "variances_of"]

Floats = NDArray[np.float64]

_BY_PREDICTION = ("accuracy", "precision", "recall", "specificity", "f1")
_BY_SCORE = ("auroc", "average_precision")
_BY_PROBABILITY = ("log_loss", "brier")


@dataclass(frozen=True, slots=True)
class Replicates:
    """What would have been expected, had something else been learnt from.

    Attributes
    ----------
    draws
        Differences from what is expected: of the probability at each score, shape (d, b), or of the expected positives
        of each cell, shape (d, 3·b).
    weight
        The variance of a metric is this times the sum of its d squared differences: 1/d for bootstrap samples,
        (d - 1)/d where each leaves out one of d groups.
    """

    draws: Floats
    weight: float


@dataclass(frozen=True, slots=True)
class Answered:
    """What is expected of one class, and what it might have been for each independent source of error."""

    cells: Expectation
    replicates: tuple[Replicates, ...]

    def moved(self, source: int, gradient: Floats) -> Floats:
        """Return by how much a metric with this gradient differs in each replicate of a source, shape (d,)."""
        draws = self.replicates[source].draws
        by_score = draws.shape[1] == len(gradient)
        change = over_predictions(gradient * self.cells.rows) if by_score else gradient.ravel()
        return np.asarray(draws @ change)


@dataclass(frozen=True, slots=True)
class Expected:
    """A metric with the variances of sampling and of calibration."""

    value: float
    n: int
    sampling: float
    calibration: float


def metrics_for(schema: Schema) -> tuple[str, ...]:
    """Return the metrics that can be estimated with the columns of the log; none without scores."""
    if schema.task is Task.BINARY:
        scored = schema.of(Role.SCORE) is not None
    else:
        scored = schema.task is Task.MULTICLASS and bool(schema.class_scores)
    if not scored:
        return ()
    predicted = _BY_PREDICTION if schema.of(Role.PREDICTION) is not None else ()
    return (*predicted, *_BY_SCORE, *_BY_PROBABILITY)


def estimates_of(
    answered: Sequence[Answered], metrics: Iterable[str], probability: bool = True
) -> dict[str, Expected | None]:
    """Return each metric, None where it is not defined on these rows; log loss and Brier score need probabilities."""
    return {name: _estimate(answered, name) for name in metrics if probability or name not in _BY_PROBABILITY}


def _estimate(answered: Sequence[Answered], name: str) -> Expected | None:
    if len(answered) == 1:
        found = EXPECTED[name](answered[0].cells)
        return None if found is None else _joined(answered, [found[1]], found[0], name)
    if name in ("accuracy", "log_loss", "brier"):
        return _summed(answered, name)
    values, gradients, defined = [], [], []
    for one in answered:
        found = EXPECTED[name](one.cells)
        if found is not None:
            values.append(found[0])
            gradients.append(found[1])
            defined.append(one)
    if not defined:
        return None
    return _joined(defined, [g / len(defined) for g in gradients], float(np.mean(values)), name)


def _summed(answered: Sequence[Answered], name: str) -> Expected | None:
    """Return a metric of several classes that is a sum over the classes: a row has one label."""
    n = _rows(answered[0].cells, name)
    if n <= 0:
        return None
    value, gradients = 0.0, []
    for one in answered:
        e = one.cells
        slope = np.zeros_like(e.positives)
        if name == "accuracy":
            slope[:, 1] = 1.0
        elif name == "log_loss":
            slope[:] = -np.log(np.clip(e.scores, 2.220446049250313e-16, 1.0))[:, None]
        else:
            slope[:] = (1 - 2 * e.scores)[:, None]
            value += float((over_predictions(e.rows) * e.scores**2).sum()) / n
        value += float((slope * e.positives).sum()) / n
        gradients.append(slope / n)
    return _joined(answered, gradients, value, name)


def _rows(e: Expectation, name: str) -> float:
    return float(e.rows[:, :2].sum() if name in _BY_PREDICTION else e.rows.sum())


def _joined(answered: Sequence[Answered], gradients: Sequence[Floats], value: float, name: str) -> Expected:
    return Expected(value, round(_rows(answered[0].cells, name)), *variances_of(answered, gradients))


def variances_of(answered: Sequence[Answered], gradients: Sequence[Floats]) -> tuple[float, float]:
    """Return the variances of sampling and of calibration of a metric with these gradients, one for each class."""
    sampling = sum(float((a.cells.variance * g**2).sum()) for a, g in zip(answered, gradients, strict=True))
    calibration = 0.0
    for source, replicates in enumerate(answered[0].replicates):
        moved = np.sum([a.moved(source, g) for a, g in zip(answered, gradients, strict=True)], axis=0)
        calibration += replicates.weight * float(moved @ moved)
    return sampling, calibration
