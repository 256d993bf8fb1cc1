"""One run over one model: read what is new, summarise, assess, judge, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.store import Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.performance.stability import stability
from watchkeeper.run.place import Place
from watchkeeper.run.steps import Judged, Watch, assess, judge, merged
from watchkeeper.stats.summarise import summarise

__all__ = ["Ran", "reference_states", "run_once", "summarise_reference"]

_EMPTY_AT_MOST = 4
"""Windows without a row that are judged after the last row: enough to alert, without inventing years of silence."""

_STEADY = "prediction_mean"
_STEADY_WINDOWS = 12

Progress = Callable[[str, int, int], None]
States = dict[tuple[str, str], State]


@dataclass(frozen=True, slots=True)
class Ran:
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
        Alerts that began to fire, spread to further columns or were resolved in this run.
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


def run_once(spec: Spec, store: Store, now: datetime, *, progress: Progress | None = None) -> Ran:
    """Bring everything derived from a model's log up to date.

    Every write is atomic and keyed by what it is about, and the cursor moves last: a run that is killed at any point
    and started again ends in the same state as one that was not. Rows and labels that arrive late bring their window
    up for judgement again, with a revision one higher, and every later window after it, since charts remember.

    Parameters
    ----------
    now
        The moment of the run; windows that end later are summarised but not judged yet.

    Raises
    ------
    StoreError
        When the store cannot be read or written.
    """
    rule = spec.windows or WindowRule()
    store.record(spec.model, [spec])
    reference = reference_states(spec, store)
    place = Place.load(store, spec.model)
    changes = store.changes(spec.model, spec.schema, rule, place.cursor)
    for done, grain in enumerate(changes.windows):
        _summarise(spec, store, grain)
        if progress:
            progress("summarised", done + 1, len(changes.windows))
    place = place.touch(changes.cursor, {rule.window_of(grain.start) for grain in changes.windows}).save(
        store, spec.model, place
    )
    due = _due(place, rule, now)
    first, again = [w for w in due if w not in place.judged], [w for w in due if w in place.judged]
    alerts = {alert.id: alert for alert in store.recorded(spec.model, Alert)}
    before, newest = dict(alerts), Judged((), (), Watch())
    for done, window in enumerate(due):
        newest, place = _judge_one(spec, store, reference, rule, window, place)
        alerts.update((alert.id, alert) for alert in newest.alerts)
        if progress:
            progress("judged", done + 1, len(due))
    alerts.update(_withdrawn(spec, store, alerts, newest, due))
    changed = tuple(a for a in alerts.values() if _news(before.get(a.id), a))
    return Ran(changes.windows, tuple(first), tuple(again), newest.signals, newest.alerts, changed, changes.orphans)


def reference_states(spec: Spec, store: Store) -> States:
    """Return the reference's states, summarising them first when it is a part of the log that was not summarised yet.

    Returns
    -------
    dict
        One state per (segment, column).
    """
    if spec.reference is not None:
        batches = (Batch(b.frame, b.schema) for b in store.read(spec.model, spec.schema, spec.reference))
        summarise_reference(spec, store, batches, str(spec.reference))
    return merged(store.states(spec.model, None).values(), None, spec.model)


def summarise_reference(spec: Spec, store: Store, batches: Iterable[Batch], mark: str) -> None:
    """Store the states of the reference's rows, unless they were stored for the same ``mark`` and schema before."""
    digest = sha256(repr((mark, spec.schema.columns, spec.schema.segments)).encode()).hexdigest()
    held = store.pointer(spec.model, "reference")
    if held != digest:
        store.put_states(spec.model, None, summarise(batches, replace(spec, windows=None)).values())
        store.record(spec.model, [], {"reference": (held, digest)})


def _summarise(spec: Spec, store: Store, grain: Window) -> None:
    batches = (Batch(b.frame, b.schema, grain) for b in store.read(spec.model, spec.schema, grain))
    store.put_states(spec.model, grain, summarise(batches, spec).values())


def _due(place: Place, rule: WindowRule, now: datetime) -> list[Window]:
    """Return the windows to judge now, in order: those waiting, and those between and after them without rows."""
    known = sorted({*place.waiting, *place.judged})
    if not known:
        return []
    every, last = rule.every, max([*place.waiting, *place.filled], default=known[-1])
    silent: list[Window] = []
    start = known[0].start
    while start < last.start + (_EMPTY_AT_MOST + 1) * every:
        window = Window(start, start + every)
        if window not in place.judged and window not in place.waiting:
            silent.append(window)
        start += every
    return sorted(window for window in (*place.waiting, *silent) if window.end <= now)


def _judge_one(
    spec: Spec, store: Store, reference: States, rule: WindowRule, window: Window, place: Place
) -> tuple[Judged, Place]:
    """Judge one window and record everything about it in one transaction."""
    states = merged(store.states(spec.model, window).values(), window, spec.model)
    measured = assess(states, reference, spec) or [_nothing(spec, window)]
    revision = place.revisions.get(window, -1) + (1 if place.waiting.get(window, True) else 0)
    measured += _spread(spec, store, rule, window, measured)
    measured = [replace(m, window=window, revision=max(revision, 0)) for m in measured]
    earlier = max((w for w in place.judged if w < window), default=None)
    watch = Place.watch(store, spec.model, earlier)
    done = judge(measured, spec, watch, window, learning=_inside(window, spec.reference))
    moved = place.judge(window, max(revision, 0), bool(states))
    pointers = {**moved.moves(place), **Place.watch_moves(store, spec.model, window, done.watch)}
    store.record(spec.model, [*measured, *done.signals, *done.alerts], pointers)
    return done, moved


def _spread(
    spec: Spec, store: Store, rule: WindowRule, window: Window, measured: Sequence[Measurement]
) -> list[Measurement]:
    """Measure how stable the predictions are: the spread of their mean over this window and those before it."""
    own = [m for m in measured if m.name == _STEADY and m.segment == ALL]
    before = Window(window.start - _STEADY_WINDOWS * rule.every, window.start)
    held = [m for m in store.recorded(spec.model, Measurement, before) if m.name == _STEADY and m.segment == ALL]
    return [stability([*held, *own])] if own else []


def _inside(window: Window, reference: Window | None) -> bool:
    middle = window.start + (window.end - window.start) / 2
    return reference is not None and middle in reference


def _nothing(spec: Spec, window: Window) -> Measurement:
    return Measurement(Family.QUALITY, "rows", 0.0, 0, model=spec.model, window=window)


def _withdrawn(
    spec: Spec, store: Store, alerts: dict[str, Alert], newest: Judged, due: Sequence[Window]
) -> dict[str, Alert]:
    """Resolve open alerts that judging again no longer finds."""
    if not due:
        return {}
    held = {episode.alert.id for episode in newest.watch.episodes.values() if episode.alert}
    gone = {
        alert.id: replace(alert, state=AlertState.RESOLVED, message=f"withdrawn after late data: {alert.message}")
        for alert in alerts.values()
        if alert.state in (AlertState.FIRING, AlertState.PENDING) and alert.id not in held
    }
    if gone:
        store.record(spec.model, list(gone.values()))
    return gone


def _news(before: Alert | None, alert: Alert) -> bool:
    """Whether an alert began to fire, ended, or is a fault that has spread to another column."""
    was = before.state if before else AlertState.PENDING
    if was is not alert.state:
        return AlertState.FIRING in (was, alert.state)
    spread = before is not None and bool(set(alert.columns) - set(before.columns))
    return spread and alert.state is AlertState.FIRING and alert.cause is Cause.DATA_FAULT
