"""How much worse a model answers when it does not know a feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.metric import RowLoss
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Task
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.explanation.explainer import Predict
from watchkeeper.explanation.mixing import asked
from watchkeeper.stats.intervals import Z

__all__ = ["Importance", "default_loss", "losses_by_name", "permutation_importance"]

Floats = NDArray[np.float64]
Loss = Callable[[Floats, Floats], Floats]


def losses_by_name() -> dict[str, Loss]:
    """Return the losses of rows by name: labels and scores → losses, all of shape (n,), as metrics state them.

    Where classes are held against each other, the answer is whether the score is at least one half.
    """
    found: dict[str, Loss] = {}
    for metric in plugins("metric").values():
        if isinstance(metric, RowLoss):
            of_classes = metric.held_against is Role.PREDICTION and metric.tasks <= CLASSIFICATION
            found[metric.loss] = partial(_of_classes, metric.row_losses) if of_classes else metric.row_losses
    return found


def _of_classes(row_losses: Loss, label: Floats, score: Floats) -> Floats:
    return row_losses((label >= 0.5).astype(float), (score >= 0.5).astype(float))


@dataclass(frozen=True, slots=True)
class Importance:
    """How much the mean loss rises when one feature is taken from other rows.

    Attributes
    ----------
    value, error
        The rise, in the unit of the loss, and its standard error over rows.
    lower, upper
        A 95 % interval.
    loss
        The mean loss with the feature as it is.
    """

    feature: str
    value: float
    error: float
    lower: float
    upper: float
    loss: float


def default_loss(task: Task) -> str:
    """Return the loss that suits a task: ``brier`` for classifiers, ``absolute_error`` for a regressor."""
    return "brier" if task.spec.scored else "absolute_error"


def permutation_importance(
    predict: Predict,
    rows: pl.DataFrame,
    labels: Floats,
    features: Sequence[str],
    *,
    loss: str | Loss = "brier",
    repeats: int = 10,
    seed: int = 0,
) -> tuple[Importance, ...]:
    """Return the importance of each feature, the largest first.

    In each repeat every row takes the feature from another row, so that no row keeps its own; the rise of a row's loss
    is paired with the same row. The mean over rows and repeats estimates a U-statistic over pairs (row, donor): its
    standard error comes from what each row adds as receiver and as donor, so that it covers the sampling of rows and of
    permutations. It is an importance to this model on these rows, of a feature that goes together with others as much
    as of one that stands alone: rows are mixed that may not exist.

    Parameters
    ----------
    rows, labels
        Labelled rows, and their labels as numbers, shape (n,); at least 3.
    loss
        One that a metric names, such as ``log_loss``, or a function from labels and scores to the losses of rows.
    repeats
        Permutations of each feature.
    seed
        Of the permutations, which are the same for every feature.

    Raises
    ------
    UsageError
        When there is no such loss, or there are fewer than three rows.

    References
    ----------
    Breiman (2001), Random forests, doi:10.1023/A:1010933404324. Fisher, Rudin and Dominici (2019), All models are
    wrong, but many are useful (model reliance), arXiv:1801.01489. Hoeffding (1948), doi:10.1214/aoms/1177730196.
    """
    known = losses_by_name()
    if isinstance(loss, str) and loss not in known:
        raise UsageError(f"there is no loss {loss!r}; {near_miss(loss, known)}")
    if rows.height < 3:
        raise UsageError(f"permutation importance needs at least 3 labelled rows; there are {rows.height}")
    of_rows = known[loss] if isinstance(loss, str) else loss
    with threadpool_limits(1):
        return _measured(predict, rows, labels, features, of_rows, repeats, seed)


def _measured(
    predict: Predict,
    rows: pl.DataFrame,
    labels: Floats,
    features: Sequence[str],
    of_rows: Loss,
    repeats: int,
    seed: int,
) -> tuple[Importance, ...]:
    before = of_rows(labels, asked(predict, rows))
    donors = _donors(rows.height, repeats, np.random.default_rng(seed))
    found = []
    for feature in features:
        rises = np.empty((repeats, rows.height))
        for rise, donor in zip(rises, donors, strict=True):
            mixed = rows.with_columns(series_named(rows, feature).gather(donor).alias(feature))
            rise[:] = of_rows(labels, asked(predict, mixed)) - before
        found.append(_importance(feature, rises, donors, float(before.mean())))
    return tuple(sorted(found, key=lambda one: -one.value))


def _donors(n: int, repeats: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return for each row another one to take a value from: permutations of one cycle, shape (repeats, n)."""
    found = np.empty((repeats, n), np.intp)
    for donor in found:
        order = rng.permutation(n)
        donor[order] = np.roll(order, 1)
    return found


def _importance(feature: str, rises: Floats, donors: NDArray[np.intp], loss: float) -> Importance:
    repeats, n = rises.shape
    given = np.zeros(n)
    for rise, donor in zip(rises, donors, strict=True):
        given[donor] += rise / repeats
    value = float(rises.mean())
    error = float((rises.mean(axis=0) + given - 2 * value).std(ddof=1)) / sqrt(n)
    return Importance(feature, value, error, value - Z * error, value + Z * error, loss)
