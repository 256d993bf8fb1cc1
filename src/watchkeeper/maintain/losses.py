"""What a wrong answer costs, row by row."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import ConfigError, SchemaError, near_miss
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.maintain.terms import Answers, read_answers

__all__ = ["METRICS", "choose_metric", "losses", "row_metric"]

METRICS: dict[Task, tuple[str, ...]] = {
    Task.BINARY: ("log_loss", "brier", "accuracy", "auroc"),
    Task.MULTICLASS: ("accuracy",),
    Task.REGRESSION: ("mae", "mse"),
}
"""The metrics the gate can compare, by task; the first is the default."""


def choose_metric(task: Task, name: str) -> str:
    """Return the metric ``name``, or the default of the task when it is empty.

    Raises
    ------
    ConfigError
        When the task has no such metric.
    """
    valid = METRICS.get(task, ())
    if not valid:
        raise ConfigError(f"a model whose task is {task.value!r} cannot be judged; declare a label and its task")
    if name and name not in valid:
        raise ConfigError(f"maintenance.metric: {name!r} cannot judge a {task.value} model; {near_miss(name, valid)}")
    return name or valid[0]


def row_metric(metric: str) -> str:
    """Return the metric that has a loss per row: AUROC, which has none, is stood in for by the log loss."""
    return "log_loss" if metric == "auroc" else metric


def losses(rows: pl.DataFrame, schema: Schema, metric: str) -> NDArray[np.float64]:
    """Return the loss of every row, NaN where label or answer is missing.

    With y the label and p the score: -ln p(y) for log_loss (p held within one machine epsilon of 0 and 1), (y - p)²
    for brier, 1 if the prediction is wrong for accuracy, |y - ŷ| for mae and (y - ŷ)² for mse.

    Raises
    ------
    SchemaError
        When the column the metric needs is not there.
    """
    answers = read_answers(rows, schema)
    if metric in ("log_loss", "brier"):
        score = _need(answers.score, schema, Role.SCORE, metric)
        if np.any((score < 0) | (score > 1)):
            raise SchemaError(f"{metric} needs scores between 0 and 1; {schema.name_of(Role.SCORE)!r} goes beyond")
        return _log_loss(answers, score) if metric == "log_loss" else np.square(answers.label - score)
    prediction = _need(answers.prediction, schema, Role.PREDICTION, metric)
    difference = answers.label - prediction
    if metric == "accuracy":
        return np.where(np.isnan(difference), np.nan, (difference != 0).astype(np.float64))
    return np.abs(difference) if metric == "mae" else np.square(difference)


def _log_loss(answers: Answers, score: NDArray[np.float64]) -> NDArray[np.float64]:
    tiny = np.finfo(np.float64).eps
    held = np.clip(score, tiny, 1 - tiny)
    return -np.where(answers.label == 1, np.log(held), np.log1p(-held)) + 0.0 * answers.label


def _need(values: NDArray[np.float64] | None, schema: Schema, role: Role, metric: str) -> NDArray[np.float64]:
    if values is None:
        raise SchemaError(f"{metric} needs the {role.value} column {schema.name_of(role) or '(none declared)'!r}")
    return values
