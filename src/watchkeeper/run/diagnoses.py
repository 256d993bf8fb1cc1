"""Diagnoses of recorded alerts: made in the run, when an alert begins to fire and when there is more to rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.diagnosis import Diagnosis, DiagnosisBasis, Hypothesis, HypothesisKind
from watchkeeper.core.errors import StateError, StoreError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import ROWS, State
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.diagnose.diagnose import diagnose
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.stats.codec import merged
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.stored_reference import reference_effects, reference_rates, reference_states
from watchkeeper.store.nouns import from_json, to_json

__all__ = ["Casebook", "diagnose_again", "diagnosed"]

_HISTORY = 60
"""Windows before an alert that tell when its series changed."""

_MORE = 2
"""Times as much as a diagnosis rests on that makes it due again: an alert of n windows is diagnosed log n times."""

States = Mapping[tuple[str, str], State]
Known = tuple[States, Mapping[str, float], Mapping[str, UsualRates]]


class Casebook:
    """The diagnoses of one model's alerts, as a run makes them.

    An alert is diagnosed in the window in which it begins to fire, and again at the end of a run when it names further
    columns or segments, when its windows have been judged twice as often since, with new windows or late labels, or
    when there is another reference. What is due follows from what is recorded, so that a run that was killed and
    started again makes the same diagnoses.

    Parameters
    ----------
    spec
        With the schema that states have, vectors included.
    reference
        States by (segment, column), design effects and usual rates by column, where they are at hand.
    """

    def __init__(self, spec: Spec, store: Store, reference: Known | None = None) -> None:
        self.spec, self.store = spec, store
        self._at_hand = reference
        self._diagnoses: dict[str, Diagnosis | None] = {}

    def begun(
        self, alerts: Iterable[Alert], place: Checkpoint, measured: Sequence[Measurement]
    ) -> tuple[Diagnosis, ...]:
        """Return the diagnoses of alerts that fire and have none.

        Parameters
        ----------
        place
            How far the log has been judged, the window in hand included.
        measured
            The measurements of that window, which are not recorded yet.
        """
        firing = self._firing(alerts)
        return tuple(self._made(alert, place, measured) for alert in firing if self._diagnoses[alert.id] is None)

    def renewed(self, alerts: Iterable[Alert], place: Checkpoint) -> tuple[Diagnosis, ...]:
        """Return new diagnoses of alerts that fire and have none, or one that rests on too little."""
        return tuple(self._made(alert, place) for alert in self._firing(alerts) if self._due(alert, place))

    def _firing(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Return the alerts that fire, their recorded diagnoses looked up."""
        firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
        unknown = tuple(alert.id for alert in firing if alert.id not in self._diagnoses)
        if unknown:
            recorded = self.store.recorded(self.spec.model, Diagnosis, Query(ids=unknown))
            self._diagnoses |= dict.fromkeys(unknown) | {one.alert: one for one in recorded}
        return firing

    def _due(self, alert: Alert, place: Checkpoint) -> bool:
        before = self._diagnoses[alert.id]
        now = self._basis(alert, place)
        if before is None or before.basis is None or now is None:
            return before is None
        further = set(now.about) - set(before.basis.about)
        return bool(further) or now.judged >= _MORE * before.basis.judged or now.reference != before.basis.reference

    def _basis(self, alert: Alert, place: Checkpoint) -> DiagnosisBasis | None:
        """Return what a diagnosis made now would rest on; None for an alert without times."""
        window = _affected(alert, self.spec.windows or WindowRule())
        if window is None:
            return None
        judged = sum(1 + k for w, k in place.revisions.items() if window.start <= w.start and w.end <= window.end)
        return DiagnosisBasis(window, judged, (*alert.columns, *alert.segments), place.reference)

    def _made(self, alert: Alert, place: Checkpoint, measured: Sequence[Measurement] = ()) -> Diagnosis:
        basis, before = self._basis(alert, place), self._diagnoses[alert.id]
        if basis is not None and before is not None and before.basis is not None:
            basis = replace(basis, about=tuple(dict.fromkeys((*basis.about, *before.basis.about))))
        thorough = alert.cause is Cause.PERFORMANCE
        made = _explained(self.spec, self.store, alert, self._reference, measured, attributed=thorough)
        self._diagnoses[alert.id] = made = replace(made, basis=basis)
        return made

    @cached_property
    def _reference(self) -> Known:
        if self._at_hand is not None:
            return self._at_hand
        return _known(self.spec, self.store)


