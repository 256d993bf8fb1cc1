"""How long labels take to come, as a metric."""

from __future__ import annotations

from math import inf, sqrt
from typing import ClassVar

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.core.tasks import SUPERVISED
from watchkeeper.performance.metric import MetricValue, NoValue, has_roles, measured
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.label_delay import LabelDelayPart

__all__ = ["MedianLabelDelay"]


class MedianLabelDelay:
    """Median of the seconds between a prediction and its label, over labels that have come.

    The median is read off bins and at most 9 % off; the interval is that of order statistics, from the bin of rank
    n/2 - z·√n/2 to that of n/2 + z·√n/2. In a young window only the quick labels have come, so compare old ones. The
    details hold the 95th percentile, ``p95``, labels that were known before the prediction, ``early``, and those
    without a time, ``undated``.

    References
    ----------
    Conover (1999), Practical nonparametric statistics, 3rd ed., section 3.2, ISBN 0-471-16068-7.
    """

    plugin: ClassVar[str] = "metric"
    name: ClassVar[str] = "label_delay"
    tasks: ClassVar[frozenset[Task]] = SUPERVISED
    larger_is_better: ClassVar[bool | None] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, inf)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has labels, and the times of predictions and of labels."""
        return has_roles(schema, Role.LABEL, Role.TIME, Role.LABEL_TIME)

    def measure(self, state: State) -> Measurement:
        """Return the median."""
        return measured(self.name, state, "label_delay", LabelDelayPart, self._estimate)

    @staticmethod
    def _estimate(part: LabelDelayPart) -> MetricValue | NoValue:
        n = part.n
        if not n:
            undated = f"; {part.undated} have none" if part.undated else ""
            return NoValue(f"no label has come with its time{undated}", part.undated)
        middle, half = (n - 1) / 2, Z * sqrt(n) / 2
        interval = part.edges(middle - half)[0], part.edges(middle + half)[1]
        details: dict[str, float | str] = {"p95": part.quantile(0.95)}
        details |= {name: float(k) for name, k in (("early", part.early), ("undated", part.undated)) if k}
        return MetricValue(part.quantile(0.5), n, (interval[1] - interval[0]) / (2 * Z), interval, details=details)
