"""How much predictions are too low."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MeanOfRows, MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.error_sums import ErrorSumsPart

Floats = NDArray[Any]


class Shortfall(MeanOfRows):
    """Mean of max(y - p, 0) = (|e| - e) / 2 with e = p - y.

    The standard error is the root of (Σe² / n - value²) / (n - 1): a row costs at most |e|, so it is an upper limit.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "shortfall"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.REGRESSION})
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    chart: ClassVar[str] = "harmful_shift"
    estimators: ClassVar[tuple[str, ...]] = ("dle",)
    loss: ClassVar[str] = "shortfall"
    held_against: ClassVar[Role] = Role.PREDICTION

    def applies(self, schema: Schema) -> bool:
        """Labels and predictions."""
        return has_roles(schema, Role.LABEL, Role.PREDICTION)

    def measure(self, state: State) -> Measurement:
        """Return the mean."""
        return measured(self.name, state, "error_sums", ErrorSumsPart, self._estimate)

    @staticmethod
    def _estimate(part: ErrorSumsPart) -> MetricValue | NoValue:
        if part.n < 2:
            return NoValue("no two rows have both a label and a prediction", part.n)
        value = max(0.0, (part.absolute / part.n - part.errors.mean) / 2)
        error = float(np.sqrt(max(0.0, part.squared / part.n - value**2) / (part.n - 1)))
        return MetricValue(value, part.n, error, (max(0.0, value - 1.96 * error), value + 1.96 * error))

    def row_losses(self, label: Floats, answer: Floats) -> Floats:
        """Return by how much each prediction is too low."""
        return np.maximum(label - answer, 0.0)

    def constant(self, label: Floats) -> float:
        """Return the largest label: no prediction is then too low."""
        return float(label.max())
