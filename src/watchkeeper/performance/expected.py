"""Estimates of all metrics of one window from what is expected of each class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.state import StateKey
from watchkeeper.performance.estimator import estimated
from watchkeeper.performance.expectation import (
    Expectation,
    SummedOverClasses,
    formula_of,
    over_predictions,
    rests_on,
)

__all__ = ["Answered", "Expected", "Replicates", "estimates_of", "measurements_of", "metrics_for", "variances_of"]

Floats = NDArray[np.float64]


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
    task = schema.task.spec
    if not ((task.two_classes and schema.of(Role.SCORE) is not None) or (task.class_scores and schema.class_scores)):
        return ()
    answered = schema.of(Role.PREDICTION) is not None
    return tuple(
        name
        for name, metric in plugins("metric").items()
        if schema.task in metric.tasks
        and formula_of(metric) is not None
        and (answered or rests_on(metric) != "prediction")
    )


def estimates_of(
    answered: Sequence[Answered], metrics: Iterable[str], probability: bool = True
) -> dict[str, Expected | None]:
    """Return each metric, None where it is not defined on these rows; log loss and Brier score need probabilities."""
    made = {name: plugin("metric", name) for name in metrics}
    return {
        name: _estimate(answered, metric)
        for name, metric in made.items()
        if probability or rests_on(metric) != "probability"
    }


def measurements_of(
    key: StateKey,
    by_metric: Mapping[str, Expected | None],
    estimation: Estimation,
    n_reference: int,
    details: Mapping[str, float | str] | None = None,
) -> list[Measurement]:
    """Return what a method expects of each metric as measurements."""
    return [
        Measurement.missing(key, Family.ESTIMATE, name, "the metric is not defined on these rows")
        if one is None
        else estimated(
            key, name, one.value, one.n, one.sampling, one.calibration, estimation,
            n_reference=n_reference, details=details,
        )
        for name, one in by_metric.items()
    ]  # fmt: skip


def _estimate(answered: Sequence[Answered], metric: object) -> Expected | None:
    formula = formula_of(metric)
    if formula is None:
        return None
    if len(answered) == 1:
        found = formula(answered[0].cells)
        return None if found is None else _joined(answered, [found[1]], found[0], metric)
    if isinstance(metric, SummedOverClasses):
        return _summed(answered, metric)
    values, gradients, defined = [], [], []
    for one in answered:
        found = formula(one.cells)
        if found is not None:
            values.append(found[0])
            gradients.append(found[1])
            defined.append(one)
    if not defined:
        return None
    return _joined(defined, [g / len(defined) for g in gradients], float(np.mean(values)), metric)


def _summed(answered: Sequence[Answered], metric: SummedOverClasses) -> Expected | None:
    """Return a metric of several classes that is a sum over the classes."""
    n = _rows(answered[0].cells, metric)
    if n <= 0:
        return None
    value, gradients = 0.0, []
    for one in answered:
        constant, slope = metric.of_class(one.cells)
        value += constant / n + float((slope * one.cells.positives).sum()) / n
        gradients.append(slope / n)
    return _joined(answered, gradients, value, metric)


def _rows(e: Expectation, metric: object) -> float:
    return float(e.rows[:, :2].sum() if rests_on(metric) == "prediction" else e.rows.sum())


def _joined(answered: Sequence[Answered], gradients: Sequence[Floats], value: float, metric: object) -> Expected:
    return Expected(value, round(_rows(answered[0].cells, metric)), *variances_of(answered, gradients))


def variances_of(answered: Sequence[Answered], gradients: Sequence[Floats]) -> tuple[float, float]:
    """Return the variances of sampling and of calibration of a metric with these gradients, one for each class."""
    sampling = sum(float((a.cells.variance * g**2).sum()) for a, g in zip(answered, gradients, strict=True))
    calibration = 0.0
    for source, replicates in enumerate(answered[0].replicates):
        moved = np.sum([a.moved(source, g) for a, g in zip(answered, gradients, strict=True)], axis=0)
        calibration += replicates.weight * float(moved @ moved)
    return sampling, calibration
