"""From a recorded alert to what it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.diagnosis import Diagnosis, Hypothesis, HypothesisKind
from watchkeeper.core.errors import StateError, UsageError, near_miss
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import ROWS, State
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.steps.assess import merged
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.reference import reference_effects, reference_states

__all__ = ["diagnose_alerts", "diagnosed", "explain_alert", "find_alert"]

_HISTORY = 60
"""Windows before an alert that tell when its series changed."""

_AT_ONCE = 5

States = Mapping[tuple[str, str], State]


def find_alert(alerts: Iterable[Alert], id: str = "") -> Alert:
    """Return the alert whose id begins with ``id``; without one the worst that fires, else the newest.

    Raises
    ------
    UsageError
        When there is none, or more than one.
    """
    told = list(alerts)
    if not told:
        raise UsageError("there is no alert to explain")
    if not id:
        firing = [alert for alert in told if alert.state is AlertState.FIRING]
        return max(firing or told, key=lambda a: (a.severity if firing else 0, a.last.timestamp() if a.last else 0.0))
    found = [alert for alert in told if alert.id.startswith(id)]
    if not found:
        raise UsageError(f"there is no alert {id!r}; {near_miss(id, [alert.id for alert in told])}")
    if len(found) > 1:
        raise UsageError(f"{len(found)} alerts begin with {id!r}: {', '.join(alert.id for alert in found)}")
    return found[0]


def explain_alert(spec: Spec, store: Store, alert: Alert, *, attributed: bool = True, seed: int = 0) -> Diagnosis:
    """Return what an alert of a model's log comes from: the rows since it began against the reference.

    Parameters
    ----------
    attributed
        Whether to attribute a rise of the loss and to search for the worst segments too, which takes seconds.
    seed
        Of what is drawn on the way.

    Raises
    ------
    StoreError
        When the store cannot be read.
    """
    known = reference_states(spec, store), reference_effects(spec, store)
    return _explain(spec, store, alert, known, attributed, seed)


def diagnose_alerts(
    spec: Spec, store: Store, alerts: Iterable[Alert], reference: States, effects: Mapping[str, float]
) -> tuple[Diagnosis, ...]:
    """Return what the firing alerts of a log come from, the worst five; losses are attributed where they rose.

    Parameters
    ----------
    reference, effects
        States by (segment, column), and design effects by column, as the store holds them.
    """
    firing = sorted((a for a in alerts if a.state is AlertState.FIRING), key=lambda a: -a.severity)[:_AT_ONCE]
    return tuple(_told(spec, store, alert, (reference, effects)) for alert in firing)


def _told(spec: Spec, store: Store, alert: Alert, known: tuple[States, Mapping[str, float]]) -> Diagnosis:
    """Return the diagnosis of one of several alerts; what cannot be looked up for it costs the others nothing."""
    try:
        return _explain(spec, store, alert, known, alert.cause is Cause.PERFORMANCE, 0)
    except (UsageError, StateError) as error:
        return _undiagnosed(alert, str(error))


def _explain(
    spec: Spec, store: Store, alert: Alert, known: tuple[States, Mapping[str, float]], attributed: bool, seed: int
) -> Diagnosis:
    rule = spec.windows or WindowRule()
    affected = _affected(alert, rule)
    since = Window(affected.start - _HISTORY * rule.every, affected.end)
    held = sorted(store.states(spec.model, affected).items())
    return diagnosed(
        alert,
        replace(spec, schema=Embedding(spec.embed).wide(spec.schema)),
        known[0],
        merged((state for _, state in held), affected, spec.model),
        history=store.recorded(spec.model, Measurement, Query(window=since)),
        versions=_versions(store, spec.model, since, rule),
        effects=known[1],
        attributed=attributed,
        seed=seed,
    )


def diagnosed(alert: Alert, *known: Any, **further: Any) -> Diagnosis:
    """Return ``diagnose`` of an alert; where that fails, the diagnosis says so and nothing else is lost."""
    try:
        return diagnose(alert, *known, **further)
    except Exception as error:  # noqa: BLE001 - a report must not fail with one of its parts
        return _undiagnosed(alert, f"{type(error).__name__}: {error}")


def _undiagnosed(alert: Alert, why: str) -> Diagnosis:
    failed = Statement(StatementCode.FAILED, names=(why,))
    return Diagnosis(alert.id, alert.model, (Hypothesis(HypothesisKind.UNKNOWN, 1.0),), notes=(failed,))


def _affected(alert: Alert, rule: WindowRule) -> Window:
    """Return the time an alert is about; one of a window that is not told ends where it begins."""
    last = alert.last or alert.since
    if alert.since is None or last is None:
        raise UsageError(f"the alert {alert.id} has no times, so nothing can be looked up")
    return Window(alert.since, max(last, alert.since + rule.every))


def _versions(store: Store, model: str, since: Window, rule: WindowRule) -> dict[Window, dict[str, int]]:
    """Return how many rows each version answered, by judged window."""
    found: dict[Window, dict[str, int]] = {}
    for key, state in store.states(model, since, [ROWS]).items():
        part = state.parts.get("row_sample")
        if key.window is not None and key.segment == ALL and isinstance(part, RowSamplePart):
            rows = found.setdefault(rule.window_of(key.window.start), {})
            rows[key.version] = rows.get(key.version, 0) + part.rows
    return found
