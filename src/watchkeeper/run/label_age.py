"""How old rows must be before their labels may be learned from, and where too few of them have come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.maintain.terms import read_answers
from watchkeeper.maintain.windows import epoch
from watchkeeper.performance.maturity import maturity
from watchkeeper.stats.label_delay import LabelDelayPart

__all__ = ["immature", "immature_ground", "label_age"]

_QUANTILE = 0.95
_COVERED = 0.9
_LEAST = 30


def label_age(spec: Spec, store: Store) -> timedelta:
    """Return how old a row has to be: ``label_delay``, or the 95th percentile of the reference's delays if longer."""
    stated, reference = spec.maintenance.label_delay, _reference(spec, store)
    delays = None if reference is None else reference.parts.get("label_delay")
    if not isinstance(delays, LabelDelayPart) or delays.n < _LEAST:
        return stated
    return max(stated, timedelta(seconds=delays.quantile(_QUANTILE)))


def immature(rows: pl.DataFrame, spec: Spec, store: Store) -> tuple[Window, ...]:
    """Return the windows of which under nine tenths of the labels have come that usually come.

    Labels that come fast are not like those that come late: a fraud is reported within days, and what nobody reports
    becomes a good payment after a month. Whoever learns from what is in learns the fast ones.

    Parameters
    ----------
    rows
        Rows of the log, with labels or without.
    """
    name, rule = spec.schema.name_of(Role.TIME), spec.windows or WindowRule()
    if name is None or not rows.height:
        return ()
    reference = _reference(spec, store)
    counted = None if reference is None else maturity(reference)
    usual = counted.coverage if counted is not None and counted.coverage > 0 else 1.0
    known = np.isfinite(read_answers(rows, spec.schema).label)
    length, origin = rule.every.total_seconds(), rule.origin.timestamp()
    number = np.floor((epoch(series_named(rows, name)) / 1e6 - origin) / length).astype(np.int64)
    numbers, where = np.unique(number, return_inverse=True)
    coverage = np.bincount(where, weights=known) / np.bincount(where)
    starts = [rule.origin + int(one) * rule.every for one in numbers[coverage < _COVERED * usual]]
    return tuple(Window(start, start + rule.every) for start in starts)


def immature_ground(windows: Sequence[Window], wanted: Window) -> Ground | None:
    """Return the refusal to learn where windows with too few labels hold all of a stretch; None where they do not."""
    inside = sorted(one for one in windows if one.start < wanted.end and wanted.start < one.end)
    covered = sum((min(w.end, wanted.end) - max(w.start, wanted.start) for w in inside), timedelta(0))
    if not inside or covered < wanted.end - wanted.start:
        return None
    return Ground("labels_immature", at=inside[0].start, until=inside[-1].end, n=len(inside), limit=_COVERED)


def _reference(spec: Spec, store: Store) -> State | None:
    return next(
        (s for key, s in store.states(spec.model, None).items() if (key.segment, key.column) == (ALL, OUTCOME)), None
    )
