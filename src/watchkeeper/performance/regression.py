"""How far predicted numbers are from true ones."""

from __future__ import annotations

from math import inf, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MeanOfRows, MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.error_sums import ErrorSumsPart
from watchkeeper.stats.intervals import mean_interval, sample_error

__all__ = ["R2", "Mae", "Mape", "Mse", "Rmse", "Smape"]

Floats = NDArray[np.float64]
_TINY = float(np.finfo(np.float64).eps)
_REGRESSION = frozenset({Task.REGRESSION})
_NONE_LABELLED = NoValue("no row has both a label and a prediction")


def _details(part: ErrorSumsPart) -> dict[str, float | str]:
    lost = part.labelled - part.n
    return {"unpredicted": lost} if lost else {}


def _mean(part: ErrorSumsPart, total: float, squares: float, highest: float = inf) -> MetricValue | NoValue:
    """Return the mean of a loss that is never negative, with its sample error."""
    n = part.n
    if not n:
        return _NONE_LABELLED
    error = sample_error(n, total, squares)
    return MetricValue(total / n, n, error, mean_interval(total / n, error, n, 0.0, highest), details=_details(part))


class Mae(MeanOfRows):
    """Mean absolute error, mean of |p - y|. Exact; sample standard error, Student's interval."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "mae"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    estimators: ClassVar[tuple[str, ...]] = ("dle",)
    loss: ClassVar[str] = "absolute_error"
    held_against: ClassVar[Role] = Role.PREDICTION

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean absolute error."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, lambda p: _mean(p, p.absolute, p.squared))

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return the absolute difference."""
        return np.asarray(np.abs(label - answer))

    def constant(self, label: Floats) -> float:
        """Return the median."""
        return float(np.median(label))


class Mse(MeanOfRows):
    """Mean squared error, mean of (p - y)². Exact; sample standard error, Student's interval."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "mse"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    estimators: ClassVar[tuple[str, ...]] = ("dle",)
    loss: ClassVar[str] = "squared_error"
    held_against: ClassVar[Role] = Role.PREDICTION

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean squared error."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, lambda p: _mean(p, p.squared, p.fourth))

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return the squared difference."""
        return np.asarray(np.square(label - answer))

    def constant(self, label: Floats) -> float:
        """Return the mean."""
        return float(label.mean())


class Rmse:
    """Root of the mean squared error. Exact; its standard error is that of the MSE over 2·RMSE (delta method).

    The interval is the root of the MSE's.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "rmse"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    estimators: ClassVar[tuple[str, ...]] = ("dle",)
    root_of: ClassVar[str] = "mse"

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the root of the mean squared error."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: ErrorSumsPart) -> MetricValue | NoValue:
        square = _mean(part, part.squared, part.fourth)
        if isinstance(square, NoValue):
            return square
        value = sqrt(square.value)
        error = None if square.error is None else square.error / (2 * value) if value > 0 else 0.0
        interval = None if square.interval is None else (sqrt(square.interval[0]), sqrt(square.interval[1]))
        return MetricValue(value, square.n, error, interval, details=square.details)


class Mape(MeanOfRows):
    """Mean of |p - y| / max(|y|, 2.2e-16), as a fraction, as in scikit-learn. Exact; sample standard error.

    It explodes with labels of 0, whose number is the fact ``zero_labels``; SMAPE or MAE suit such data better.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "mape"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    estimators: ClassVar[tuple[str, ...]] = ("dle",)
    loss: ClassVar[str] = "relative_error"
    held_against: ClassVar[Role] = Role.PREDICTION

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean relative error."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: ErrorSumsPart) -> MetricValue | NoValue:
        found = _mean(part, part.relative, part.relative_squares)
        if isinstance(found, NoValue) or not part.zeros:
            return found
        details = {**found.details, "zero_labels": part.zeros}
        return MetricValue(found.value, found.n, found.error, found.interval, details=details)

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return the absolute difference as a share of the label."""
        return np.asarray(np.abs(label - answer) / np.maximum(np.abs(label), _TINY))

    def constant(self, label: Floats) -> float:
        """Return the median of the labels, each weighted by 1 / |y|."""
        order = np.argsort(label)
        weight = np.cumsum(1 / np.maximum(np.abs(label[order]), _TINY))
        return float(label[order][np.searchsorted(weight, weight[-1] / 2)])


class Smape(MeanOfRows):
    """Mean of 2·|p - y| / (|y| + |p|), between 0 and 2; 0 where both are 0. Exact; sample standard error."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "smape"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)
    loss: ClassVar[str] = "symmetric_relative_error"
    held_against: ClassVar[Role] = Role.PREDICTION

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean symmetric relative error."""
        return measured(
            self.name, state, "error_sums", ErrorSumsPart, lambda p: _mean(p, p.symmetric, p.symmetric_squares, 2.0)
        )

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return twice the absolute difference as a share of both together."""
        both = np.abs(label) + np.abs(answer)
        return np.asarray(2 * np.abs(label - answer) / np.where(both > 0, both, 1.0))

    def constant(self, label: Floats) -> float:
        """Return the best of the percentiles: between two labels the mean loss is concave, so a label is best."""
        tried = np.quantile(label, np.arange(101) / 100, method="nearest")
        return float(min(tried, key=lambda c: float(self.row_losses(label, np.full(len(label), c)).mean())))


class R2:
    """Coefficient of determination 1 - Σ(p - y)² / Σ(y - ȳ)². Exact.

    The standard error is the delta method's over both sums: √Σψ² / n with ψ = ((p - y)² - r·(y - ȳ)²) / v, r the ratio
    of the sums and v the variance of the labels; the interval is Student's.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "r2"
    tasks: ClassVar[frozenset[Task]] = _REGRESSION
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (-inf, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the coefficient; no data where all labels are equal."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: ErrorSumsPart) -> MetricValue | NoValue:
        n = part.n
        if not n:
            return _NONE_LABELLED
        if not part.labels.second > 0:
            return NoValue(f"all {n} labels are equal" if n > 1 else "one label has no variance to explain", n)
        ratio, spread = part.squared / part.labels.second, part.labels.second / n
        squares = part.fourth - 2 * ratio * part.cross_squares + ratio * ratio * part.labels.fourth
        error = sqrt(max(0.0, squares)) / (spread * n)
        return MetricValue(1 - ratio, n, error, mean_interval(1 - ratio, error, n, highest=1.0), details=_details(part))
