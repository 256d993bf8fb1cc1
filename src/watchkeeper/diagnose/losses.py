"""The loss of each row, and the mean loss of all rows as states know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import NumericMap, Role, Schema, Task
from watchkeeper.core.state import State
from watchkeeper.stats.outcomes import outcomes

__all__ = ["LOSSES", "RANK_LOSS", "MeanLoss", "loss_for", "mean_loss", "row_losses"]

RANK_LOSS = "rank_loss"
"""1 - AUROC, the chance that a negative row outranks a positive one: no mean over rows."""

LOSSES = {
    "brier": "brier",
    "log_loss": "log_loss",
    "error": "accuracy",
    "absolute_error": "mae",
    "squared_error": "mse",
    RANK_LOSS: "auroc",
}
"""The metric that tells each loss; accuracy and AUROC are 1 - the loss."""

_TURNED = ("error", RANK_LOSS)

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class MeanLoss:
    """Mean loss of all labelled rows of a state, its standard error and their number."""

    value: float
    error: float
    n: int


def loss_for(schema: Schema, metrics: Sequence[str] = ()) -> str:
    """Return the loss to take apart: that of the first of ``metrics`` that is a mean over rows, else one for the task.

    Where AUROC alone is asked for, that is 1 - AUROC.

    For a binary classifier whose score is a probability that is the Brier score, which one wild row cannot carry away;
    for other classifiers the share of wrong classes, for a regressor the absolute error. Empty where rows have none.
    """
    if schema.of(Role.LABEL) is None:
        return ""
    score, answered = schema.of(Role.SCORE), schema.of(Role.PREDICTION) is not None
    probable = schema.task is Task.BINARY and score is not None and score.map == NumericMap()
    by_metric = {name: loss for loss, name in LOSSES.items() if loss != RANK_LOSS}
    suits = {
        Task.BINARY: ({"brier", "log_loss"} if probable else set()) | ({"error"} if answered else set()),
        Task.MULTICLASS: {"error"} if answered else set(),
        Task.REGRESSION: {"absolute_error", "squared_error"} if answered else set(),
    }.get(schema.task, set())
    asked = [by_metric[metric] for metric in metrics if by_metric.get(metric) in suits]
    if asked:
        return asked[0]
    if LOSSES[RANK_LOSS] in metrics and schema.task is Task.BINARY and score is not None:
        return RANK_LOSS
    return next((loss for loss in ("brier", "error", "absolute_error") if loss in suits), "")


def row_losses(frame: pl.DataFrame, schema: Schema, loss: str) -> NDArray[np.float64]:
    """Return the loss of each row, float64, shape (rows,), NaN where the label or the answer is not known.

    Brier: (s - y)². Log loss: -ln of the probability given to what came true. Error: 1 where the class is wrong.
    """
    nothing = np.full(frame.height, np.nan)
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError):
        return nothing
    if block.label is None:
        return nothing
    if loss in ("brier", "log_loss"):
        if block.score is None or block.positive is None:
            return nothing
        with np.errstate(invalid="ignore"):
            known = block.labelled & (block.score >= 0) & (block.score <= 1)
        missed = np.abs((block.label == block.positive) - np.where(known, block.score, 0.0))
        found = missed**2 if loss == "brier" else -np.log(np.maximum(1 - missed, _EPSILON))
        return np.where(known, found, np.nan)
    if block.prediction is None:
        return nothing
    if loss == "error":
        known = block.labelled & (block.prediction != -1)
        return np.where(known, (block.label != block.prediction).astype(float), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.abs(block.prediction - block.label)
        away = away**2 if loss == "squared_error" else away
    return np.where(np.isfinite(away), away, np.nan)


def mean_loss(state: State | None, loss: str) -> MeanLoss | None:
    """Return the loss of all rows of an outcome state; None where it cannot be had."""
    if state is None or not loss:
        return None
    found: Measurement = plugin("metric", LOSSES[loss]).measure(state)
    if found.status is not Status.OK or found.value is None or found.n < 1:
        return None
    value = 1 - found.value if loss in _TURNED else found.value
    return MeanLoss(value, found.error or 0.0, found.n)
