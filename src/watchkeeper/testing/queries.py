"""What every store must obey when records are asked for: the same query has the same answer everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.errors import StoreError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent, Noun, Store
from watchkeeper.core.window import Window

__all__ = ["check_queries"]

_START = datetime(2024, 3, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def check_queries(make_store: Callable[[], Store]) -> None:
    """Assert that a store answers queries; part of ``check_store``.

    Checked: each condition keeps the records that meet it and no others, conditions together keep what meets all, an
    empty tuple is met by nothing, prefixes mind case and signs, the newest first is the oldest first turned around, a
    limit cuts after the order, and what records of a kind do not have is refused.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    for check in (_check_series, _check_alerts, _check_actions, _check_order, _check_refusals):
        check(make_store)


def _window(day: int) -> Window:
    return Window(_START + day * _DAY, _START + (day + 1) * _DAY)


def _measured(day: int, column: str, **others: Any) -> Measurement:
    about: dict[str, Any] = {"family": Family.COMPARISON, "name": "psi", "version": "v1", "segment": "all", **others}
    return Measurement(value=0.5, n=1, window=_window(day), column=column, **about)


def _expect(store: Store, model: str, kind: type[Any], query: Query, wanted: Sequence[Any]) -> None:
    answer = store.recorded(model, kind, query)
    assert answer == list(wanted), f"{query} of {kind.__name__} gives {answer}, not {list(wanted)}"


def _check_series(make: Callable[[], Store]) -> None:
    store, model = make(), "queries"
    x, y = _measured(0, "x"), _measured(0, "Y's <b>%_")
    ks = _measured(0, "x", name="ks", status=Status.FAILED)
    metric = _measured(0, "", family=Family.METRIC, name="auroc", segment="carrier=AA", version="v2")
    signals = [
        Signal(x, "shewhart"),
        Signal(x, "cusum", rule="beyond", fired=True),
        Signal(metric, "cusum"),
        Signal(ks, "ewma"),
    ]
    store.record(model, [x, y, ks, metric, *signals])
    store.record("another model", [x, Signal(x, "shewhart", rule="beyond", fired=True)])
    store = make()
    for query, wanted in (
        (Query(), [x, y, ks, metric]),
        (Query(families=(Family.METRIC,)), [metric]),
        (Query(names=("psi", "none")), [x, y]),
        (Query(columns=("Y's <b>%_",)), [y]),
        (Query(columns=("%",)), []),
        (Query(segments=("carrier=AA",)), [metric]),
        (Query(versions=("v1",), names=("auroc", "ks")), [ks]),
        (Query(statuses=(Status.FAILED, Status.NO_DATA)), [ks]),
        (Query(columns=()), []),
        (Query(columns=("x",), names=("psi",), window=_window(1)), []),
        (Query.of_series(x), [x]),
        (Query.of_series(x, _window(0)), [x]),
    ):
        _expect(store, model, Measurement, query, wanted)
    for query, judged in (
        (Query(charts=("cusum",)), [signals[1], signals[2]]),
        (Query(fired=True), [signals[1]]),
        (Query(fired=False, columns=("x",)), [signals[0], signals[3]]),
        (Query(statuses=(Status.FAILED,)), [signals[3]]),
    ):
        _expect(store, model, Signal, query, judged)


def _check_alerts(make: Callable[[], Store]) -> None:
    store, model = make(), "asked alerts"
    page = Alert("Ab_1", model, Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING, _START, _START + _DAY)
    warning = Alert("ab%2", model, Cause.DRIFT, Severity.WARNING, AlertState.PENDING, _START, _START + _DAY)
    notice = Alert("b", model, Cause.DRIFT, Severity.NOTICE, AlertState.ENDED, _START, _START + _DAY)
    store.record(model, [page, warning, notice])
    store = make()
    for query, wanted in (
        (Query(severity=Severity.WARNING), [page, warning]),
        (Query(severity=Severity.PAGE), [page]),
        (Query(states=(AlertState.PENDING, AlertState.ENDED)), [warning, notice]),
        (Query(states=()), []),
        (Query(causes=(Cause.DRIFT,), severity=Severity.WARNING), [warning]),
        (Query(ids=("b", "Ab_1", "unknown")), [page, notice]),
        (Query(prefix="ab"), [warning]),
        (Query(prefix="Ab_"), [page]),
        (Query(prefix="_"), []),
        (Query(prefix="ab%2 and more"), []),
    ):
        _expect(store, model, Alert, query, wanted)


def _check_actions(make: Callable[[], Store]) -> None:
    store, model = make(), "asked actions"
    actions = [
        Action("r1", model, ActionKind.RETRAIN, Outcome.PROPOSED, "", "", _START),
        Action("v1", model, ActionKind.VALIDATE, Outcome.REFUSED, "", "", _START + _DAY, "v2"),
        Action("r2", model, ActionKind.RETRAIN, Outcome.DONE, "", "", _START + 2 * _DAY, "v2"),
    ]
    store.record(model, actions)
    store = make()
    for query, wanted in (
        (Query(kinds=(ActionKind.RETRAIN,)), [0, 2]),
        (Query(kinds=(ActionKind.RETRAIN,), outcomes=(Outcome.PROPOSED,)), [0]),
        (Query(versions=("v2",)), [1, 2]),
        (Query(prefix="r", newest_first=True, limit=1), [2]),
        (Query(window=Window(_START, _START + 2 * _DAY), limit=5), [0, 1]),
    ):
        _expect(store, model, Action, query, [actions[number] for number in wanted])
    links = store.recorded(model, AuditEvent)
    _expect(store, model, AuditEvent, Query(newest_first=True, limit=2), links[:0:-1])
    _expect(store, model, AuditEvent, Query(prefix="r", window=Window(_START, _START + _DAY)), links[:1])
    _expect(store, model, AuditEvent, Query(ids=("v1",)), links[1:2])


def _check_order(make: Callable[[], Store]) -> None:
    store, model = make(), "asked order"
    nouns: list[Noun] = [_measured(day, column) for day in (2, 0, 1) for column in ("x", "y")]
    store.record(model, [*nouns, Measurement(Family.METRIC, "auroc", 0.7, 10)])
    store = make()
    oldest = store.recorded(model, Measurement)
    _expect(store, model, Measurement, Query(newest_first=True), oldest[::-1])
    _expect(store, model, Measurement, Query(newest_first=True, limit=3), oldest[:-4:-1])
    _expect(store, model, Measurement, Query(limit=2, columns=("x",)), [_measured(0, "x"), _measured(1, "x")])
    for limit in (0, 7, 1_000):
        _expect(store, model, Measurement, Query(limit=limit), oldest[:limit])


def _check_refusals(make: Callable[[], Store]) -> None:
    store = make()
    for kind, query, named in (
        (Alert, Query(columns=("x",)), "columns"),
        (Measurement, Query(fired=True), "fired"),
        (Measurement, Query(prefix="a"), "prefix"),
        (Action, Query(severity=Severity.PAGE), "severity"),
        (Spec, Query(states=(AlertState.FIRING,)), "states"),
        (Signal, Query(limit=-1), "-1"),
    ):
        try:
            store.recorded("refusals", kind, query)
        except StoreError as error:
            assert named in str(error), f"the message does not name {named}: {error}"
        else:
            raise AssertionError(f"{query} of {kind.__name__} was answered")
