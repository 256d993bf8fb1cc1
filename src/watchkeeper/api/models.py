"""How models stand, from what their runs have recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchkeeper.alerts.mutes import TRIAGE
from watchkeeper.config.arguments import typed
from watchkeeper.core.action import Action
from watchkeeper.core.alert import OPEN, Alert, AlertState
from watchkeeper.core.errors import STOPS, DataError, WatchkeeperError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.role_gaps import RoleDoubt
from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.explain import recorded_diagnoses
from watchkeeper.run.failures import FailedRun, as_error, failed_run
from watchkeeper.run.reach import (
    against_note,
    blind_metrics_note,
    blind_note,
    breaks_note,
    effects_note,
    moving_note,
    quarantine_note,
    reach,
    rows,
    rows_recorded,
)
from watchkeeper.run.records import Records
from watchkeeper.schema.unnamed import unnamed_roles
from watchkeeper.steps.stored_reference import reference_effects, reference_states
from watchkeeper.views.evidence import joined, key_of
from watchkeeper.views.findings import Verdict
from watchkeeper.views.headline import headline_of_failure, headline_of_model
from watchkeeper.views.report import Report
from watchkeeper.words.roles import configured, doubt_sentence, unnamed_sentence

__all__ = ["report", "spec_of", "standing"]


_WINDOWS = 120
"""Windows a report draws; more would be narrower than their marks."""


_RECENT = 30
"""Days and windows whose alerts and actions are told, whatever is drawn."""

States = Mapping[tuple[str, str], State]


@typed
def report(
    project: Records,
    model: str | None = None,
    *,
    made: datetime | None = None,
    drawn: bool = True,
    windows: int = _WINDOWS,
) -> Report:
    """Return the report on a model from what its runs have recorded: the open alerts, and what is recent.

    Recent are the windows that are asked for, and of alerts and actions those of the last 30 days and windows too.

    Parameters
    ----------
    project
        An open project; see ``open_project``, or ``open_records`` to read alone.
    model
        The model; None where the configuration has only one.
    made
        The moment to date the report with; None for now.
    drawn
        Whether it will be drawn: without, the distributions of columns are not read.
    windows
        How many of the newest windows are read and drawn; 1 tells how the model stands now.

    Raises
    ------
    ConfigError
        When there is no such model.
    """
    name = project.only(model)
    project.require_log(name, wholly=False)
    store, failed = project.store, failed_run(project.store, name)
    try:
        spec = spec_of(project, name)
    except DataError as error:
        # Nothing was ever judged, and the run says why.
        return _of_failure(name, failed or FailedRun(made or datetime.now(UTC), str(error)), made)
    place = Checkpoint.load(store, name)
    # Where the newest windows are empty, the last numbers there are say more than none.
    newest = max(place.filled or place.judged, default=None)
    span, recent = place.newest(windows), _recent(place, windows)
    signals = tuple(store.recorded(name, Signal, Query(window=span))) if span else ()
    judged = {s.measurement.series for s in signals if s.measurement.window == newest}
    found = store.recorded(name, Measurement, Query(window=newest)) if newest else []
    measured = tuple(m for m in found if m.series not in judged)
    shown = {key_of(m): m for m in (*measured, *(s.measurement for s in signals))}
    alerts = tuple(joined(alert, shown) for alert in _alerts(store, name, recent))
    verdict = Verdict.FAILED if failed else _verdict(place, alerts)
    counted = None if drawn else rows_recorded(store, name)
    before, now = _read_states(spec, store, newest) if counted is None else ({}, {})
    effects = reference_effects(spec, store)
    covered = spec.reference.end - spec.reference.start if spec.reference is not None else None
    newest_signals = tuple(s for s in signals if s.measurement.window == newest)
    notes = (
        *blind_note(newest_signals, covered, windows=True),
        *blind_metrics_note(newest_signals, windows=True),
        *breaks_note(newest_signals),
        *quarantine_note(store, name),
        *reach(*(counted or (rows(before), rows(now))), spec),
        *effects_note(effects),
        *moving_note(spec.schema),
        *against_note(spec),
    )
    now_is = made or datetime.now(UTC)
    filled = newest if place.filled else None
    unheaded = Report(
        title=name,
        model=name,
        verdict=verdict,
        made=now_is,
        alerts=alerts,
        diagnoses=recorded_diagnoses(store, name, alerts),
        actions=_actions(store, name, recent, alerts, now_is),
        signals=signals,
        measurements=measured,
        reference=_states(before),
        current=_states(now),
        schema=spec.schema,
        notes=notes,
        unnamed=unnamed_sentence(unnamed_roles(spec.schema, **(_likely(before) if before else {})), configured),
        doubts=doubt_sentence(_doubts(spec.schema, before, now), configured) if before else "",
    )
    if failed:
        return replace(unheaded, headline=headline_of_failure(failed.message, failed.at, filled))
    return replace(unheaded, headline=headline_of_model(unheaded, filled))


def standing(project: Records, models: Sequence[str]) -> list[Report]:
    """Return how models stand now; of several, one whose records cannot be read costs itself and says so.

    Raises
    ------
    WatchkeeperError
        When there is one model, and its records cannot be read.
    """
    found = []
    for name in models:
        try:
            found.append(report(project, name, drawn=False, windows=1))
        except STOPS:
            raise
        except BaseException as error:
            if len(models) == 1:
                raise as_error(error) from error
            found.append(_unreadable(name, as_error(error)))
    return found


def _unreadable(model: str, error: WatchkeeperError) -> Report:
    headline = f"How it stands cannot be read: {error}"
    return Report(title=model, model=model, verdict=Verdict.FAILED, made=datetime.now(UTC), headline=headline)


def _of_failure(model: str, failed: FailedRun, made: datetime | None) -> Report:
    headline = headline_of_failure(failed.message, failed.at, None)
    return Report(title=model, model=model, verdict=Verdict.FAILED, made=made or datetime.now(UTC), headline=headline)


def spec_of(project: Records, name: str) -> Spec:
    """Return what the last run of a model went by; before the first what the configuration says."""
    known = project.spec_in_force(name)
    if known is not None:
        return known
    from watchkeeper.run.project import Project

    return Project(project.config, project.folder, project.store).spec(name)


def _recent(place: Checkpoint, windows: int) -> Window | None:
    """Return the time whose alerts and actions are told, which is more than what is drawn where that is little."""
    told = place.newest(max(windows, _RECENT))
    return told and Window(min(told.start, told.end - timedelta(days=_RECENT)), told.end)


def _alerts(store: Store, model: str, recent: Window | None) -> list[Alert]:
    """Return the alerts that are open, whenever they began, and those of a recent time."""
    still = store.recorded(model, Alert, Query(states=OPEN))
    ended = store.recorded(model, Alert, Query(states=(AlertState.ENDED,), window=recent))
    return [*still, *ended]


def _actions(
    store: Store, model: str, recent: Window | None, alerts: Sequence[Alert], now: datetime
) -> tuple[Action, ...]:
    """Return the actions since a recent time, and what people said of alerts that are open, whenever that was."""
    if recent is None:
        return ()
    # A person acts when the newest window is over.
    until = max(recent.end, now + timedelta(microseconds=1))
    began = min((a.since for a in alerts if a.since and a.state is not AlertState.ENDED), default=recent.start)
    early = Window(began, recent.start) if began < recent.start else None
    said = store.recorded(model, Action, Query(window=early, kinds=TRIAGE)) if early else []
    return (*said, *store.recorded(model, Action, Query(window=Window(recent.start, until))))


def _verdict(place: Checkpoint, alerts: Sequence[Alert]) -> Verdict:
    if not place.filled or max(place.judged) not in place.filled:
        return Verdict.NO_DATA
    return Verdict.ALERT if any(a.state is AlertState.FIRING for a in alerts) else Verdict.OK


def _read_states(spec: Spec, store: Store, newest: Window | None) -> tuple[States, States]:
    """Return the states of the reference and of the newest window."""
    from watchkeeper.stats.codec import merged

    now = merged(store.states(spec.model, newest).values(), newest, spec.model) if newest else {}
    return reference_states(spec, store), now


def _doubts(schema: Schema, before: States, now: States) -> tuple[RoleDoubt, ...]:
    from watchkeeper.run.doubts import role_doubts

    return role_doubts(schema, before, now)


def _likely(states: States) -> dict[str, list[str]]:
    from watchkeeper.run.unnamed import likely_columns

    return likely_columns(states)


def _states(found: States) -> dict[StateKey, State]:
    return {state.key: state for state in found.values() if state.key.segment == ALL}
