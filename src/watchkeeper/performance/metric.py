"""The one way from a part of a state to the measurement of a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import ClassVar, TypeVar

from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.metric import Metric
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.state import State

__all__ = ["MeanOfRows", "Metric", "MetricValue", "NoValue", "has_classes", "has_roles", "has_scores", "measured"]

P = TypeVar("P")


class MeanOfRows:
    """Base of metrics that are a mean over rows of what each costs, see ``RowLoss``: the usual margin."""

    margin: ClassVar[float] = 0.02


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A number with its size and uncertainty, before it is known what it is about.

    Parameters
    ----------
    value
        The number.
    n
        Rows it rests on.
    error, interval
        Standard error and 95 % interval; None where one row cannot tell.
    floor
        For a distance: what sampling alone gives on average.
    details
        What a reader may want to see of the number.
    bound
        How far the exact value may be from it, because rows were binned.
    """

    value: float
    n: int
    error: float | None = None
    interval: tuple[float, float] | None = None
    floor: float | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)
    bound: float = 0.0


@dataclass(frozen=True, slots=True)
class NoValue:
    """Why there is no number: too little data, or data of the wrong kind when ``failed``."""

    reason: str
    n: int = 0
    failed: bool = False


def has_roles(schema: Schema, *roles: Role) -> bool:
    """Return whether the log has a column for each role."""
    return all(schema.of(role) is not None for role in roles)


def has_classes(schema: Schema) -> bool:
    """Return whether the log tells which class was right and which was predicted, if only by the score of two."""
    answered = has_roles(schema, Role.PREDICTION) or (schema.task.spec.two_classes and has_roles(schema, Role.SCORE))
    return answered and has_roles(schema, Role.LABEL)


def has_scores(schema: Schema) -> bool:
    """Return whether the log has labels and what ranks them: a score, or for more than two classes one of each."""
    scored = bool(schema.class_scores) if schema.task.spec.class_scores else has_roles(schema, Role.SCORE)
    return scored and has_roles(schema, Role.LABEL)


def measured(
    metric: str, state: State, statistic: str, kind: type[P], estimate: Callable[[P], MetricValue | NoValue]
) -> Measurement:
    """Return the measurement of ``metric`` that ``estimate`` makes of one part of an outcome state.

    Parameters
    ----------
    metric
        Registry key of the metric.
    statistic, kind
        The part it rests on.
    estimate
        The formula; it sees the part and nothing else.

    Returns
    -------
    Measurement
        Failed when the outcomes could not be summarised, when the part is missing, or when the value or its error
        is not a finite number.
    """
    key = state.key
    try:
        part = state.part(statistic, kind)
    except StateError as error:
        return Measurement.failed(key, Family.METRIC, metric, str(error))
    found = estimate(part)
    if isinstance(found, NoValue):
        make = Measurement.failed if found.failed else Measurement.missing
        return make(key, Family.METRIC, metric, found.reason, n=found.n)
    if not isfinite(found.value):
        return Measurement.failed(key, Family.METRIC, metric, f"the value is {found.value}: sums overflow", n=found.n)
    certain = found.error is None or isfinite(found.error)
    return Measurement.of(
        key, Family.METRIC, metric, found.value, found.n,
        error=found.error if certain else None, floor=found.floor,
        interval=found.interval if certain else None,
        evidence=Evidence(bound=found.bound, details=found.details),
    )  # fmt: skip
