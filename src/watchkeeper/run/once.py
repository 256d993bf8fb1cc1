"""One run over one model: read what is new, summarise, assess, judge, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from watchkeeper.alerts.policy import Episode, has_fired, withdraw
from watchkeeper.core.against import parse_against
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import StoreError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import ROWS, State, StateKey
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.performance.between_blocks import BetweenBlocks
from watchkeeper.performance.stability import stability
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.diagnoses import Casebook
from watchkeeper.run.known_again import renew_marks
from watchkeeper.run.lease import leased
from watchkeeper.run.reach import rows_moves
from watchkeeper.stats.codec import merged
from watchkeeper.steps.assess import assess
from watchkeeper.steps.chart_step import Earlier
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.steps.marks import states_basis
from watchkeeper.steps.reference import reference_blocks, refresh_reference
from watchkeeper.steps.stored_reference import reference_effects, reference_mark, reference_states
from watchkeeper.store.nouns import from_json

__all__ = ["RunResult", "run_once"]

_STATES_A_COMMIT = 1_000
"""States that wait in memory to be stored together: a commit takes as long as summarising a day."""

_STEADY = "prediction_mean"
_STEADY_WINDOWS = 12
_VERSIONS = 100
"""Versions whose order is remembered."""
_EVER = Window(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))

Progress = Callable[[str, int, int], None]
States = Mapping[tuple[str, str], State]
Measured = Callable[[States, States, StateKey], list[Measurement]]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run did.

    Attributes
    ----------
    summarised
        Stored windows that were summarised, for the first time or again.
    judged, revised
        Windows that were judged for the first time, and those judged again because rows or labels came late.
    signals, alerts
        Of the newest judged window.
    changed
        Alerts that began to fire, spread to further columns or ended in this run.
    orphans
        Labels that arrived without a prediction they belong to.
    """

    summarised: tuple[Window, ...] = ()
    judged: tuple[Window, ...] = ()
    revised: tuple[Window, ...] = ()
    signals: tuple[Signal, ...] = ()
    alerts: tuple[Alert, ...] = ()
    changed: tuple[Alert, ...] = ()
    orphans: int = 0


def run_once(
    spec: Spec,
    store: Store,
    now: datetime,
    *,
    progress: Progress | None = None,
    embedding: Embedding | None = None,
    behaviour: Measured | None = None,
) -> RunResult:
    """Bring everything derived from a model's log up to date.

    Every write is atomic and keyed by what it is about, and the cursor moves last: a run that is killed at any point
    and started again ends in the same state as one that was not. Rows and labels that arrive late bring their window
    up for judgement again, with a revision one higher, and every later window after it, since charts remember.

    Parameters
    ----------
    now
        The moment of the run; windows that end later are summarised but not judged yet.
    embedding
        Embedders that are there already; None to import those that ``spec`` names.
    behaviour
        Measures what needs the model itself, given the states of reference and window and the window's key.

    Raises
    ------
    LeasedError
        When another worker is at work on the model.
    StoreError
        When the store cannot be read or written.
    """
    with leased(store, spec.model) as held:
        return _run_once(spec, held, now, progress, embedding, behaviour)


