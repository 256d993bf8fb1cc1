"""All metrics of one model's outcomes, one failed row where one fails."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.errors import UsageError, WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.business_value import business_value
from watchkeeper.performance.metric import Metric
from watchkeeper.performance.row_metrics import row_metrics

__all__ = ["assess_performance"]


def assess_performance(
    state: State, schema: Schema, *, value: Mapping[str, Mapping[str, float]] | None = None
) -> list[Measurement]:
    """Measure every registered metric that suits the task and the columns of the log, and the user's own.

    Parameters
    ----------
    state
        The outcomes of one window and segment.
    schema
        Gives the task and the roles; a metric whose columns the schema does not have is left out. Names the user's own
        metrics.
    value
        By label, by prediction, what one such row brings; without it no business value is measured.

    Returns
    -------
    list
        One measurement per metric, in the order of their names, then the user's own and the business value. A metric
        that raises is a failed measurement, never an error; one whose rows have not come yet has status ``no_data``.

    Raises
    ------
    UsageError
        When the state is not one of outcomes.
    """
    if state.key.column != OUTCOME:
        raise UsageError(f"performance is measured from the state {OUTCOME!r}, this is of {state.key.column!r}")
    found: list[Measurement] = []
    for name, metric in plugins("metric").items():
        measurement = _measure(name, metric, state, schema)
        if measurement is not None:
            found.append(measurement)
    found.extend(row_metrics(state, schema))
    return [*found, business_value(state, value)] if value else found


def _measure(name: str, metric: Metric, state: State, schema: Schema) -> Measurement | None:
    try:
        if schema.task not in metric.tasks or not metric.applies(schema):
            return None
        return metric.measure(state)
    except WatchkeeperError as error:
        return Measurement.failed(state.key, Family.METRIC, name, str(error))
    except Exception as error:  # noqa: BLE001 - a user's metric may raise anything
        words = f"{type(metric).__name__} raised {type(error).__name__}: {error}"
        return Measurement.failed(state.key, Family.METRIC, name, words)
