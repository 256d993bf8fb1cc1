"""What the model answers on average, how far that is from the truth, and how many labels have come."""

from __future__ import annotations

from math import inf, nan, sqrt
from typing import ClassVar, Literal, TypeVar

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.core.tasks import SUPERVISED, Labels
from watchkeeper.performance.metric import MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.calibration import CalibrationPart
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.error_sums import ErrorSumsPart
from watchkeeper.stats.intervals import mean_interval, proportion_error, wilson
from watchkeeper.stats.prediction_sums import PredictionSumsPart
from watchkeeper.stats.set_sums import SetSumsPart

__all__ = ["Bias", "LabelCoverage", "PredictionMean", "PredictionVariance"]

P = TypeVar("P")


def _has_number(schema: Schema) -> bool:
    """Whether the answer can be averaged: a score, a predicted number, or one class against the other."""
    task = schema.task.spec
    if task.averaged and has_roles(schema, Role.PREDICTION):
        return True
    return task.scored and task.labels is not Labels.NUMBER and has_roles(schema, Role.SCORE)


def _part(state: State, name: str, kind: type[P]) -> P:
    """Return a part to choose by; an empty one where there is none, which measuring then reports."""
    found = state.parts.get(name)
    return found if isinstance(found, kind) else kind()


def _details(part: PredictionSumsPart) -> dict[str, float | str]:
    lost = part.rows - part.sums.n
    return {"of": part.of, "unpredicted": lost} if lost else {"of": part.of}


