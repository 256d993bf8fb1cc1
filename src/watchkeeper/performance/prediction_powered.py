"""Prediction-powered inference: what a few labels and all scores say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.calibrator import calibrator_of
from watchkeeper.performance.cbpe import cells_of, lack_of_labels
from watchkeeper.performance.dle import is_relative, learnt_losses, loss_model, losses_of, roots_of
from watchkeeper.performance.estimator import estimated
from watchkeeper.performance.expectation import Expectation, formula_of, losses_by_label, rests_on
from watchkeeper.performance.expected import metrics_for
from watchkeeper.performance.sampled import has_sample, sampled
from watchkeeper.stats.score_cells import ScoreCellsPart, score_of

__all__ = ["MISSING_AT_RANDOM", "Powered", "PredictionPowered", "powered"]

Floats = NDArray[np.float64]

MISSING_AT_RANDOM = "the labels that have come are those of a random part of the rows with one prediction"
"""What a prediction-powered estimate rests on."""

LEAST = 10
"""Labelled rows that each group of rows needs."""

_FEWEST = 50


@dataclass(frozen=True, slots=True)
class Powered:
    """A mean loss with its variance and the weight that predictions were given."""

    value: float
    variance: float
    weight: float


class PredictionPowered:
    """Metrics from the labels that have come, with what CBPE or DLE expects of all rows to steady them (PPI).

    For a loss ℓ, its expectation f, n labelled rows and N others, θ = λ·mean(f) + mean(ℓ - λf), the first mean over the
    N others and the second over the n, with λ = clip(cov(ℓ, f)/((1 + n/N)·var f), 0, 1) and
    var θ = λ²·var(f)/N + var(ℓ - λf)/n. Whatever f is, θ is unbiased: this estimate sees concept shift. The better f
    is, the narrower the band. Accuracy, precision, recall, specificity and F1 follow from the rates of right answers in
    each group of rows with one prediction by the delta method; log loss and Brier score, and the losses of regressors,
    from one mean over all rows. It rests on labels that are missing at random within a prediction; labels that come
    early because of what they are bias it. At least 50 labels and 10 of each prediction are needed.

    References
    ----------
    Angelopoulos et al. (2023), Prediction-powered inference, doi:10.1126/science.adi6000. Angelopoulos, Duchi, Zrnic
    (2023), PPI++, arXiv:2311.01453.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "prediction_powered"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION | {Task.REGRESSION}
    needs: ClassVar[tuple[str, ...]] = ()

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, and scores or, of a regressor, features."""
        if schema.of(Role.LABEL) is None:
            return False
        return has_sample(schema) if schema.task.spec.estimated_from_rows else bool(metrics_for(schema))

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates; regressors need the sample that ``dle`` needs."""
        if schema.task.spec.estimated_from_rows:
            return self._regression(reference, current, schema)
        before, now = cells_of(reference), cells_of(current)
        key = current[OUTCOME].key
        names = [name for name in metrics_for(schema) if rests_on(plugin("metric", name)) != "score"]
        if schema.task.spec.class_scores:
            names = ["accuracy"] if "accuracy" in names else []
        lack = lack_of_labels(before, now)
        labelled = now.labelled() if not lack else 0
        if not lack and labelled < _FEWEST:
            lack = f"{labelled} labels have come, {_FEWEST} are needed"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack, n=labelled) for name in names]
        estimation = Estimation(self.name, MISSING_AT_RANDOM)
        found: list[Measurement] = []
        for name in names:
            powered_by = _classified(before, now, name)
            if isinstance(powered_by, str):
                found.append(Measurement.missing(key, Family.ESTIMATE, name, powered_by, n=labelled))
                continue
            details = {"labelled": labelled, "weight": powered_by.weight}
            n = int(now.table(0)[1].sum())
            found.append(
                estimated(key, name, powered_by.value, n, powered_by.variance, 0.0, estimation, details=details)
            )
        return found

    def _regression(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        key = current[OUTCOME].key
        first, second = sampled(reference, current, schema, most=50_000)
        found: list[Measurement] = []
        answered = np.isfinite(second.prediction)
        for name in learnt_losses():
            if is_relative(name):
                continue
            loss = losses_of(second, name)
            known = np.isfinite(loss)
            labelled = int(known.sum())
            model = loss_model(first, name) if np.isfinite(losses_of(first, name)).sum() >= _FEWEST else None
            if labelled < _FEWEST or model is None:
                reason = f"{labelled} labels have come, {_FEWEST} are needed, and as many in the reference"
                found.append(Measurement.missing(key, Family.ESTIMATE, name, reason, n=labelled))
                continue
            f = model.of(second.x).mean(axis=0)
            one, rest = np.ones(labelled), answered & ~known
            theta = powered(loss[known], f[known], one, f[rest], np.ones(int(rest.sum())))
            estimation, n = Estimation(self.name, MISSING_AT_RANDOM), second.rows
            details = {"labelled": labelled, "weight": theta.weight}
            found.append(estimated(key, name, theta.value, n, theta.variance, 0.0, estimation, details=details))
            for named in roots_of(name) if theta.value > 0 else ():
                root, variance = sqrt(theta.value), theta.variance * 0.25 / theta.value
                found.append(estimated(key, named, root, n, variance, 0.0, estimation, details=details))
        return found


@np.errstate(over="ignore", invalid="ignore")
def powered(loss: Floats, forecast: Floats, times: Floats, others: Floats, other_times: Floats) -> Powered:
    """Return the prediction-powered mean of a loss.

    Parameters
    ----------
    loss, forecast, times
        Loss, its expectation and the number of rows with both, of the labelled rows, shape (m,).
    others, other_times
        Expectations and numbers of the other rows, shape (k,).
    """
    n, rest = float(times.sum()), float(other_times.sum())
    mean_loss, mean_f = float(times @ loss) / n, float(times @ forecast) / n
    covariance = float(times @ ((loss - mean_loss) * (forecast - mean_f))) / max(1.0, n - 1)
    own = float(times @ (forecast - mean_f) ** 2) / max(1.0, n - 1)
    if rest <= 0:
        weight, mean_rest, spread = 0.0, 0.0, 0.0
    else:
        mean_rest = float(other_times @ others) / rest
        spread = float(other_times @ (others - mean_rest) ** 2) / rest
        both = (own * n + spread * rest) / (n + rest)
        weight = float(np.clip(covariance / ((1 + n / rest) * both), 0.0, 1.0)) if both > 0 else 0.0
    residual = loss - weight * forecast
    centre = float(times @ residual) / n
    scatter = float(times @ (residual - centre) ** 2) / max(1.0, n - 1)
    variance = scatter / n + (weight**2 * spread / rest if rest > 0 else 0.0)
    return Powered(weight * mean_rest + centre, variance, weight)


def _classified(before: ScoreCellsPart, now: ScoreCellsPart, name: str) -> Powered | str:
    metric: object = plugin("metric", name)
    if isinstance(metric, RowLoss) and metric.held_against is Role.SCORE:
        return _scored(before, now, metric)
    if len(now.classes) > 1:
        return _right(before, now)
    places, counts = now.table(0)
    curve = calibrator_of(before).curve[places]
    rates: dict[int, Powered] = {}
    for prediction in (0, 1):
        rate = _rate(counts[:, prediction], curve)
        if isinstance(rate, str):
            return rate
        rates[prediction] = rate
    rows = counts[:, :2].sum(axis=(0, 2)).astype(float)
    positives = np.array([[rates[0].value * rows[0], rates[1].value * rows[1], 0.0]])
    e = Expectation(np.array([0.5]), np.array([[rows[0], rows[1], 0.0]]), positives, np.zeros((1, 3)))
    formula = formula_of(metric)
    found = formula(e) if formula else None
    if found is None:
        return "the metric is not defined on these rows"
    variance = sum(float(found[1][0, k] * rows[k]) ** 2 * rates[k].variance for k in (0, 1))
    weight = float(np.mean([rates[k].weight for k in (0, 1)]))
    return Powered(found[0], variance, weight)


def _right(before: ScoreCellsPart, now: ScoreCellsPart) -> Powered | str:
    """Return the accuracy of several classes: the shares of right answers of each prediction, by their rows."""
    value = variance = total = weight = 0.0
    for code, name in enumerate(now.classes):
        places, counts = now.table(code)
        rate = _rate(counts[:, 1], calibrator_of(before, before.classes.index(name)).curve[places])
        if isinstance(rate, str):
            return rate
        rows = float(counts[:, 1].sum())
        value, variance, total = value + rows * rate.value, variance + rows**2 * rate.variance, total + rows
        weight += rows * rate.weight
    return Powered(value / total, variance / total**2, weight / total) if total else "no row has a prediction"


def _rate(counts: NDArray[np.int64], curve: Floats) -> Powered | str:
    """Return the share of positives among rows with one prediction; ``counts`` by place and label, shape (b, 3)."""
    labelled = int(counts[:, :2].sum())
    if not counts.sum():
        return Powered(0.0, 0.0, 0.0)
    if labelled < LEAST:
        return f"{labelled} labels have come of rows with one of the predictions, {LEAST} are needed"
    loss = np.repeat([0.0, 1.0], len(curve))
    times = np.concatenate([counts[:, 0], counts[:, 1]]).astype(float)
    theta = powered(loss, np.tile(curve, 2), times, curve, counts[:, 2].astype(float))
    # Labels that are all alike do not mean certainty.
    least = (labelled + 1) / (labelled + 2) ** 2 / labelled
    return Powered(float(np.clip(theta.value, 0.0, 1.0)), max(theta.variance, least), theta.weight)


def _scored(before: ScoreCellsPart, now: ScoreCellsPart, metric: RowLoss) -> Powered | str:
    if not now.probability:
        return "the score is not a probability"
    places, counts = now.table(0)
    s, c = score_of(places), calibrator_of(before).curve[places]
    of_positive, of_negative = losses_by_label(metric, s)
    f = c * of_positive + (1 - c) * of_negative
    by_label = counts.sum(axis=1).astype(float)
    times = np.concatenate([by_label[:, 0], by_label[:, 1]])
    return powered(np.concatenate([of_negative, of_positive]), np.tile(f, 2), times, f, by_label[:, 2])
