"""What a model may be asked to answer, and what follows from it: one object for each task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CLASSIFICATION", "SUPERVISED", "TASKS", "Labels", "Task", "TaskSpec"]


class Labels(StrEnum):
    """What the labels of a task are."""

    CLASS = "class"
    SET = "set"
    NUMBER = "number"
    NOTHING = "nothing"


class Task(StrEnum):
    """What the model answers."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"
    RANKING = "ranking"
    NONE = "none"

    @property
    def spec(self) -> TaskSpec:
        """What follows from the task."""
        return TASKS[self]


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What follows from a task, by the names of metrics; what those are they say themselves.

    Parameters
    ----------
    labels
        What labels and predictions are: a class, a set of classes, a number, or nothing that is known.
    two_classes
        Whether there are two classes, one of them positive: one score is the probability of that one.
    class_scores
        Whether each class has a score of its own; a single one is that of the predicted class.
    scored
        Whether answers have scores, from which a classifier's or a ranking's worth is read; otherwise predictions are
        what there is.
    averaged
        Whether predictions have a mean: numbers, or one class against the other.
    quantiles
        Whether a prediction may come with quantiles.
    harm
        Metrics that are watched unless somebody says otherwise: when they become worse the model does harm.
    gate
        Metrics by which champion and challenger are compared; the first one decides unless somebody says otherwise.
    losses
        Metrics whose loss of each row is taken apart to find a cause, the best one first.
    estimator
        Registry key of the estimator that serves every metric of the task which names no better one.
    estimated_from_rows
        Whether that one needs sampled rows; otherwise scores are enough.
    """

    labels: Labels
    two_classes: bool = False
    class_scores: bool = False
    scored: bool = True
    averaged: bool = False
    quantiles: bool = False
    harm: tuple[str, ...] = ()
    gate: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    estimator: str = "cbpe"
    estimated_from_rows: bool = False


TASKS: dict[Task, TaskSpec] = {
    Task.BINARY: TaskSpec(
        Labels.CLASS, two_classes=True, averaged=True, harm=("auroc", "log_loss"),
        gate=("log_loss", "brier", "accuracy", "auroc"), losses=("brier", "accuracy"),
    ),
    Task.MULTICLASS: TaskSpec(
        Labels.CLASS, class_scores=True, harm=("accuracy", "f1"), gate=("accuracy",), losses=("accuracy",)
    ),
    Task.MULTILABEL: TaskSpec(Labels.SET, harm=("f1_micro", "jaccard")),
    Task.REGRESSION: TaskSpec(
        Labels.NUMBER, scored=False, averaged=True, quantiles=True, harm=("mae", "rmse"), gate=("mae", "mse"),
        losses=("mae",), estimator="dle", estimated_from_rows=True,
    ),
    Task.RANKING: TaskSpec(Labels.NUMBER, harm=("ndcg", "mrr")),
    Task.NONE: TaskSpec(Labels.NOTHING),
}  # fmt: skip
"""Every task by its stored name."""

CLASSIFICATION = frozenset(task for task, spec in TASKS.items() if spec.labels is Labels.CLASS)
"""Tasks whose labels are single classes."""

SUPERVISED = frozenset(Task) - {Task.NONE}
"""Tasks that have labels."""
