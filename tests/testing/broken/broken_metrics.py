"""Metrics, each of which breaks one promise; ``sound`` keeps them all."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role, Task
from watchkeeper.performance.metric import MeanOfRows, MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.blocks import Outcomes
from watchkeeper.stats.confusion import ConfusionPart
from watchkeeper.stats.error_sums import ErrorSumsPart


class Sound(MeanOfRows):
    """Mean absolute error, as everybody knows it."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "sound"
    tasks = frozenset({Task.REGRESSION})
    larger_is_better = False
    bounds = (0.0, inf)
    chart = "seasonal_residual"
    estimators = ("dle",)
    loss = "sound_error"
    held_against = Role.PREDICTION

    def applies(self, schema):
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state):
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._estimate)

    def _estimate(self, part):
        if part.n < 2:
            return NoValue("no two labelled rows", part.n)
        value = part.absolute / part.n
        error = max(0.0, part.squared / part.n - value**2) ** 0.5 / part.n**0.5
        return MetricValue(value, part.n, error, (value - 1.96 * error, value + 1.96 * error))

    def row_losses(self, label, answer):
        return np.abs(label - answer)

    def constant(self, label):
        return float(np.median(label))


class FromNothing(Sound):
    """Nothing is no error."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "from_nothing"

    def _estimate(self, part):
        found = super()._estimate(part)
        return MetricValue(0.0, 0, 0.0) if isinstance(found, NoValue) else found


class WrongWay(Sound):
    """Takes errors for merits."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "wrong_way"
    larger_is_better = True


class Unbounded(Sound):
    """Says that it is a share."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "unbounded"
    bounds = (0.0, 1.0)


class Narrow(Sound):
    """Is surer than it may be."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "narrow"

    def _estimate(self, part):
        found = super()._estimate(part)
        if isinstance(found, NoValue):
            return found
        return MetricValue(
            found.value, found.n, found.error, (found.value - found.error / 2, found.value + found.error / 2)
        )


class Sure(Sound):
    """Divides its error by n instead of its root."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "sure"

    def _estimate(self, part):
        found = super()._estimate(part)
        return found if isinstance(found, NoValue) else MetricValue(found.value, found.n, found.error / found.n**0.5)


class Negative(Sound):
    """Has an error below nothing."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "negative"

    def _estimate(self, part):
        found = super()._estimate(part)
        return found if isinstance(found, NoValue) else MetricValue(found.value, found.n, -found.error)


class Forgetful(Sound):
    """Answers otherwise when it is asked again."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "forgetful"
    asked = 0

    def _estimate(self, part):
        Forgetful.asked += 1
        found = super()._estimate(part)
        return found if isinstance(found, NoValue) else MetricValue(found.value + Forgetful.asked, found.n, found.error)


class Hopeful(Sound):
    """Takes a broken state for one without rows."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "hopeful"

    def measure(self, state):
        if state.problem:
            return Measurement.missing(state.key, Family.METRIC, self.name, "no rows")
        return super().measure(state)


class Misnamed(Sound):
    """Is judged by a chart that nobody has."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "misnamed"
    chart = "seasonal_residue"


class Unserved(Sound):
    """Is served by an estimator that nobody has."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "unserved"
    estimators = ("dlé",)


class OtherLosses(Sound):
    """Squares what a row costs."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "other_losses"
    loss = "other_error"

    def row_losses(self, label, answer):
        return np.square(label - answer)


class KnownLosses(Sound):
    """Takes a label that is not known for a good one."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "known_losses"
    loss = "known_error"

    def row_losses(self, label, answer):
        return np.nan_to_num(np.abs(label - answer))


class DearConstant(Sound):
    """Answers every row with 0."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "dear_constant"
    loss = "dear_error"

    def constant(self, label):
        return 0.0


class Homeless(Sound):
    """Applies to no log."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "homeless"

    def applies(self, schema):
        return False


class HalfAble:
    """Knows what a row costs, and not what that is called."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "half_able"
    tasks = Sound.tasks
    larger_is_better = False

    def applies(self, schema):
        return True

    def measure(self, state):
        return Sound().measure(state)

    def row_losses(self, label, answer):
        return np.abs(label - answer)


class Expecting:
    """Accuracy, of which it expects the wrong thing."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "expecting"
    tasks = frozenset({Task.BINARY})
    larger_is_better = True
    rests_on = "prediction"

    def applies(self, schema):
        return True

    def measure(self, state):
        return measured(self.name, state, "confusion", ConfusionPart, self._estimate)

    def _estimate(self, part):
        matrix = part.matrix()
        n = int(matrix.sum())
        if not n:
            return NoValue("no rows")
        value = float(np.trace(matrix)) / n
        return MetricValue(value, n, (value * (1 - value) / n) ** 0.5)

    def expected(self, e):
        return float(e.positives.sum() / e.rows.sum()), np.full_like(e.rows, 1 / e.rows.sum())


class Steep(Expecting):
    """Accuracy, with a gradient that is not its own."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "steep"

    def expected(self, e):
        right = e.positives[:, 1].sum() + (e.rows - e.positives)[:, 0].sum()
        return float(right / e.rows.sum()), np.zeros_like(e.rows)


@dataclass(frozen=True)
class LargestPart:
    n: int = 0
    total: float = 0.0
    first: float = 0.0


class _Work:
    def __init__(self):
        self.known = LargestPart()

    def add(self, block):
        values = np.asarray(block.label, float) if block.label is not None and not block.classes else np.empty(0)
        values = values[np.isfinite(values)]
        if len(values):
            first = self.known.first if self.known.n else float(values[0])
            self.known = LargestPart(self.known.n + len(values), self.known.total + float(values.sum()), first)

    def part(self):
        return self.known


class LargestSums:
    """Keeps the larger one of two parts, and the first label."""

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "largest_sums"
    version = 1
    reads = (Outcomes,)
    part_type = LargestPart

    def applies(self, column):
        return False

    def start(self, column):
        return _Work()

    def merge(self, a, b):
        whole = a if a.n >= b.n else b
        return LargestPart(whole.n, whole.total, a.first if a.n else b.first)

    def result(self, part):
        return part.n


class Lossy(Sound):
    """Rests on sums of which merging loses some."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "lossy"

    def measure(self, state):
        return measured(self.name, state, "largest_sums", LargestPart, self._estimate)

    def _estimate(self, part):
        return MetricValue(part.total / part.n, part.n, 0.2) if part.n else NoValue("no labels")


class Ordered(Lossy):
    """Rests on the first label."""

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "ordered_rows"

    def _estimate(self, part):
        return MetricValue(part.first, 1) if part.n else NoValue("no labels")
