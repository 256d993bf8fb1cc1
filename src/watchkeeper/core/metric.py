"""The protocol of a metric, and of what a metric may say of itself besides."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import METRIC_CHART
from watchkeeper.core.state import State
from watchkeeper.core.tasks import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "UNLABELLED",
    "Bounded",
    "Charted",
    "Estimated",
    "Harmful",
    "Metric",
    "OfAllRows",
    "Root",
    "RowLoss",
    "bounds_of",
    "chart_of",
    "row_loss_metrics",
    "side_of",
]

UNLABELLED = ("label_coverage", "label_delay", "prediction_mean", "prediction_variance", "interval_width")


@runtime_checkable
class Harmful(Protocol):
    """Something with a number that may become worse.

    Attributes
    ----------
    name
        What it is measured as.
    larger_is_better
        Whether a fall is harm; None where neither direction is better.
    """

    name: ClassVar[str]
    larger_is_better: ClassVar[bool | None]


@runtime_checkable
class Metric(Protocol):
    """A number that says how well a model answers, from the state of its outcomes.

    What it says of itself besides are abilities of their own: ``Bounded``, ``Charted``, ``Estimated`` and ``RowLoss``.

    Attributes
    ----------
    plugin
        Always ``"metric"``.
    name
        Registry key.
    tasks
        The tasks it is defined for.
    larger_is_better
        Whether a fall is harm; None where neither direction is better.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    tasks: ClassVar[frozenset[Task]]
    larger_is_better: ClassVar[bool | None]

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has the columns the metric needs; its task is looked at elsewhere."""

    def measure(self, state: State) -> Measurement:
        """Return the measurement of the outcome state, keyed as it; without data it says so and never raises."""


@runtime_checkable
class Bounded(Protocol):
    """A metric that says between which limits it lies, whatever the rows."""

    bounds: ClassVar[tuple[float, float]]


@runtime_checkable
class Charted(Metric, Protocol):
    """A metric that says which chart judges it where nobody names one, by its registry key.

    One of another package that says so, and in which direction it is worse, is watched unless monitors are listed.
    """

    chart: ClassVar[str]


@runtime_checkable
class Estimated(Metric, Protocol):
    """A metric that says by which estimators that read rows it is served, the best one first."""

    estimators: ClassVar[tuple[str, ...]]


@runtime_checkable
class OfAllRows(Metric, Protocol):
    """A metric that speaks of rows without a label too, as the share of labels that have come does."""

    of_all_rows: ClassVar[Literal[True]]


@runtime_checkable
class Root(Metric, Protocol):
    """A metric that is the square root of another one, which it names by its registry key."""

    root_of: ClassVar[str]


@runtime_checkable
class RowLoss(Metric, Protocol):
    """A metric that is a mean over rows of what each costs; where more is better, its upper bound less that mean.

    Attributes
    ----------
    loss
        What the loss of a row is called, such as ``absolute_error``.
    held_against
        Which answer is held against the label: ``score`` for a probability, or ``prediction``.
    margin
        How much worse a challenger may be and still count as not worse, as a share of the champion's healthy loss.
    """

    loss: ClassVar[str]
    held_against: ClassVar[Role]
    margin: ClassVar[float]

    def row_losses(self, label: NDArray[np.float64], answer: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each row costs, at least 0, shape (n,), NaN where the label or the answer is.

        Parameters
        ----------
        label
            1 for the positive class and 0 for the other one, the code of a class, or a number.
        answer
            The probability of the positive class, the code of the predicted class, or a number.
        """

    def constant(self, label: NDArray[np.float64]) -> float:
        """Return the answer that costs least on average if every row gets the same one."""


def bounds_of(metric: object) -> tuple[float, float]:
    """Return between which limits a metric lies; all numbers where it does not say, or is none."""
    return metric.bounds if isinstance(metric, Bounded) else (-inf, inf)


def chart_of(metric: object) -> str:
    """Return which chart judges a metric where nobody names one."""
    return metric.chart if isinstance(metric, Charted) else METRIC_CHART


def side_of(metric: object) -> str:
    """Return on which side something is worse: ``lower``, ``upper``, or ``both`` where nobody knows."""
    better = metric.larger_is_better if isinstance(metric, Harmful) else None
    return "both" if better is None else "lower" if better else "upper"


def row_loss_metrics(task: Task, *, scored: bool = True, answered: bool = True) -> Mapping[str, RowLoss]:
    """Return the registered metrics of a task that have a loss for each row, by name.

    Parameters
    ----------
    scored, answered
        Whether rows have a score that is a probability, and whether they have a prediction. A single score is held
        against a label only where one of two classes is the positive one.
    """
    there = {Role.SCORE: scored and task.spec.two_classes, Role.PREDICTION: answered}
    found = {name: made for name, made in plugins("metric").items() if isinstance(made, RowLoss)}
    return {name: made for name, made in found.items() if task in made.tasks and there.get(made.held_against, False)}