class PredictionMean:
    """Mean of the predictions of all rows, labelled or not.

    Of a regressor the prediction is averaged, of a classifier the score, or without one the indicator of the positive
    class. Exact; the standard error is s/√n, the interval Student's.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "prediction_mean"
    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    larger_is_better: ClassVar[bool | None] = None
    of_all_rows: ClassVar[Literal[True]] = True

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has scores, predicted numbers or two predicted classes."""
        return _has_number(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean."""
        return measured(self.name, state, "prediction_sums", PredictionSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: PredictionSumsPart) -> MetricValue | NoValue:
        n = part.sums.n
        if not n:
            return NoValue(f"none of {part.rows} rows has a prediction")
        error = sqrt(part.variance / n) if n > 1 else None
        return MetricValue(part.sums.mean, n, error, mean_interval(part.sums.mean, error, n), details=_details(part))


class PredictionVariance:
    """Sample variance of the predictions of all rows, labelled or not.

    Exact; the standard error √((m₄ - s⁴·(n - 3)/(n - 1)) / n) needs no normality, and the interval is Student's.

    References
    ----------
    Mood, Graybill, Boes (1974), Introduction to the theory of statistics, 3rd ed., p. 229, ISBN 0-07-042864-6.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "prediction_variance"
    tasks: ClassVar[frozenset[Task]] = frozenset(Task)
    larger_is_better: ClassVar[bool | None] = None
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)
    of_all_rows: ClassVar[Literal[True]] = True

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has scores, predicted numbers or two predicted classes."""
        return _has_number(schema)

    def measure(self, state: State) -> Measurement:
        """Return the variance."""
        return measured(self.name, state, "prediction_sums", PredictionSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: PredictionSumsPart) -> MetricValue | NoValue:
        n = part.sums.n
        if n < 2:
            return NoValue(f"{n} of {part.rows} rows have a prediction; a variance needs two", n)
        value = part.variance
        within = (part.sums.fourth / n - value * value * (n - 3) / (n - 1)) / n
        error = sqrt(within) if within > 0 else 0.0 if within <= 0 else nan
        return MetricValue(value, n, error, mean_interval(value, error, n, lowest=0.0), details=_details(part))


class Bias:
    """Mean of prediction minus label over labelled rows: above 0 the model answers too high.

    Of a regressor p - y, of a binary classifier with probabilities s - y, otherwise the share of positive predictions
    minus the share of positive labels on the same rows, (FP - FN)/n. Exact; sample standard error, Student's interval.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "bias"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.BINARY, Task.REGRESSION})
    larger_is_better: ClassVar[bool | None] = None

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and either scores or predictions."""
        return has_roles(schema, Role.LABEL) and _has_number(schema)

    def measure(self, state: State) -> Measurement:
        """Return the mean difference, of the number the log has."""
        answered = _part(state, "prediction_sums", PredictionSumsPart).of
        if answered == "prediction":
            return measured(self.name, state, "error_sums", ErrorSumsPart, self._of_errors)
        if answered == "score" and _part(state, "calibration", CalibrationPart).probability:
            return measured(self.name, state, "calibration", CalibrationPart, self._of_scores)
        return measured(self.name, state, "confusion", ConfusionPart, self._of_classes)

    @staticmethod
    def _of_errors(part: ErrorSumsPart) -> MetricValue | NoValue:
        n, value = part.n, part.errors.mean
        if not n:
            return NoValue("no row has both a label and a prediction")
        error = sqrt(part.errors.second / (n - 1) / n) if n > 1 else None
        return MetricValue(value, n, error, mean_interval(value, error, n), details={"of": "prediction"})

    @staticmethod
    def _of_scores(part: CalibrationPart) -> MetricValue | NoValue:
        n = part.n
        if part.outside or not n:
            failed = bool(part.outside)
            reason = f"{part.outside} scores lie outside [0, 1]" if failed else "no row has both a label and a score"
            return NoValue(reason, n + part.outside, failed)
        value = (float(part.scores.sum()) - int(part.positives.sum())) / n
        error = sqrt(max(0.0, part.squared - n * value * value) / (n - 1) / n) if n > 1 else None
        return MetricValue(value, n, error, mean_interval(value, error, n, -1.0, 1.0), details={"of": "score"})

    @staticmethod
    def _of_classes(part: ConfusionPart) -> MetricValue | NoValue:
        matrix, k = part.matrix(), part.positive
        n = int(matrix.sum())
        if not n or k < 0:
            return NoValue("no row has both a label and a prediction" if k >= 0 else "no positive class is known")
        high, low = int(matrix[:, k].sum() - matrix[k, k]), int(matrix[k].sum() - matrix[k, k])
        value = (high - low) / n
        error = sqrt(max(0.0, high + low - n * value * value) / (n - 1) / n) if n > 1 else None
        return MetricValue(value, n, error, mean_interval(value, error, n, -1.0, 1.0), details={"of": "class"})


class LabelCoverage:
    """Share of predictions whose label has come, whether or not it is among the classes, with Wilson's interval.

    Exact. Labels outside the classes are the fact ``unseen_labels``; ``n`` counts all rows.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "label_coverage"
    tasks: ClassVar[frozenset[Task]] = SUPERVISED
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    of_all_rows: ClassVar[Literal[True]] = True

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels."""
        return has_roles(schema, Role.LABEL)

    def measure(self, state: State) -> Measurement:
        """Return the share."""
        if _part(state, "set_sums", SetSumsPart).rows:
            return measured(self.name, state, "set_sums", SetSumsPart, self._of_sets)
        if _part(state, "confusion", ConfusionPart).rows:
            return measured(self.name, state, "confusion", ConfusionPart, self._of_classes)
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._of_numbers)

    @staticmethod
    def _of_classes(part: ConfusionPart) -> MetricValue | NoValue:
        found = _coverage(part.arrived, part.rows)
        if isinstance(found, NoValue) or not part.unseen_labels:
            return found
        details = {"unseen_labels": float(part.unseen_labels)}
        return MetricValue(found.value, found.n, found.error, found.interval, details=details)

    @staticmethod
    def _of_sets(part: SetSumsPart) -> MetricValue | NoValue:
        return _coverage(part.labelled, part.rows)

    @staticmethod
    def _of_numbers(part: ErrorSumsPart) -> MetricValue | NoValue:
        return _coverage(part.labelled, part.rows)


def _coverage(labelled: int, rows: int) -> MetricValue | NoValue:
    if not rows:
        return NoValue("there are no rows")
    return MetricValue(labelled / rows, rows, proportion_error(labelled, rows), wilson(labelled, rows))
