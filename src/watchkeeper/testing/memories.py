"""What every store must obey when it remembers what judging goes on from, counts changes and forgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import ConflictError, StoreError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered, SeriesMemory
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent, Forgets, Store
from watchkeeper.core.window import Window

__all__ = ["check_memories"]

_START = datetime(2024, 3, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def check_memories(make_store: Callable[[], Store]) -> None:
    """Assert that a store remembers and forgets as it must; part of ``check_store``.

    Checked: what is remembered after a window comes back, is replaced as a whole and is not written when a pointer has
    moved; the pointer ``alerts`` counts changes of alerts and finds them; of a store that can forget, what is over goes
    with its signals, and what is to be kept, open alerts, specs and the audit chain stay.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    for check in (_check_remembering, _check_changes, _check_forgetting):
        check(make_store)


def _window(day: int) -> Window:
    return Window(_START + day * _DAY, _START + (day + 1) * _DAY)


def _after(day: int, *series: str, body: str = '{"numbers":{"sum":0.5}}') -> Remembered:
    return Remembered(_window(day), tuple(SeriesMemory(name, body, 3) for name in series))


def _check_remembering(make: Callable[[], Store]) -> None:
    store, model = make(), "remembering"
    assert store.recorded(model, Remembered) == [], "an unknown model is remembered"
    first, second = _after(0, "chart\x1f<b>x</b>", "ü", body='{"level":"naïve \u2028"}'), _after(1, "x", "y")
    store.record(model, [second, first], {"judged": (None, "1")})
    store.record("another model", [_after(0, "z")])
    assert make().recorded(model, Remembered) == [first, second], "what is remembered does not come back in order"
    newest = make().recorded(model, Remembered, Query(newest_first=True, limit=1))
    assert newest == [second], "the newest is not found"
    assert make().recorded(model, Remembered, Query(window=_window(0))) == [first], "the window is not kept to"
    again = _after(1, "y", body="{}")
    store.record(model, [again])
    assert make().recorded(model, Remembered) == [first, again], "what is remembered is not replaced as a whole"
    try:
        store.record(model, [_after(1, "w")], {"judged": (None, "2")})
    except ConflictError:
        pass
    else:
        raise AssertionError("a pointer was moved though it holds something else")
    assert make().recorded(model, Remembered) == [first, again], "a conflict wrote what is remembered"


def _alert(id: str, state: AlertState = AlertState.FIRING) -> Alert:
    return Alert(id, "changes", Cause.DRIFT, Severity.WARNING, state, _START, _START + _DAY)


def _check_changes(make: Callable[[], Store]) -> None:
    store, model = make(), "changes of alerts"
    assert store.pointer(model, "alerts") is None
    store.record(model, [_alert("a"), _alert("b")])
    seen = int(store.pointer(model, "alerts") or 0)
    assert seen, "changes of alerts are not counted"
    everything = store.recorded(model, Alert, Query(changed_after=0))
    assert everything == [_alert("a"), _alert("b")], "what was recorded is not found by its change"
    store.record(model, [_alert("a")])
    assert make().recorded(model, Alert, Query(changed_after=seen)) == [], "an alert in the same words is a change"
    ended = replace(_alert("b"), state=AlertState.ENDED)
    store.record(model, [_alert("a"), ended])
    assert make().recorded(model, Alert, Query(changed_after=seen)) == [ended], "a change is not found"
    assert int(make().pointer(model, "alerts") or 0) > seen, "a change is not counted"
    try:
        store.record(model, [], {"alerts": (str(seen), "0")})
    except StoreError:
        return
    raise AssertionError("somebody else moved the count of changes")


def _check_forgetting(make: Callable[[], Store]) -> None:
    store, model = make(), "forgetting"
    if not isinstance(store, Forgets):
        return
    measured = [Measurement(Family.COMPARISON, "ks", 0.5, 1, window=_window(day), column="x") for day in range(4)]
    alerts = [_alert("open"), _alert("ended", AlertState.ENDED)]
    action = Action("a", model, ActionKind.HOLD, Outcome.DONE, "", "", _START)
    signals = [Signal(m, "cusum") for m in measured]
    diagnoses = [Diagnosis("open", model, ()), Diagnosis("ended", model, ())]
    store.record(model, diagnoses)
    store.record(model, [*measured, *signals, *(_after(day, "x") for day in range(4)), *alerts, action])
    store.record("forgetting nothing", [measured[0], _after(0, "x")])
    assert store.forget(model, Measurement, _START + 2 * _DAY, [_window(0)]) == 1, "not what is over went"
    assert make().recorded(model, Measurement) == [measured[0], *measured[2:]], "not what is over went"
    assert make().recorded(model, Signal) == [signals[0], *signals[2:]], "a signal stays without its measurement"
    assert store.forget(model, Remembered, keep=[_window(1), _window(3)]) == 2
    assert make().recorded(model, Remembered) == [_after(1, "x"), _after(3, "x")], "what is to be kept went"
    assert store.forget(model, Alert, _START + 9 * _DAY) == 1
    assert make().recorded(model, Alert) == alerts[:1], "an open alert went"
    assert make().recorded(model, Diagnosis) == diagnoses[:1], "a diagnosis stays without its alert, or goes before it"
    assert make().recorded(model, Action) == [action], "an action went"
    assert len(make().recorded(model, AuditEvent)) == 1, "a link of the audit chain went"
    assert len(make().recorded("forgetting nothing", Measurement)) == 1, "records of another model went"
    assert len(make().recorded("forgetting nothing", Remembered)) == 1, "records of another model went"
    for kind in (Spec, Action, AuditEvent, Signal):
        try:
            store.forget(model, kind)
        except StoreError:
            continue
        raise AssertionError(f"records of kind {kind.__name__} were removed")
    store.record(model, [measured[1], signals[1]])
    assert make().recorded(model, Signal) == signals, "what was removed cannot be recorded again"
