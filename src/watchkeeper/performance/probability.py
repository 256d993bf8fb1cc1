"""How good scores are as probabilities: log loss, Brier score and calibration error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import erf, exp, inf, pi, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.expectation import Expectation, over_predictions
from watchkeeper.performance.metric import MeanOfRows, MetricValue, NoValue, has_scores, measured
from watchkeeper.stats.calibration import CalibrationPart
from watchkeeper.stats.class_sums import ClassSumsPart
from watchkeeper.stats.intervals import Z, mean_interval, sample_error

__all__ = ["Brier", "CalibrationError", "LogLoss"]

_EPSILON = float(np.finfo(np.float64).eps)
Floats = NDArray[np.float64]


def _lack(part: CalibrationPart) -> NoValue | None:
    if not part.probability:
        return NoValue("the score is not a probability: the reference holds scores outside [0, 1]", failed=True)
    if part.outside:
        reason = f"{part.outside} of {part.n + part.outside} scores lie outside [0, 1] and are no probabilities"
        return NoValue(reason, part.n + part.outside, failed=True)
    return None if part.n else NoValue("no row has both a label and a score")


def _details(part: CalibrationPart) -> dict[str, float | str]:
    details: dict[str, float | str] = {"positives": int(part.positives.sum())}
    return {**details, "unscored": part.unscored} if part.unscored else details


_Formula = Callable[[CalibrationPart], MetricValue | NoValue]


def _measured(metric: str, state: State, estimate: _Formula, of_classes: _Formula | None = None) -> Measurement:
    """Measure from the sums over classes where there are any, else from those over the score of the positive one."""
    many = state.parts.get("class_sums")
    if not isinstance(many, ClassSumsPart) or not many.classes:
        return measured(metric, state, "calibration", CalibrationPart, estimate)
    formula = of_classes or estimate
    return measured(metric, state, "class_sums", ClassSumsPart, lambda part: _over_classes(part, formula))


def _over_classes(part: ClassSumsPart, formula: _Formula) -> MetricValue | NoValue:
    found = formula(part.calibration)
    if isinstance(found, NoValue):
        return found if found.failed else NoValue("no row has both a label and a score of every class")
    details = {name: value for name, value in found.details.items() if name != "positives"}
    return replace(found, details={"classes": len(part.classes), **details})


def _mean_loss(part: CalibrationPart, total: float, squares: float, highest: float) -> MetricValue:
    n = part.n
    error = sample_error(n, total, squares)
    interval = mean_interval(total / n, error, n, lowest=0.0, highest=highest)
    return MetricValue(total / n, n, error, interval, details=_details(part))


class LogLoss(MeanOfRows):
    """Mean of -ln of the probability given to what came true, clipped at 2.2e-16 as in scikit-learn. Exact.

    The standard error is the sample standard deviation over √n, the interval Student's.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "log_loss"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    loss: ClassVar[str] = "log_loss"
    held_against: ClassVar[Role] = Role.SCORE

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and scores."""
        return has_scores(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean loss; failed when scores are no probabilities."""
        return _measured(self.name, state, self._estimate)

    @staticmethod
    def _estimate(part: CalibrationPart) -> MetricValue | NoValue:
        return _lack(part) or _mean_loss(part, part.log_loss, part.log_loss_squares, inf)

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return -ln of the probability given to what came true, at least one machine epsilon."""
        return np.asarray(-np.log(np.maximum(_EPSILON, np.abs(1 - label - answer))))

    def constant(self, label: Floats) -> float:
        """Return the share of positive labels."""
        return float(label.mean())

    def of_class(self, e: Expectation) -> tuple[float, Floats]:
        """Add -ln of the score of the class to its rows."""
        slope = np.broadcast_to(self.row_losses(np.ones(len(e.scores)), e.scores)[:, None], e.positives.shape)
        return 0.0, slope.copy()


class Brier(MeanOfRows):
    """Mean squared difference of score and label. Exact, with the sample standard error and Student's interval.

    For more than two classes Brier's own definition, the squared differences of all classes added up: 0 to 2.

    References
    ----------
    Brier (1950), Verification of forecasts expressed in terms of probability,
    doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "brier"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)
    estimators: ClassVar[tuple[str, ...]] = ("multicalibrated",)
    loss: ClassVar[str] = "brier"
    held_against: ClassVar[Role] = Role.SCORE

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and scores."""
        return has_scores(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean squared difference; failed when scores are no probabilities."""
        return _measured(self.name, state, self._estimate, self._of_classes)

    @staticmethod
    def _estimate(part: CalibrationPart) -> MetricValue | NoValue:
        return _lack(part) or _mean_loss(part, part.squared, part.squared_squares, 1.0)

    @staticmethod
    def _of_classes(part: CalibrationPart) -> MetricValue | NoValue:
        return _lack(part) or _mean_loss(part, part.squared, part.squared_squares, 2.0)

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return the squared difference."""
        return np.asarray(np.square(label - answer))

    def constant(self, label: Floats) -> float:
        """Return the share of positive labels."""
        return float(label.mean())

    def of_class(self, e: Expectation) -> tuple[float, Floats]:
        """Add s² to every row, and 1 - 2s to those of the class."""
        slope = np.broadcast_to((1 - 2 * e.scores)[:, None], e.positives.shape)
        return float((over_predictions(e.rows) * e.scores**2).sum()), slope.copy()


class CalibrationError:
    """Expected calibration error Σ_b (n_b/n)·|mean score - share of positives| over 15 equal-width bins. Exact.

    Sampling alone makes it positive: ``floor`` is what a perfectly calibrated score would show, Σ_b (n_b/n)·σ_b·√(2/π)
    with σ_b² = s̄_b(1 - s̄_b)/n_b. The standard error adds the variances of the folded normal differences. The interval
    is conservative: the value is at most the sum of all noise above the truth, and below it only by its own error. For
    more than two classes the highest probability is held against how often its class came true (Guo et al.).

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning,
    https://ojs.aaai.org/index.php/AAAI/article/view/9602. Leone, Nelson, Nottingham (1961), The folded normal
    distribution, doi:10.1080/00401706.1961.10489974. Guo, Pleiss, Sun, Weinberger (2017), On calibration of modern
    neural networks, https://proceedings.mlr.press/v70/guo17a.html.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "calibration_error"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and scores."""
        return has_scores(schema)

    def measure(self, state: State) -> Measurement:
        """Return the error; failed when scores are no probabilities."""
        return _measured(self.name, state, self._estimate)

    @staticmethod
    def _estimate(part: CalibrationPart) -> MetricValue | NoValue:
        if lack := _lack(part):
            return lack
        used = part.counts > 0
        n, counts = part.n, part.counts[used]
        scores, positives = part.scores[used], part.positives[used]
        gaps = np.abs(scores - positives) / n
        # One success and one failure more keep a bin without positives from looking certain.
        shrunk = (positives + 1.0) / (counts + 2.0)
        noise = np.sqrt(counts * shrunk * (1 - shrunk)) / n
        calm = np.sqrt(np.maximum(0.0, scores * (1 - scores / counts))) / n
        value, floor = float(gaps.sum()), float(calm.sum()) * sqrt(2 / pi)
        error = sqrt(sum(_folded_variance(g, s) for g, s in zip(gaps.tolist(), noise.tolist(), strict=True)))
        total_noise = sqrt(2 / pi) * float(noise.sum()) + Z * sqrt((1 - 2 / pi) * float((noise**2).sum()))
        interval = max(0.0, value - total_noise), min(1.0, value + Z * error)
        return MetricValue(value, n, error, interval, floor, {**_details(part), "bins": int(used.sum())})


def _folded_variance(mean: float, deviation: float) -> float:
    """Return the variance of |X| for a normal X."""
    if deviation <= 0:
        return 0.0
    ratio = mean / deviation
    folded = deviation * sqrt(2 / pi) * exp(-ratio * ratio / 2) + mean * erf(ratio / sqrt(2))
    return max(0.0, mean * mean + deviation * deviation - folded * folded)
