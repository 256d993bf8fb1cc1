"""What a notebook or a script calls: each function returns a report that shows itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.config.arguments import typed
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.config.options import takes
from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.errors import STOPS, DataError, WatchkeeperError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, parse_duration
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.explain import find_alert, recorded_diagnoses
from watchkeeper.run.failures import FailedRun, as_error, failed_run
from watchkeeper.run.reach import (
    against_note,
    blind_note,
    effects_note,
    moving_note,
    quarantine_note,
    reach,
    rows,
    rows_recorded,
)
from watchkeeper.run.records import Records, open_records
from watchkeeper.run.unnamed import likely_columns
from watchkeeper.schema.unnamed import unnamed_roles
from watchkeeper.stats.codec import merged
from watchkeeper.steps.stored_reference import reference_effects, reference_states
from watchkeeper.views.evidence import joined, key_of, shown_as
from watchkeeper.views.explanation import Explanation
from watchkeeper.views.findings import Verdict
from watchkeeper.views.headline import headline_of_check, headline_of_failure, headline_of_model
from watchkeeper.views.report import Report
from watchkeeper.words.roles import configured, unnamed_sentence

if TYPE_CHECKING:
    from watchkeeper.run.check import CheckResult
    from watchkeeper.run.once import run_once
    from watchkeeper.run.project import Project, open_project
    from watchkeeper.streams.stream import Stream
    from watchkeeper.views.behaviour import ModelBehaviour
    from watchkeeper.views.proof import Proof

__all__ = [
    "Explanation",
    "ModelBehaviour",
    "Proof",
    "Stream",
    "behaviour",
    "check",
    "explain",
    "open_project",
    "open_records",
    "prove",
    "report",
    "run_once",
    "standing",
    "stream",
]

_WINDOWS = 120
"""Windows a report draws; more would be narrower than their marks."""

_RECENT = 30
"""Days and windows whose alerts and actions are told, whatever is drawn."""

_ELSEWHERE = {
    "ModelBehaviour": "watchkeeper.views.behaviour",
    "Proof": "watchkeeper.views.proof",
    "Stream": "watchkeeper.streams.stream",
    "open_project": "watchkeeper.run.project",
    "run_once": "watchkeeper.run.once",
}
"""What takes many imports, which those who only read records need not wait for."""


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@takes(CheckOptions)
def check(current: Any, reference: Any, options: CheckOptions) -> Report:
    """Compare current rows with reference rows and say what changed.

    Parameters
    ----------
    current, reference
        Parquet, CSV or Arrow files, folders or globs; or Polars, pandas or Arrow tables. What follows is given by
        keyword.

    Raises
    ------
    SourceError
        When a table cannot be read.
    SchemaError
        When a named column does not exist in the reference.
    ConfigError
        When a rule is off, or names a column that does not exist, or a value names a class that does not exist.
    UsageError
        When there is no such option, or its value, a metric or a function of a metric is not valid.

    Examples
    --------
    >>> import polars as pl
    >>> before = pl.DataFrame({"age": range(1000), "plan": ["a", "b"] * 500})
    >>> after = pl.DataFrame({"age": range(500, 1500), "plan": ["a", "b"] * 500})
    >>> report = check(after, before)
    >>> report.verdict.value, report.alerts[0].columns
    ('alert', ('age',))
    """
    from watchkeeper.run.check import check_tables

    made = datetime.now(UTC)
    result = check_tables(current, reference, options, now=made)
    return _of_check(result, made, Path(current).name if isinstance(current, str | Path) else "current")


@typed
def stream(
    reference: Any,
    *,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    time: str | None = None,
    id: str | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    segments: Sequence[str] = (),
    positive: str | None = None,
    tolerance: float = 0.05,
    margin: float = 0.02,
    budget: str | float = 100_000.0,
    rows_per_day: float | None = None,
    every: int = 10,
) -> Stream:
    """Return a stream that judges rows as they arrive.

    Parameters
    ----------
    reference
        Rows from a time when all was well: anything that ``check`` takes.
    label, prediction, score, time, id
        Columns by role; what is not named is inferred from the reference.
    features
        Columns to watch; None for every column without another role.
    ignore
        Columns to leave alone.
    segments
        Columns whose commonest values are watched each by itself as well; they share half of the budget.
    positive
        The class that ``score`` is the probability of.
    tolerance
        Change of a share that does not matter.
    margin
        Rise of the share of wrong answers that does not matter.
    budget
        Rows of unchanged data, on average, to a false alert; or words such as ``one false alert per model and year``.
    rows_per_day
        How many rows come, for a budget in words; None for as many as in the reference, where it has times.
    every
        Rows that are gathered before they are judged.

    Raises
    ------
    SourceError
        When the reference cannot be read.
    SchemaError
        When a named column does not exist in it.
    UsageError
        When no column can be watched, or a budget in words lacks the number of rows.

    Examples
    --------
    >>> import polars as pl
    >>> watch = stream(pl.DataFrame({"plan": ["a", "b"] * 500}))
    >>> step = watch.update({"plan": ["a", "a"] * 100})
    >>> step.alerts[0].columns
    ('plan',)
    """
    from watchkeeper.streams.reference import open_stream

    given = {
        Role.LABEL: label, Role.PREDICTION: prediction, Role.SCORE: score, Role.TIME: time, Role.ID: id,
    }  # fmt: skip
    return open_stream(
        reference, roles={role: name for role, name in given.items() if name is not None}, features=features,
        ignore=ignore, segments=segments, positive=positive, tolerance=tolerance, margin=margin, budget=budget,
        rows_per_day=rows_per_day, every=every,
    )  # fmt: skip


@typed
def prove(
    what: Any,
    model: str | None = None,
    *,
    faults: Sequence[str] = (),
    columns: Sequence[str] = (),
    seeds: int = 3,
    within: int = 8,
    limit: int | None = None,
    quick: bool = False,
    windows: int = 60,
    require: Mapping[str, float] | None = None,
    every: str | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
    **roles: Any,
) -> Proof:
    """Plant faults into a replay, one at a time, and return which of them are found.

    Parameters
    ----------
    what
        An open project, of which the log or else the reference is replayed; or a table from when all was well, of which
        the last third is replayed against the rest.
    model
        The model of a project; None where the configuration has only one.
    faults, columns
        What to plant, such as ``nulls`` or ``nulls@0.1``, and where; all where none is named.
    seeds
        How often each is planted, each time beginning in another window.
    within
        Windows after which a fault counts as missed.
    limit
        Faults to plant at most, drawn evenly from all.
    quick
        The faults that everybody should see, once and for two windows, in a few columns.
    windows
        Windows to replay at most.
    require
        The share that has to be found, by kind, fault, or fault and size; ``Proof.met`` says whether it was.
    every
        Length of a window of a table, such as ``1d``.
    progress
        Takes (what, done, total).
    roles
        Of a table: ``time``, ``label``, ``score``, ``prediction``, ``id``, ``latency``, ``version``, ``features``,
        ``ignore``, ``segments`` and ``positive``, as ``check`` takes them.

    Raises
    ------
    UsageError
        When there is no such fault, or no times to replay.
    SchemaError
        When there is no such column.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> import numpy as np, polars as pl
    >>> draws = np.random.default_rng(0)
    >>> times = [datetime(2024, 1, 1) + timedelta(minutes=20 * n) for n in range(40 * 72)]
    >>> rows = pl.DataFrame({"at": times, "fare": draws.normal(20, 5, len(times))})
    >>> proof = prove(rows, time="at", faults=["nulls@1"], seeds=1)
    >>> proof
    <Proof of 'table': 1 of 1 faults found>
    """
    from watchkeeper.run.proof_ground import ground_of_project, ground_of_table
    from watchkeeper.run.prove import ProofRequest, prove_on
    from watchkeeper.views.proof import Proof

    asked = ProofRequest(faults=faults, columns=columns, seeds=seeds, horizon=within, limit=limit, quick=quick)
    if isinstance(what, Records):
        ground = ground_of_project(what, what.only(model), most=windows, progress=progress)
    else:
        length = parse_duration(every) if every else None
        ground = ground_of_table(what, CheckOptions(**roles), every=length, most=windows, progress=progress)
    return Proof(prove_on(ground, asked, progress=progress), dict(require or {}))


def _of_check(found: CheckResult, made: datetime, name: str) -> Report:
    shown = {key_of(m): m for m in found.measurements}
    unnamed = unnamed_sentence(found.unnamed)
    return Report(
        title="Current against reference",
        model=name,
        verdict=Verdict(found.verdict),
        made=made,
        headline=found.why or headline_of_check(found.verdict, found.alerts, found.rows, found.unjudged),
        alerts=tuple(joined(alert, shown) for alert in found.alerts),
        diagnoses=found.diagnoses,
        signals=tuple(shown_as(signal, shown) for signal in found.signals),
        measurements=found.measurements,
        reference=found.reference,
        current=found.current,
        schema=found.spec.schema,
        # An alert is what the first sentence of a report is about.
        notes=(unnamed, *found.notes) if unnamed and found.verdict == "alert" else found.notes,
        unnamed=unnamed,
    )


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
        spec = _spec(project, name)
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
    before = reference_states(spec, store) if counted is None else {}
    now = merged(store.states(name, newest).values(), newest, name) if newest and counted is None else {}
    effects = reference_effects(spec, store)
    covered = spec.reference.end - spec.reference.start if spec.reference is not None else None
    newest_signals = tuple(s for s in signals if s.measurement.window == newest)
    notes = (
        *blind_note(newest_signals, covered, windows=True),
        *quarantine_note(store, name),
        *reach(*(counted or (rows(before), rows(now))), spec),
        *effects_note(effects),
        *moving_note(spec.schema),
        *against_note(spec),
    )
    now_is = made or datetime.now(UTC)
    filled = newest if place.filled else None
    headline = headline_of_model(verdict, alerts, filled, now_is)
    return Report(
        title=name,
        model=name,
        verdict=verdict,
        made=now_is,
        headline=headline_of_failure(failed.message, failed.at, filled) if failed else headline,
        alerts=alerts,
        diagnoses=recorded_diagnoses(store, name, alerts),
        actions=tuple(store.recorded(name, Action, Query(window=recent))) if recent else (),
        signals=signals,
        measurements=measured,
        reference=_states(before),
        current=_states(now),
        schema=spec.schema,
        notes=notes,
        unnamed=unnamed_sentence(unnamed_roles(spec.schema, **likely_columns(before)), configured),
    )


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


@typed
def explain(
    project: Records, alert: str = "", model: str | None = None, *, attributed: bool = False, seed: int = 0
) -> Explanation:
    """Return what an alert comes from: ranked causes with evidence, when it began, and what the loss rose by and where.

    That is read: the run in which the alert began to fire recorded it, and later runs that knew more.

    Parameters
    ----------
    project
        An open project; see ``open_project``, or ``open_records`` to read alone.
    alert
        The id of an alert, or the beginning of it; empty for the worst that fires, else the newest.
    model
        The model; None where the configuration has only one.
    attributed
        Whether to make a diagnosis now, of the rows there are by now, and to share a rise of the loss out whatever the
        alert is about; it takes seconds and is not recorded.
    seed
        Of what is drawn on the way then, so that the same question gets the same answer.

    Raises
    ------
    ConfigError
        When there is no such model.
    UsageError
        When there is no such alert.
    """
    name = project.only(model)
    found = find_alert(project.store.recorded(name, Alert), alert)
    if attributed:
        from watchkeeper.run.diagnoses import diagnose_again

        return Explanation(found, diagnose_again(_spec(project, name), project.store, found, seed=seed))
    return Explanation(found, next(iter(recorded_diagnoses(project.store, name, [found])), None))


@typed
def behaviour(
    project: Project,
    prediction: str = "",
    model: str | None = None,
    *,
    version: str | None = None,
    method: str = "shapley",
    of: str = "",
    seed: int = 0,
) -> ModelBehaviour:
    """Return what a model does with its features: on rows of the reference, on rows of the newest window, and on some.

    Parameters
    ----------
    project
        An open project; see ``open_project``.
    prediction
        Id of a prediction to explain; empty for the three whose scores lie farthest from the rest.
    model
        The model; None where the configuration has only one.
    version
        The version that is asked; None for the one in charge.
    method
        ``shapley``, ``lime``, ``shap`` where that package is installed, or an explainer of another package.
    of
        The class whose probability is explained, of a model of more than two.
    seed
        Of what is drawn on the way.

    Raises
    ------
    UsageError
        When there is no version to ask, no judged window yet, or no such prediction.
    """
    from watchkeeper.run.behaviour import explain_behaviour
    from watchkeeper.views.behaviour import ModelBehaviour

    name = project.only(model)
    found = explain_behaviour(
        project.keeper(name), version=version, prediction=prediction, method=method, of=of, seed=seed
    )
    return ModelBehaviour(name, found)


def _spec(project: Records, name: str) -> Spec:
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
    still = store.recorded(model, Alert, Query(states=(AlertState.PENDING, AlertState.FIRING, AlertState.MUTED)))
    ended = store.recorded(model, Alert, Query(states=(AlertState.ENDED,), window=recent))
    return [*still, *ended]


def _verdict(place: Checkpoint, alerts: Sequence[Alert]) -> Verdict:
    if not place.filled or max(place.judged) not in place.filled:
        return Verdict.NO_DATA
    return Verdict.ALERT if any(a.state is AlertState.FIRING for a in alerts) else Verdict.OK


def _states(found: Mapping[tuple[str, str], State]) -> dict[StateKey, State]:
    return {state.key: state for state in found.values() if state.key.segment == ALL}
