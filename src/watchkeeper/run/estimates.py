"""Which estimates of performance are made of a log, and where realised performance takes over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.spec import BUSINESS_VALUE, Spec
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.assess_estimates import default_estimates, estimators_for, kept_for
from watchkeeper.performance.estimated_value import estimated_value

__all__ = ["estimates", "kept_for_estimates", "settled"]

States = Mapping[tuple[str, str], State]


def kept_for_estimates(schema: Schema, choice: str, *, unlabelled: bool = False) -> tuple[str, ...]:
    """Return the optional statistics that estimates rest on.

    Parameters
    ----------
    choice
        ``Spec.estimate``; ``auto`` samples rows for regressors, of which nothing can be estimated otherwise, and where
        no label is there at all.
    unlabelled
        Whether the rows to judge have no labels.
    """
    rows = choice == "rows" or (choice == "auto" and (unlabelled or schema.task is Task.REGRESSION))
    if not rows or schema.of(Role.LABEL) is None:
        return ()
    return kept_for(estimators_for(schema))


def estimates(reference: States, current: States, spec: Spec) -> list[Measurement]:
    """Return the estimates of every segment that the reference has labels of."""
    if spec.estimate == "never" or not estimators_for(spec.schema):
        return []
    found: list[Measurement] = []
    for segment in dict.fromkeys(segment for segment, column in current if column == OUTCOME):
        if (segment, OUTCOME) in reference:
            before, now = _of(reference, segment), _of(current, segment)
            found.extend(default_estimates(before, now, spec.schema))
            found.extend(_worth(before, now, spec))
    return found


def _worth(before: Mapping[str, State], now: Mapping[str, State], spec: Spec) -> list[Measurement]:
    try:
        worth = estimated_value(before, now, spec.schema, spec.value)
    except WatchkeeperError as error:
        return [Measurement.failed(now[OUTCOME].key, Family.ESTIMATE, BUSINESS_VALUE, str(error))]
    return [worth] if worth else []


def _of(states: States, segment: str) -> dict[str, State]:
    return {column: state for (place, column), state in states.items() if place == segment}


def settled(measurements: Iterable[Measurement]) -> frozenset[tuple[str, str]]:
    """Return the metrics, with their segments, whose labels are in: there the realised value is judged alone."""
    known = (m for m in measurements if m.family is Family.METRIC and m.status is Status.OK)
    return frozenset((m.name, m.segment) for m in known if "coverage" in m.facts and "provisional" not in m.facts)
