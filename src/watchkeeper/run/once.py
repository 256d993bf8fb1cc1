"""One run over one model: read what is new, summarise, assess, judge, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from watchkeeper.alerts.mutes import as_heard
from watchkeeper.alerts.policy import has_fired
from watchkeeper.config.arguments import typed
from watchkeeper.core.alert import OPEN, Alert, AlertState, Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import ROWS, State
from watchkeeper.core.store import Forgets, Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.diagnoses import Casebook
from watchkeeper.run.judging import Judging, Measured
from watchkeeper.run.known_again import renew_marks
from watchkeeper.run.lease import leased
from watchkeeper.run.remembering import kept_windows
from watchkeeper.run.replay import replay
from watchkeeper.run.triage import muted_now
from watchkeeper.run.waiting import Waiting
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.judge import Judged
from watchkeeper.steps.marks import states_basis
from watchkeeper.steps.reference import refresh_reference
from watchkeeper.steps.stored_reference import reference_mark

__all__ = ["RunResult", "run_once"]

_STATES_A_COMMIT = 1_000
"""States that wait in memory to be stored together: a commit takes as long as summarising a day."""

_WINDOWS_A_FORGETTING = 64
"""Windows after which what is remembered is thinned out within a run."""

_EVER = Window(datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))

Progress = Callable[[str, int, int], None]
Respond = Callable[[datetime], None]


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


@typed
def run_once(
    spec: Spec,
    store: Store,
    now: datetime,
    *,
    progress: Progress | None = None,
    embedding: Embedding | None = None,
    behaviour: Measured | None = None,
    respond: Respond | None = None,
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
    respond
        Called once a window with rows is recorded, with the moment from which on it could be judged.

    Raises
    ------
    LeasedError
        When another worker is at work on the model.
    StoreError
        When the store cannot be read or written.
    """
    with leased(store, spec.model) as held:
        return _run_once(spec, held, now, progress, embedding, behaviour, respond)


def _run_once(
    spec: Spec,
    store: Store,
    now: datetime,
    progress: Progress | None,
    embedding: Embedding | None,
    behaviour: Measured | None,
    respond: Respond | None,
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
    changes, again = store.changes(spec.model, logged, rule, place.cursor), Waiting.load(store, spec.model, rule)
    came = {rule.window_of(grain.start) for grain in changes.windows}
    changes = replace(changes, windows=tuple(sorted({*changes.windows, *again.windows})))
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
    place = place.touch(changes.cursor, came, reference_mark(spec, store), now)
    # Windows from which rows were removed say nothing of how late rows come.
    place = place.touch(place.cursor, {rule.window_of(grain.start) for grain in again.windows}, place.reference)
    place = place.save(store, spec.model, held)
    again.done(store, spec.model)
    due = place.due(rule, now)
    result = RunResult(
        changes.windows,
        tuple(window for window in due if window not in place.judged),
        tuple(window for window in due if window in place.judged),
        orphans=changes.orphans,
    )
    alerts: Iterable[Alert] = _heard(store, spec.model, now)
    casebook = Casebook(spec, store)
    if due:
        judging = replace(Judging.of(spec, store, rule, behaviour), muted=muted_now(store, spec.model, alerts, now))
        casebook = Casebook(spec, store, (judging.reference, judging.effects, judging.rates))
        place, result, alerts = _judge(judging, casebook, due, place, alerts, result, progress, respond)
    renewed = casebook.renewed(alerts, place)
    if renewed:
        store.record(spec.model, renewed)
    _thin_out(store, spec.model, place, rule)
    return result


def _judge(
    judging: Judging,
    casebook: Casebook,
    due: Sequence[Window],
    place: Checkpoint,
    still: Iterable[Alert],
    result: RunResult,
    progress: Progress | None,
    respond: Respond | None,
) -> tuple[Checkpoint, RunResult, Iterable[Alert]]:
    """Judge the windows that are due, in order; return where that leads, the result with what it gave, and alerts.

    Parameters
    ----------
    still
        The alerts that are open.
    """
    model, store = judging.spec.model, judging.store
    memory = judging.memory_before(due[0], place, still)
    # Alerts that were open before the first of these windows may have ended since.
    ids = tuple(episode.alert.id for episode in memory.episodes.values() if episode.alert)
    queries = (Query(window=Window(due[0].start, due[-1].end)), Query(ids=ids))
    before = {a.id: a for a in (*still, *(a for query in queries for a in store.recorded(model, Alert, query)))}
    alerts, judged, rule = dict(before), Judged((), (), memory), judging.rule
    for done, step in enumerate(replay(judging, due, memory, place.next_revision), 1):
        gone, place = judging.record(step, place, alerts.values(), casebook)
        judged = step.judged
        alerts.update((alert.id, alert) for alert in (*judging.heard(judged.alerts), *gone))
        if respond and step.states:
            respond(step.window.end + (rule.grace or timedelta(0)))
        if done % _WINDOWS_A_FORGETTING == 0:
            _thin_out(store, model, place, rule)
        if progress:
            progress("judged", done, len(due))
    changed = tuple(a for a in alerts.values() if _news(before.get(a.id), a))
    return (
        place,
        replace(result, signals=judged.signals, alerts=judging.heard(judged.alerts), changed=changed),
        alerts.values(),
    )


def _heard(store: Store, model: str, now: datetime) -> list[Alert]:
    """Return the open alerts; those whose time of silence is over fire again."""
    still = store.recorded(model, Alert, Query(states=OPEN))
    muted = muted_now(store, model, still, now)
    heard = [as_heard(alert, muted) for alert in still]
    store.record(model, [alert for alert, before in zip(heard, still, strict=True) if alert is not before])
    return heard


def _thin_out(store: Store, model: str, place: Checkpoint, rule: WindowRule) -> None:
    """Forget what was remembered after windows from which judging need not go on any more."""
    if isinstance(store, Forgets) and place.judged:
        # What waits is judged next, and goes on from the window before it.
        next_ = min((w for w in place.waiting if w in place.judged), default=None)
        last = place.before(next_) if next_ else None
        store.forget(model, Remembered, keep=kept_windows(place.judged, rule.every) | ({last} if last else set()))


def _forget_other_grains(spec: Spec, store: Store, rule: WindowRule) -> None:
    """Remove states of windows cut otherwise, which would count their rows twice."""
    held = {key.window for key in store.states(spec.model, _EVER, [ROWS]) if key.window is not None}
    store.put_states(spec.model, {window: [] for window in held if window != rule.grain_of(window.start)})


def _news(before: Alert | None, alert: Alert) -> bool:
    """Whether an alert began to fire, ended, or is a fault that has spread to another column."""
    was = before.state if before else AlertState.PENDING
    if was is not alert.state:
        return AlertState.FIRING in (was, alert.state) or has_fired(alert)
    spread = before is not None and bool(set(alert.columns) - set(before.columns))
    return spread and alert.state is AlertState.FIRING and alert.cause is Cause.DATA_FAULT
