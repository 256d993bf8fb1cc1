"""What every store must obey when it records nouns, moves pointers and chains actions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import (
    Attribution,
    Contribution,
    Diagnosis,
    DiagnosisBasis,
    Hypothesis,
    HypothesisKind,
    Onset,
    WorstSegment,
)
from watchkeeper.core.errors import ConflictError
from watchkeeper.core.evidence import (
    Change,
    Estimation,
    Evidence,
    Labels,
    Quantity,
    RuleCheck,
    Size,
    SumOfSquares,
    Transformation,
    TransformationKind,
)  # fmt: skip
from watchkeeper.core.ground import Ground
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.signal import Basis, Signal, Zone
from watchkeeper.core.spec import AlertRule, Maintenance, Monitor, Spec
from watchkeeper.core.statement import Statement, StatementCode
from watchkeeper.core.store import AuditEvent, Noun, Store
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.testing.memories import check_memories
from watchkeeper.testing.queries import check_queries

__all__ = ["check_ledger", "every_noun"]

_START = datetime(2024, 3, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def check_ledger(make_store: Callable[[], Store]) -> None:
    """Assert that a store records as it must; part of ``check_store``.

    Raises
    ------
    AssertionError
        Naming the law that is broken.
    """
    for check in (_check_nouns, _check_replacing, _check_windows, _check_specs, _check_pointers, _check_chain):
        check(make_store)
    check_queries(make_store)
    check_memories(make_store)


def every_evidence() -> Evidence:
    """Return evidence with every field set."""
    return Evidence(
        Change(Quantity.SHARE, 1 / 3, -math.inf, math.inf, ("naïve \u2028", "<b>x</b>"), "s"),
        Size(1_000.0, 499.5, 1.5, 2.5),
        1e-300,
        7,
        SumOfSquares(1.5, 2.5, 0.1),
        math.inf,
        0.25,
        ("x", "y"),
        Labels(0.5, 0.75, 0.125, mature=False),
        Estimation("cbpe", "as the reference", 0.1, 0.2, 0.3, 0.4, 5, "none", "pape: no rows", 0.6, 0.7),
        RuleCheck("in_range", "from 0", "page", 10, 2, 12, "3; 4", "5", ("6", "7")),
        Transformation(TransformationKind.AFFINE, "°C → °F", 1.8, 32.0, "y", _START),
        {"ratio": 1 / 3, "level": "naïve \u2028", "bound": -math.inf},
    )


def every_noun(model: str) -> list[Noun]:
    """Return one noun of each kind with every field set, among them values JSON has no word for."""
    window = Window(_START, _START + _DAY)
    measured = Measurement(
        Family.COMPARISON, "psi", 0.1 + 0.2, 1_000, 1e-300, 0.002, (-1.5, math.inf), Status.OK, "", model, "v1",
        window, "carrier=AA", "<b>x</b>", 2, every_evidence(),
    )  # fmt: skip
    signal = Signal(
        measured,
        "shewhart",
        0.1,
        -0.0,
        math.pi,
        Zone.BEYOND,
        "two_of_three",
        7.25,
        fired=True,
        also=("four_of_five",),
        basis=Basis(1 / 3, math.inf, -0.5, 1e-9, 3, 0.1, "x"),
    )
    columns = (
        Column("x", Role.FEATURE, Kind.NUMERIC, "Float64", NumericMap(-3.5, 1e-9), "inferred"),
        Column("y", Role.LABEL, Kind.CATEGORICAL, "String"),
    )
    schema = Schema(columns, Task.BINARY, ("no", "yes"), "yes", (SegmentRule("carrier", ("AA", "UA")),))
    rule = WindowRule(timedelta(days=7), timedelta(hours=12), _START)
    options: dict[str, float | str] = {"k": 3.5, "side": "upper"}
    monitor = Monitor("psi", "tolerance", ("x",), ("all", "carrier"), options, Cause.LABEL_FAULT)
    upkeep = Maintenance("story:train", "ask", margin=1e-4, label_delay=timedelta(days=2, microseconds=1), pickle=True)
    return [
        Spec(model, schema, rule, window, (monitor,), AlertRule(3, 5, 1, 365.25), upkeep),
        measured,
        signal,
        Alert(
            "drift-1", model, Cause.DRIFT, Severity.PAGE, AlertState.FIRING, _START, _START + 3 * _DAY,
            ("x", "z"), ("all",), (signal,), AlertEnd.WITHDRAWN,
        ),
        _diagnosis(model, measured),
        Action(
            "retrain-1", model, ActionKind.RETRAIN, Outcome.REFUSED, "units changed", "watchkeeper",
            _START + timedelta(microseconds=1), "v2", "drift-1", {"rows": 10.0, "guard": "units"},
            (Ground("not_better", "auroc", before=0.7, after=math.inf, n=3, at=_START), Ground("frozen")),
        ),
    ]  # fmt: skip


def _diagnosis(model: str, measured: Measurement) -> Diagnosis:
    fault = Statement(
        StatementCode.OTHER_CAUSE, ("x",), ("<b>",), -math.inf, 0.1, math.inf, -0.0, 3, _START, "data_fault",
        (Statement(StatementCode.NO_ROWS),),
    )  # fmt: skip
    cause = Hypothesis(HypothesisKind.DATA_FAULT, 1 / 3, ("x",), ("all",), _START, (fault,), (measured,))
    parts = Attribution("brier", "causes", 0.1, 0.3, None, (Contribution("x", 0.2, 1e-3),), 10, 20, 7.5, 9)
    worst = WorstSegment("x = <b>", ("x",), 0.2, 5, (-math.inf, 0.5), 0.01)
    basis = DiagnosisBasis(Window(_START, _START + 3 * _DAY), 4, ("x", "all"), "reference")
    onset = Onset(_START, _START - _DAY, _START + _DAY, 12.5, 9)
    return Diagnosis("drift-1", model, (cause,), onset, (parts,), (worst,), (fault,), basis)


def _check_nouns(make: Callable[[], Store]) -> None:
    store, model = make(), "nouns"
    nouns = every_noun(model)
    assert store.recorded(model, Measurement) == [], "an unknown model has measurements"
    store.record(model, nouns)
    store = make()
    for noun in nouns:
        got = store.recorded(model, type(noun))
        assert got == [noun], f"a {type(noun).__name__} does not come back as it went in: {got}"
    measured = Measurement(Family.METRIC, "auroc", None, 0, status=Status.NO_DATA, reason="no labels")
    bare: list[Noun] = [
        measured,
        Alert("empty", model, Cause.NO_DATA, Severity.NOTICE, AlertState.PENDING),
        Action("hold", model, ActionKind.HOLD, Outcome.PROPOSED, "", ""),
    ]
    store.record(model, bare)
    for noun in bare:
        assert noun in store.recorded(model, type(noun)), f"a {type(noun).__name__} without optional parts is lost"
    broken = replace(measured, value=math.nan, column="broken")
    store.record(model, [broken])
    found = [m for m in store.recorded(model, Measurement) if m.column == "broken"]
    assert len(found) == 1 and found[0].value is not None and math.isnan(found[0].value), "NaN does not come back"


def _measurement(day: int, value: float, column: str = "x", version: str = "v1") -> Measurement:
    window = Window(_START + day * _DAY, _START + (day + 1) * _DAY)
    return Measurement(Family.COMPARISON, "psi", value, 10, version=version, window=window, column=column)


def _check_replacing(make: Callable[[], Store]) -> None:
    store, model = make(), "replacing"
    first = [_measurement(1, 0.1), _measurement(0, 0.2), _measurement(0, 0.3, "y"), _measurement(0, 0.4, "x", "v2")]
    store.record(model, first)
    ordered = store.recorded(model, Measurement)
    assert [m.value for m in ordered] == [0.2, 0.3, 0.4, 0.1], "measurements do not come oldest first"
    store.record(model, first)
    assert store.recorded(model, Measurement) == ordered, "recording again changes something"
    revised = replace(first[1], value=0.9, n=11, revision=1, status=Status.OK)
    store.record(model, [revised])
    values = [m.value for m in make().recorded(model, Measurement)]
    assert values == [0.9, 0.3, 0.4, 0.1], "a revision does not stand in place of what it revises"
    signal = Signal(revised, "shewhart")
    store.record(model, [signal, Signal(revised, "cusum"), replace(signal, rule="beyond")])
    assert [(s.chart, s.rule) for s in store.recorded(model, Signal)] == [("cusum", ""), ("shewhart", "beyond")], (
        "a signal is told apart by its measurement and chart, and the last of the same wins"
    )
    store.record(model, [replace(revised, value=0.8), replace(signal, measurement=replace(revised, value=0.8))])
    judged = [(s.chart, s.measurement.value) for s in make().recorded(model, Signal)]
    assert judged == [("cusum", 0.9), ("shewhart", 0.8)], "a signal is not of the measurement that it judged"
    store.record(model, [replace(signal, chart="ewma", measurement=replace(revised, value=0.1, model="other"))])
    (own,) = make().recorded(model, Signal, Query(charts=("ewma",)))
    assert (own.measurement.value, own.measurement.model) == (0.1, "other"), "a signal lost what it judged"
    alert = Alert("a", model, Cause.DRIFT, Severity.WARNING, AlertState.PENDING, _START, _START + _DAY)
    store.record(model, [alert])
    store.record(model, [replace(alert, state=AlertState.ENDED)])
    for note in (StatementCode.NO_ROWS, StatementCode.FAILED):
        store.record(model, [Diagnosis("a", model, (), notes=(Statement(note),))])
    notes = [[note.code for note in one.notes] for one in store.recorded(model, Diagnosis)]
    assert notes == [[StatementCode.FAILED]], "a diagnosis is kept by its alert"
    assert [a.state for a in store.recorded(model, Alert)] == [AlertState.ENDED], "an alert is kept by its id"


def _check_windows(make: Callable[[], Store]) -> None:
    store, model = make(), "windows"
    store.record(model, [_measurement(day, day / 10) for day in range(4)])
    store.record(model, [Measurement(Family.METRIC, "auroc", 0.7, 10)])
    query = Query(window=Window(_START + _DAY, _START + 3 * _DAY))
    assert [m.value for m in store.recorded(model, Measurement, query)] == [0.1, 0.2], "the window is not kept to"
    assert len(store.recorded(model, Measurement)) == 5
    for day in range(4):
        since, last = _START + day * _DAY, _START + (day + 2) * _DAY
        store.record(model, [
            Alert(f"a{day}", model, Cause.DRIFT, Severity.NOTICE, AlertState.FIRING, since, last),
            Diagnosis(f"a{day}", model, (), basis=DiagnosisBasis(Window(since, last))),
            Action(f"b{day}", model, ActionKind.HOLD, Outcome.DONE, "", "", since),
        ])  # fmt: skip
    assert [a.id for a in store.recorded(model, Alert, query)] == ["a0", "a1", "a2"], "alerts must overlap the window"
    told = [one.alert for one in store.recorded(model, Diagnosis, query)]
    assert told == ["a0", "a1", "a2"], "diagnoses must overlap the window"
    assert [a.id for a in store.recorded(model, Action, query)] == ["b1", "b2"], "actions must happen in the window"
    events = store.recorded(model, AuditEvent, query)
    assert [e.action.id for e in events] == ["b1", "b2"], "audit events must happen in the window"


def _check_specs(make: Callable[[], Store]) -> None:
    store, model = make(), "specs"
    old = every_noun(model)[0]
    assert isinstance(old, Spec)
    new = replace(old, alerts=AlertRule(budget=50.0))
    for spec in (old, old, new, new):
        store.record(model, [spec])
    assert make().recorded(model, Spec) == [old, new], "specs are no history"
    store.record(model, [old])
    assert make().recorded(model, Spec)[-1] == old, "a spec that comes back is not the newest"
    got = make().recorded(model, Spec)[-1].schema
    assert got["x"].map == NumericMap(-3.5, 1e-9) and "y" in got, "the columns of a stored schema are not found by name"


def _check_pointers(make: Callable[[], Store]) -> None:
    store, model = make(), "pointers"
    assert store.pointer(model, "champion") is None
    store.record(model, [], {"champion": (None, "v1"), "cursor": (None, "")})
    store.record(model, [_measurement(0, 0.5)], {"champion": ("v1", "v2")})
    assert (make().pointer(model, "champion"), store.pointer(model, "cursor")) == ("v2", "")
    action = Action("p", model, ActionKind.PROMOTE, Outcome.DONE, "", "")
    for move in ({"champion": ("v1", "v3")}, {"cursor": ("", "7"), "champion": (None, "v3")}, {"none": ("v1", "v2")}):
        try:
            store.record(model, [_measurement(1, 0.5), action], move)
        except ConflictError:
            pass
        else:
            raise AssertionError(f"{move} was carried out though the pointer holds something else")
    store = make()
    assert (store.pointer(model, "champion"), store.pointer(model, "cursor")) == ("v2", ""), "a pointer moved"
    assert len(store.recorded(model, Measurement)) == 1, "a conflict wrote a noun"
    assert not store.recorded(model, AuditEvent), "a conflict wrote a link"
    store.record(model, [], {"champion": ("v2", None)})
    assert store.pointer(model, "champion") is None, "a pointer cannot be taken away"


def _check_chain(make: Callable[[], Store]) -> None:
    store, model = make(), "chain"
    one = Action("1", model, ActionKind.RETRAIN, Outcome.PROPOSED, "drift", "watchkeeper", _START, facts={"n": 3})
    two = replace(one, id="2", at=_START + _DAY)
    store.record(model, [one, two])
    make().record(model, [two, one, two])
    assert len(store.recorded(model, AuditEvent)) == 2, "an action is in the chain twice"
    done = replace(one, outcome=Outcome.DONE)
    make().record(model, [done])
    events = make().recorded(model, AuditEvent)
    assert [e.number for e in events] == [1, 2, 3], "links are not numbered from 1 without gaps"
    assert [e.action for e in events] == [one, two, done], "the chain does not hold the actions in their order"
    assert [e.previous for e in events] == ["", events[0].hash, events[1].hash], "a link does not hold the one before"
    assert len({e.hash for e in events}) == 3 and all(len(e.hash) == 64 for e in events), "a link has no SHA-256"
    assert store.pointer(model, "audit") == events[-1].hash, "the pointer 'audit' does not hold the newest hash"
    assert sorted(a.outcome for a in store.recorded(model, Action)) == [Outcome.DONE, Outcome.PROPOSED]