def _run_once(
    spec: Spec,
    store: Store,
    now: datetime,
    progress: Progress | None,
    embedding: Embedding | None,
    behaviour: Measured | None,
) -> RunResult:
    rule = spec.windows or WindowRule()
    store.record(spec.model, [replace(spec, rules=tuple(rule.declared for rule in spec.rules))])
    embedding, logged = embedding or Embedding(spec.embed), spec.schema
    spec = replace(spec, schema=embedding.wide(logged))
    renew_marks(spec, store)
    held = Checkpoint.load(store, spec.model)
    place = held.based_on(states_basis(spec, rule), rule)
    if held.cursor and not place.cursor:
        _forget_other_grains(spec, store, rule)
    changes = store.changes(spec.model, logged, rule, place.cursor)
    waiting: dict[Window | None, list[State]] = {}
    for done, grain in enumerate(changes.windows):
        batches = (Batch(b.frame, b.schema, grain) for b in store.read(spec.model, logged, grain))
        waiting[grain] = list(embedding.summarise(batches, spec).values())
        if sum(map(len, waiting.values())) >= _STATES_A_COMMIT or done + 1 == len(changes.windows):
            store.put_states(spec.model, waiting)
            waiting = {}
        if progress:
            progress("summarised", done + 1, len(changes.windows))
    refresh_reference(spec, store, changes, embedding, logged)
    touched = {rule.window_of(grain.start) for grain in changes.windows}
    place = place.touch(changes.cursor, touched, reference_mark(spec, store)).save(store, spec.model, held)
    due = place.due(rule, now)
    first, again = [w for w in due if w not in place.judged], [w for w in due if w in place.judged]
    reference = reference_states(spec, store) if due else {}
    effects = reference_effects(spec, store) if due else {}
    between = reference_blocks(spec, store) if due else {}
    before = {alert.id: alert for alert in store.recorded(spec.model, Alert)}
    alerts, newest = dict(before), Judged((), (), JudgeMemory())
    casebook = Casebook(spec, store, (reference, effects) if due else None)
    for done, window in enumerate(due):
        newest, gone, place = _judge_one(
            spec, store, (reference, effects, between), rule, window, place, alerts.values(), behaviour, casebook
        )
        alerts.update((alert.id, alert) for alert in (*newest.alerts, *gone))
        if progress:
            progress("judged", done + 1, len(due))
    renewed = casebook.renewed(alerts.values(), place)
    if renewed:
        store.record(spec.model, renewed)
    changed = tuple(a for a in alerts.values() if _news(before.get(a.id), a))
    return RunResult(
        changes.windows, tuple(first), tuple(again), newest.signals, newest.alerts, changed, changes.orphans
    )


def _forget_other_grains(spec: Spec, store: Store, rule: WindowRule) -> None:
    """Remove states of windows cut otherwise, which would count their rows twice."""
    held = {key.window for key in store.states(spec.model, _EVER, [ROWS]) if key.window is not None}
    store.put_states(spec.model, {window: [] for window in held if window != rule.grain_of(window.start)})


def _judge_one(
    spec: Spec,
    store: Store,
    reference: tuple[States, Mapping[str, float], Mapping[str, BetweenBlocks]],
    rule: WindowRule,
    window: Window,
    place: Checkpoint,
    alerts: Iterable[Alert],
    behaviour: Measured | None,
    casebook: Casebook,
) -> tuple[Judged, list[Alert], Checkpoint]:
    """Judge one window and record everything about it in one transaction; also return alerts it no longer gives."""
    # Sums depend on their order in the last digits; sorted, they are the same whatever came when and is kept where.
    held = sorted(store.states(spec.model, window).items())
    states = merged((state for _, state in held), window, spec.model)
    earlier = _earlier(spec, store, window)
    basis, effects, between = reference
    measured = assess(states, basis, spec, effects=effects, earlier=earlier, now=window.end, between=between)
    if behaviour and states:
        measured.extend(behaviour(basis, states, StateKey(spec.model, "", window)))
    measured = measured or [_nothing(spec, window)]
    revision = max(0, place.revisions.get(window, -1) + (1 if place.waiting.get(window, True) else 0))
    watch = _remembered(store, spec.model, place.before(window), alerts)
    steady = _steady(watch, rule, window, measured)
    if steady and steady[-1].window == window:
        measured.append(stability(steady))
    measured = [replace(m, window=window, revision=revision) for m in measured]
    known, version = _versions(watch.versions, (state for _, state in held))
    watch = replace(watch, steady=steady, versions=known)
    done = judge(
        measured, spec, watch, window, learning=_inside(window, spec.reference), version=version,
        earlier=_history(store, spec.model, window),
    )  # fmt: skip
    # An alert is named after its first window, so judging that window again gives it again or shows that it was none.
    given = {alert.id for alert in done.alerts}
    gone = [withdraw(a) for a in alerts if a.since == window.start and a.id not in given]
    moved = place.judge(window, revision, bool(states))
    pointers = {**moved.moves(place), **Checkpoint.watch_moves(store, spec.model, window, done.watch)}
    pointers |= rows_moves(store, spec.model, basis, states)
    stored = [replace(m, curve=()) for m in measured]
    diagnoses = casebook.begun(done.alerts, moved, stored)
    store.record(spec.model, [*stored, *done.signals, *done.alerts, *gone, *diagnoses], pointers)
    return done, gone, moved


