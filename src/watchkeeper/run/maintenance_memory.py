"""What is read of the records to decide about training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.maintain.losses import as_loss, choose_metric
from watchkeeper.maintain.trigger import MaintenanceMemory, WindowLoss
from watchkeeper.run.deeds import deeds

__all__ = ["maintenance_memory", "unreadable"]

_FIRST = 4
"""Windows after its training in which a champion that no gate has judged counts as well."""


def maintenance_memory(spec: Spec, store: Store, champion: str | None, moment: datetime) -> MaintenanceMemory:
    """Return what is remembered at a moment; losses of windows only where somebody asked for a trigger of them."""
    memory = MaintenanceMemory(moment, tuple(deeds(store, spec.model, champion)), champion)
    rule, version = spec.maintenance, memory.version
    asked = rule.new_labels is not None or (rule.cost is not None and rule.loss_value is not None)
    if not asked or version is None or version.trained is None or version.trained.end >= moment:
        return memory
    metric = choose_metric(spec.schema.task, rule.metric)
    query = Query(
        families=(Family.METRIC,), names=(metric,), segments=(ALL,), statuses=(Status.OK,),
        window=Window(version.trained.end, moment),
    )  # fmt: skip
    newest: dict[datetime, Measurement] = {}
    for m in store.recorded(spec.model, Measurement, query):
        end = m.window.end if m.window else moment
        if m.value is not None and (end not in newest or newest[end].revision <= m.revision):
            newest[end] = m
    losses = tuple(WindowLoss(end, as_loss(metric, m.value or 0.0), m.n) for end, m in sorted(newest.items()))
    return replace(memory, losses=losses, healthy=_healthy(memory.actions, metric, losses))


def _healthy(actions: Sequence[Action], metric: str, losses: Sequence[WindowLoss]) -> float | None:
    """Return what the champion loses when it is well.

    One that was shown to be better after a change is well at what it lost at the gate; one that was only not worse is
    no reason to ask for less than of the one before.
    """
    judged = {a.version: a for a in actions if a.kind is ActionKind.VALIDATE}
    level: float | None = None
    for action in actions:
        if action.kind is not ActionKind.PROMOTE or action.outcome is not Outcome.DONE:
            continue
        proof = judged.get(action.version)
        lost = proof.facts.get(f"{metric}:challenger") if proof else None
        if proof is None or not isinstance(lost, int | float):
            level = None
            continue
        own = as_loss(metric, float(lost))
        level = own if level is None or proof.facts.get("aim") == "superior" else min(level, own)
    if level is None and len(losses) >= _FIRST:
        first = losses[:_FIRST]
        level = sum(w.loss * w.n for w in first) / max(1, sum(w.n for w in first))
    return level


def unreadable(spec: Spec, store: Store) -> list[Measurement]:
    """Return what says which columns cannot be read: the newest window, and all of those where a column failed."""
    comparisons = (Family.COMPARISON, Family.QUALITY)
    failed = Query(families=comparisons, statuses=(Status.FAILED,))
    windows = {m.window for m in store.recorded(spec.model, Measurement, failed)}
    newest = store.recorded(spec.model, Measurement, Query(newest_first=True, limit=1))
    windows |= {m.window for m in newest}
    return [
        measurement
        for window in sorted(window for window in windows if window is not None)
        for measurement in store.recorded(spec.model, Measurement, Query(window=window))
    ]
