"""The user's own metrics: means of what one function makes of each row."""

from __future__ import annotations

from functools import partial
from math import sqrt

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import State
from watchkeeper.performance.metric import MetricValue, NoValue, measured
from watchkeeper.stats.intervals import mean_interval
from watchkeeper.stats.prediction_sums import CentralSums
from watchkeeper.stats.row_metrics import RowMetricsPart, metric_name

__all__ = ["row_metrics"]


def row_metrics(state: State, schema: Schema) -> list[Measurement]:
    """Return one measurement for each function of the schema: the mean of its numbers, s/√n and Student's interval.

    Failed, with the reason, where the function could not be imported, raised, or returned no number for each row.
    """
    names = [metric_name(place) for place in schema.metrics]
    return [measured(name, state, "row_metrics", RowMetricsPart, partial(_estimate, name=name)) for name in names]


def _estimate(part: RowMetricsPart, name: str) -> MetricValue | NoValue:
    sums, left_out, problem = part.rows_of().get(name, (CentralSums(), 0, ""))
    if problem:
        return NoValue(problem, failed=True)
    if not sums.n:
        return NoValue("no labelled row has a number", left_out)
    error = sqrt(max(0.0, sums.second / (sums.n - 1)) / sums.n) if sums.n > 1 else None
    details: dict[str, float | str] = {"left_out": left_out} if left_out else {}
    return MetricValue(sums.mean, sums.n, error, mean_interval(sums.mean, error, sums.n), details=details)
