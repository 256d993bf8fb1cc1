"""The loss of each row, and the mean loss of all rows as states know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Status
from watchkeeper.core.metric import Metric, RowLoss, bounds_of, row_loss_metrics
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import NumericMap, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.core.tasks import Labels
from watchkeeper.stats.outcomes import outcomes

__all__ = ["RANK_LOSS", "MeanLoss", "loss_for", "mean_loss", "row_losses"]

RANK_LOSS = "rank_loss"
"""1 - AUROC, the chance that a negative row outranks a positive one: no mean over rows."""

_RANKED = "auroc"


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
    score = schema.of(Role.SCORE)
    by_metric = {
        name: made.loss
        for name, made in row_loss_metrics(
            schema.task,
            scored=score is not None and score.map == NumericMap(),
            answered=schema.of(Role.PREDICTION) is not None,
        ).items()
    }
    asked = [by_metric[metric] for metric in metrics if metric in by_metric]
    if asked:
        return asked[0]
    if _RANKED in metrics and schema.task.spec.two_classes and score is not None:
        return RANK_LOSS
    return next((by_metric[name] for name in schema.task.spec.losses if name in by_metric), "")


def row_losses(frame: pl.DataFrame, schema: Schema, loss: str) -> NDArray[np.float64]:
    """Return the loss of each row, float64, shape (rows,), NaN where the label or the answer is not known."""
    nothing = np.full(frame.height, np.nan)
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError):
        return nothing
    if block.label is None:
        return nothing
    metric = _metric_of(loss)
    if not isinstance(metric, RowLoss):
        return nothing
    if metric.held_against is Role.SCORE:
        if block.score is None or block.positive is None:
            return nothing
        with np.errstate(invalid="ignore"):
            known = block.labelled & (block.score >= 0) & (block.score <= 1)
        label, answer = (block.label == block.positive).astype(float), block.score
    elif block.prediction is None:
        return nothing
    else:
        label, answer = block.label.astype(float), block.prediction.astype(float)
        of_classes = schema.task.spec.labels is Labels.CLASS
        known = block.labelled & (block.prediction != -1) if of_classes else np.isfinite(label) & np.isfinite(answer)
    with np.errstate(over="ignore"):
        found = metric.row_losses(np.where(known, label, np.nan), np.where(known, answer, np.nan))
    return np.where(np.isfinite(found), found, np.nan)


def _metric_of(loss: str) -> object:
    """Return the metric that tells a loss; None where none does."""
    metrics = plugins("metric")
    if loss == RANK_LOSS:
        return metrics[_RANKED]
    return next((made for made in metrics.values() if isinstance(made, RowLoss) and made.loss == loss), None)


def mean_loss(state: State | None, loss: str) -> MeanLoss | None:
    """Return the loss of all rows of an outcome state; None where it cannot be had."""
    if state is None or not loss:
        return None
    metric = _metric_of(loss)
    if not isinstance(metric, Metric):
        return None
    found = metric.measure(state)
    if found.status is not Status.OK or found.value is None or found.n < 1:
        return None
    value = bounds_of(metric)[1] - found.value if metric.larger_is_better else found.value
    return MeanLoss(value, found.error or 0.0, found.n)
