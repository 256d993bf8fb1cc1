"""What a wrong answer costs, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import ConfigError, SchemaError, near_miss
from watchkeeper.core.metric import RowLoss, bounds_of, row_loss_metrics, side_of
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.maintain.terms import read_answers

__all__ = ["as_loss", "choose_metric", "losses", "row_metric"]


def choose_metric(task: Task, name: str) -> str:
    """Return the metric ``name``, or the default of the task when it is empty.

    Raises
    ------
    ConfigError
        When the task has no such metric.
    """
    judged = task.spec.gate
    if not judged:
        raise ConfigError(f"a model whose task is {task.value!r} cannot be judged; declare a label and its task")
    valid = {*judged, *row_loss_metrics(task)}
    if name and name not in valid:
        raise ConfigError(f"maintain.metric: {name!r} cannot judge a {task.value} model; {near_miss(name, valid)}")
    return name or judged[0]


def as_loss(metric: str, value: float) -> float:
    """Return the loss that a value of a metric is, and of a loss the value: where more is better, the best less it.

    Examples
    --------
    >>> as_loss("accuracy", 0.75)
    0.25
    """
    made = plugin("metric", metric)
    return bounds_of(made)[1] - value if side_of(made) == "lower" else value


def row_metric(metric: str) -> str:
    """Return the metric that has a loss per row: one that has none, as AUROC, is stood in for by the log loss."""
    return metric if isinstance(plugin("metric", metric), RowLoss) else "log_loss"


def losses(rows: pl.DataFrame, schema: Schema, metric: str) -> NDArray[np.float64]:
    """Return the loss of every row as the metric states it, NaN where label or answer is missing.

    Raises
    ------
    SchemaError
        When the column the metric needs is not there, or its scores are no probabilities.
    """
    made: Any = plugin("metric", metric)
    if not isinstance(made, RowLoss):
        raise SchemaError(f"{metric} is no mean over rows")
    answers = read_answers(rows, schema)
    answer = answers.score if made.held_against is Role.SCORE else answers.prediction
    if answer is None:
        column = schema.name_of(made.held_against) or "(none declared)"
        raise SchemaError(f"{metric} needs the {made.held_against.value} column {column!r}")
    if made.held_against is Role.SCORE and np.any((answer < 0) | (answer > 1)):
        raise SchemaError(f"{metric} needs scores between 0 and 1; {schema.name_of(Role.SCORE)!r} goes beyond")
    return made.row_losses(answers.label, answer)