def _remembered(store: Store, model: str, window: Window | None, alerts: Iterable[Alert]) -> JudgeMemory:
    """Return what judging remembered; where that is damaged, the alerts open then, and why nothing else is known."""
    # A store that cannot be read is no lost memory: the run stops here, and the next one goes on from the same place.
    text = Checkpoint.watch_text(store, model, window)
    try:
        return from_json(text, JudgeMemory) if text else JudgeMemory()
    except StoreError as error:
        open_ones = [a for a in alerts if a.state in (AlertState.PENDING, AlertState.FIRING)]
        episodes = {a.cause: Episode((True,), 0, a) for a in open_ones if window and a.since and a.since < window.end}
        why = f"{error}; the charts were made anew from the stored history"
        return JudgeMemory(episodes=episodes, lost=why, damaged=True)


def _history(store: Store, model: str, window: Window) -> Earlier:
    """Return what tells the measurements of a series in the windows before, oldest first."""

    def of_series(point: Measurement) -> list[Measurement]:
        earlier = store.recorded(model, Measurement, Query.of_series(point, Window(_EVER.start, window.start)))
        own = window.end - window.start
        # Windows that were cut otherwise once would count their rows twice.
        return [m for m in earlier if m.series == point.series and m.window and m.window.end - m.window.start == own]

    return of_series


def _versions(before: tuple[str, ...], held: Iterable[State]) -> tuple[tuple[str, ...], str]:
    """Return the versions that have answered by now, and of those in this window the one that came last.

    A window that a release divides counts for the new version, and one with a canary in it for the canary.
    """
    keys = sorted((s.key for s in held if s.key.column == ROWS and s.key.version), key=lambda k: (k.window, k.version))
    present = dict.fromkeys(key.version for key in keys)
    known = tuple(dict.fromkeys((*before, *present)))
    return known[-_VERSIONS:], max(present, key=known.index, default="")


def _earlier(spec: Spec, store: Store, window: Window) -> dict[str, States]:
    """Return the states of the earlier windows that monitors compare with, by what they call them."""
    found: dict[str, States] = {}
    for name in sorted({monitor.against for monitor in spec.monitors} - {""}):
        against = parse_against(name)
        before = against.windows(window) if against else ()
        held = [state for one in before for _, state in sorted(store.states(spec.model, one).items())]
        found[name] = merged(held, None, spec.model)
    return found


def _steady(
    watch: JudgeMemory, rule: WindowRule, window: Window, measured: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    """Return the mean prediction of this window and of those before it that its stability is measured over."""
    own = tuple(
        replace(m, window=window, evidence=Evidence()) for m in measured if m.name == _STEADY and m.segment == ALL
    )
    since = window.start - _STEADY_WINDOWS * rule.every
    return (*(m for m in watch.steady if m.window is not None and m.window.start >= since), *own)


def _inside(window: Window, reference: Window | None) -> bool:
    middle = window.start + (window.end - window.start) / 2
    return reference is not None and middle in reference


def _nothing(spec: Spec, window: Window) -> Measurement:
    return Measurement(Family.QUALITY, "rows", 0.0, 0, model=spec.model, window=window, column=ROWS)


def _news(before: Alert | None, alert: Alert) -> bool:
    """Whether an alert began to fire, ended, or is a fault that has spread to another column."""
    was = before.state if before else AlertState.PENDING
    if was is not alert.state:
        return AlertState.FIRING in (was, alert.state) or has_fired(alert)
    spread = before is not None and bool(set(alert.columns) - set(before.columns))
    return spread and alert.state is AlertState.FIRING and alert.cause is Cause.DATA_FAULT
