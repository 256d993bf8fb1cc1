"""How well sets of classes are predicted."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.performance.discrimination import SHOWN_CLASSES
from watchkeeper.performance.metric import MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.intervals import logit_interval, mean_interval, proportion_error, sample_error, wilson
from watchkeeper.stats.set_sums import SetSumsPart

__all__ = ["F1Macro", "F1Micro", "F1Samples", "HammingLoss", "Jaccard", "SubsetAccuracy"]

_SETS = frozenset({Task.MULTILABEL})
_NONE_LABELLED = NoValue("no row has both a label and a prediction")


def _details(part: SetSumsPart) -> dict[str, float | str]:
    details: dict[str, float | str] = {"classes": len(part.classes)}
    return details | ({"unseen_labels": part.unseen} if part.unseen else {})


def _mean(part: SetSumsPart, total: float, squares: float) -> MetricValue | NoValue:
    """Return the mean of a number between 0 and 1; where all rows have the same one, as sure as a proportion is."""
    n = part.n
    if not n:
        return _NONE_LABELLED
    value, error = total / n, sample_error(n, total, squares)
    interval = mean_interval(value, error, n, 0.0, 1.0)
    if error is not None and error <= 1e-12:
        error, interval = proportion_error(value * n, n), wilson(value * n, n)
    return MetricValue(value, n, error, interval, details=_details(part))


class SubsetAccuracy:
    """Share of rows whose predicted set is the true one, with Wilson's interval. Exact."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "subset_accuracy"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the share."""
        return measured(self.name, state, "set_sums", SetSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: SetSumsPart) -> MetricValue | NoValue:
        k, n = part.equal, part.n
        return (
            MetricValue(k / n, n, proportion_error(k, n), wilson(k, n), details=_details(part)) if n else _NONE_LABELLED
        )


class HammingLoss:
    """Mean share of the classes on which prediction and label disagree, |Y Δ P| / K. Exact.

    The standard error is the sample's over rows, the interval Student's.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "hamming_loss"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean share."""
        return measured(self.name, state, "set_sums", SetSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: SetSumsPart) -> MetricValue | NoValue:
        k = max(1, len(part.classes))
        return _mean(part, part.wrong / k, part.wrong_squares / k**2)


class Jaccard:
    """Mean over rows of |Y ∩ P| / |Y ∪ P|, 1 where both are empty. Exact; sample standard error, Student's interval."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "jaccard"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean."""
        return measured(self.name, state, "set_sums", SetSumsPart, lambda p: _mean(p, p.jaccard, p.jaccard_squares))


class F1Samples:
    """Mean over rows of 2|Y ∩ P| / (|Y| + |P|), 1 where both are empty. Exact; sample error, Student's interval."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "f1_samples"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean."""
        return measured(self.name, state, "set_sums", SetSumsPart, lambda p: _mean(p, p.f1, p.f1_squares))


class F1Micro:
    """Σ 2|Y ∩ P| / Σ (|Y| + |P|): F1 over all classes of all rows together. Exact.

    A ratio of sums over rows, so its standard error is the delta method's, √Σ(t - F·d)² / Σd with t = 2|Y ∩ P| and
    d = |Y| + |P|; classes of one row may depend on each other as they like. The interval is symmetric on the logit
    scale.

    References
    ----------
    Cochran (1977), Sampling techniques, 3rd ed., section 6.4, ISBN 0-471-16240-X.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "f1_micro"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the ratio; no data where no row has a class or is predicted to have one."""
        return measured(self.name, state, "set_sums", SetSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: SetSumsPart) -> MetricValue | NoValue:
        hits = int(part.hits.sum())
        below = 2 * hits + int(part.alarms.sum() + part.misses.sum())
        if not below:
            return NoValue(
                "no labelled row has a class or is predicted to have one" if part.n else _NONE_LABELLED.reason
            )
        value = 2 * hits / below
        squares, cross, sizes = (float(x) for x in part.products)
        error = sqrt(max(0.0, squares - 2 * value * cross + value**2 * sizes)) / below
        if error > 1e-12 and 0 < value < 1:
            return MetricValue(value, part.n, error, logit_interval(value, error), details=_details(part))
        return MetricValue(
            value,
            part.n,
            proportion_error(value * part.n, part.n),
            wilson(value * part.n, part.n),
            details=_details(part),
        )


class F1Macro:
    """Plain mean of the F1 of each class that occurs among labels or predictions. Exact.

    The standard error is the mean of the classes' own, √Σψ² with ψ = (2·[hit] - F·([in Y] + [in P])) / (2·TP + FP + FN)
    of each row: the largest that the mean can have, however classes depend on each other. The interval is symmetric on
    the logit scale. The details hold each class's own, ``of <class>``.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "f1_macro"
    tasks: ClassVar[frozenset[Task]] = _SETS
    larger_is_better: ClassVar[bool | None] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean; no data where no row has a class or is predicted to have one."""
        return measured(self.name, state, "set_sums", SetSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: SetSumsPart) -> MetricValue | NoValue:
        if not part.n:
            return _NONE_LABELLED
        hits, alarms, misses = (counts[:-1].astype(float) for counts in (part.hits, part.alarms, part.misses))
        below = 2 * hits + alarms + misses
        occurs = below > 0
        if not occurs.any():
            return NoValue("no labelled row has a class or is predicted to have one", part.n)
        below = np.where(occurs, below, 1.0)
        values = 2 * hits / below
        errors = np.sqrt(hits * (2 - 2 * values) ** 2 + (alarms + misses) * values**2) / below
        k = int(occurs.sum())
        value, error = float(values[occurs].sum()) / k, float(errors[occurs].sum()) / k
        details = _details(part) | {"classes": k}
        if k <= SHOWN_CLASSES:
            own = zip(part.classes, values.tolist(), occurs.tolist(), strict=True)
            details |= {f"of {name}": ratio for name, ratio, there in own if there}
        if error > 1e-12 and 0 < value < 1:
            return MetricValue(value, part.n, error, logit_interval(value, error), details=details)
        fewest = float((hits + misses)[occurs].min()) or 1.0
        return MetricValue(
            value, part.n, proportion_error(value * fewest, fewest), wilson(value * fewest, fewest), details=details
        )