def diagnose_again(spec: Spec, store: Store, alert: Alert, *, seed: int = 0) -> Diagnosis:
    """Return what an alert comes from, with a rise of the loss attributed whatever the alert is about; not recorded.

    Parameters
    ----------
    seed
        Of what is drawn on the way.

    Raises
    ------
    StoreError
        When the store cannot be read.
    """
    wide = replace(spec, schema=Embedding(spec.embed).wide(spec.schema))
    return _explained(wide, store, alert, _known(wide, store), attributed=True, seed=seed)


def _known(spec: Spec, store: Store) -> Known:
    return reference_states(spec, store), reference_effects(spec, store), reference_rates(spec, store)


def _explained(
    spec: Spec, store: Store, alert: Alert, known: Known, measured: Sequence[Measurement] = (), **further: Any
) -> Diagnosis:
    """Return the diagnosis of an alert from what is stored; what cannot be looked up for it costs nothing else."""
    rule = spec.windows or WindowRule()
    affected = _affected(alert, rule)
    if affected is None:
        return _undiagnosed(alert, f"the alert {alert.id} has no times, so nothing can be looked up")
    since = Window(affected.start - _HISTORY * rule.every, affected.end)
    held = sorted(store.states(spec.model, affected).items())
    try:
        current = merged((state for _, state in held), affected, spec.model)
    except StateError as error:
        return _undiagnosed(alert, str(error))
    history = _history(store, alert, since, measured)
    versions = _versions(store, spec.model, since, rule)
    about = {"history": history, "versions": versions, "effects": known[1], "rates": known[2]}
    return diagnosed(alert, spec, known[0], current, **about, **further)


def diagnosed(alert: Alert, *known: Any, **further: Any) -> Diagnosis:
    """Return ``diagnose`` of an alert; where that fails, the diagnosis says so and nothing else is lost."""
    try:
        made = diagnose(alert, *known, **further)
        from_json(to_json(made), Diagnosis)
    except StoreError as error:
        return _undiagnosed(alert, str(error))
    except Exception as error:  # noqa: BLE001 - neither a run nor a report may fail with one of its parts
        return _undiagnosed(alert, f"{type(error).__name__}: {error}")
    return made


def _undiagnosed(alert: Alert, why: str) -> Diagnosis:
    failed = Statement(StatementCode.FAILED, names=(why,))
    return Diagnosis(alert.id, alert.model, (Hypothesis(HypothesisKind.UNKNOWN, 1.0),), notes=(failed,))


def _affected(alert: Alert, rule: WindowRule) -> Window | None:
    """Return the time an alert is about; None where that is not known."""
    last = alert.last or alert.since
    if alert.since is None or last is None:
        return None
    return Window(alert.since, max(last, alert.since + rule.every))


def _history(store: Store, alert: Alert, since: Window, measured: Sequence[Measurement]) -> list[Measurement]:
    """Return what was measured in the windows before and since: the series that fired, and which labels were due."""
    names = tuple(sorted({signal.measurement.name for signal in alert.evidence if signal.fired}))
    metrics = Query(window=since, families=(Family.METRIC,), segments=(ALL,))
    own = {m.window for m in measured}
    recorded = [
        *store.recorded(alert.model, Measurement, Query(window=since, names=names)),
        *(m for m in store.recorded(alert.model, Measurement, metrics) if m.name not in names),
    ]
    return [*(m for m in recorded if m.window not in own), *measured]


def _versions(store: Store, model: str, since: Window, rule: WindowRule) -> dict[Window, dict[str, int]]:
    """Return how many rows each version answered, by judged window."""
    found: dict[Window, dict[str, int]] = {}
    for key, state in store.states(model, since, [ROWS]).items():
        part = state.parts.get("row_sample")
        if key.window is not None and key.segment == ALL and isinstance(part, RowSamplePart):
            rows = found.setdefault(rule.window_of(key.window.start), {})
            rows[key.version] = rows.get(key.version, 0) + part.rows
    return found
