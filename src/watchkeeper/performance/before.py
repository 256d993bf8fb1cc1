"""What performance was in the reference, beside what it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.fairness import fairness
from watchkeeper.stats.keys import IdentityKey

__all__ = ["with_before"]

_KEPT = 64
"""Outcome states of references whose metrics are remembered for the next window."""

Value = Mapping[str, Mapping[str, float]]


def with_before(
    measurements: Iterable[Measurement],
    reference: Mapping[tuple[str, str], State],
    schema: Schema,
    value: Value | None = None,
    columns: Sequence[str] = (),
) -> list[Measurement]:
    """Return measurements of which metrics and estimates say what the metric was in the reference.

    Parameters
    ----------
    measurements
        In any order; those of another family stay as they are.
    reference
        States by segment and column. A segment or metric that the reference says nothing of has no value before.
    schema, value
        As for ``assess_performance``.
    columns
        Those whose segments should be treated alike.
    """
    outcomes = {segment: state for (segment, column), state in reference.items() if column == OUTCOME}
    gaps = {(m.name, m.column): m.value for column in columns for m in fairness(outcomes, column)}
    found = []
    for m in measurements:
        if m.family in (Family.METRIC, Family.ESTIMATE) and m.status is Status.OK:
            known = outcomes.get(m.segment)
            metrics = {} if known is None else _metrics(IdentityKey(known, schema, value))
            before = metrics.get(m.name, gaps.get((m.name, m.column)))
            change = Change(Quantity.METRIC, before, m.value)
            found.append(replace(m, evidence=replace(m.evidence, change=change)))
        else:
            found.append(m)
    return found


@lru_cache(maxsize=_KEPT)
def _metrics(about: IdentityKey) -> Mapping[str, float]:
    """Return the value of each metric of an outcome state that has one."""
    state, schema, value = about.held
    try:
        measured = assess_performance(state, schema, value=value)
    except WatchkeeperError:
        return {}
    return {m.name: m.value for m in measured if m.value is not None}
