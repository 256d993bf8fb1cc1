"""Which alert is meant, what it is told to come from, and that a diagnosis that fails takes nothing with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.errors import UsageError
from watchkeeper.run.explain import diagnose_alerts, diagnosed, explain_alert, find_alert
from watchkeeper.run.project import Project
from watchkeeper.steps.reference import reference_effects, reference_states
from watchkeeper.words.causes import sentence

from .invented import MODEL, START, day, deliver, rows, watch


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a model whose world turned on day 7; from then on low x means a positive label."""
    folder = tmp_path_factory.mktemp("turned")
    model = watch(folder, train="''")
    whole = rows(0, 9, turn=7)
    deliver(folder, "all", whole, whole)
    model.run(MODEL, day(9).start)
    return model


def alert(
    id: str, state: AlertState = AlertState.FIRING, severity: Severity = Severity.WARNING, days: int = 1
) -> Alert:
    return Alert(
        id, MODEL, Cause.DRIFT, severity, state, START, START + timedelta(days=days), ("x",)
    )  # fmt: skip


def test_the_worst_alert_that_fires_is_meant_where_none_is_named() -> None:
    held = [alert("a", days=3), alert("b", severity=Severity.PAGE), alert("c", AlertState.ENDED, Severity.PAGE, 9)]
    assert find_alert(held).id == "b"
    assert find_alert(held[2:]).id == "c"


def test_the_beginning_of_an_id_is_enough_unless_two_begin_so() -> None:
    held = [alert("ab1"), alert("ab2"), alert("cd")]
    assert find_alert(held, "c").id == "cd"
    with pytest.raises(UsageError, match="2 alerts begin with 'ab': ab1, ab2"):
        find_alert(held, "ab")
    with pytest.raises(UsageError, match="there is no alert 'x'; Valid: ab1, ab2, cd"):
        find_alert(held, "x")
    with pytest.raises(UsageError, match="there is no alert to explain"):
        find_alert([])


def test_labels_that_turned_are_told_apart_from_other_rows_and_dated(turned: Project) -> None:
    found = find_alert(turned.store.recorded(MODEL, Alert))
    told = explain_alert(turned.spec(MODEL), turned.store, found)
    assert told.hypotheses[0].kind in (HypothesisKind.LABEL_FAULT, HypothesisKind.CONCEPT_SHIFT)
    assert told.onset is not None
    assert told.onset.at == day(7).start
    for attribution in told.attributions:
        assert sum(part.value for part in attribution.parts) == pytest.approx(attribution.total, abs=1e-9)
    causes = next(a for a in told.attributions if a.over == "causes")
    largest = max(causes.parts, key=lambda part: part.value)
    assert largest.name == "concept shift"


def test_the_same_question_gets_the_same_answer(turned: Project) -> None:
    spec, held = turned.spec(MODEL), find_alert(turned.store.recorded(MODEL, Alert))
    first, second = (explain_alert(spec, turned.store, held, seed=3) for _ in range(2))
    assert first == second


def test_only_firing_alerts_are_diagnosed_for_a_report(turned: Project) -> None:
    held = turned.store.recorded(MODEL, Alert)
    firing = [one.id for one in held if one.state is AlertState.FIRING]
    spec = turned.spec(MODEL)
    known = reference_states(spec, turned.store), reference_effects(spec, turned.store)
    assert [d.alert for d in diagnose_alerts(spec, turned.store, held, *known)] == firing
    assert diagnose_alerts(spec, turned.store, [alert("c", AlertState.ENDED)], *known) == ()


def test_a_diagnosis_that_fails_says_so(turned: Project) -> None:
    found = diagnosed(alert("a"), turned.spec(MODEL), None, None)
    assert [h.kind for h in found.hypotheses] == [HypothesisKind.UNKNOWN]
    assert sentence(found.notes[0]).startswith("the alert could not be diagnosed: ")


def test_an_alert_without_times_costs_the_others_nothing(turned: Project) -> None:
    held = find_alert(turned.store.recorded(MODEL, Alert))
    timeless = Alert("t", MODEL, Cause.DRIFT, Severity.PAGE, AlertState.FIRING)
    spec = turned.spec(MODEL)
    known = reference_states(spec, turned.store), reference_effects(spec, turned.store)
    found = diagnose_alerts(spec, turned.store, [timeless, held], *known)
    told = {diagnosis.alert: diagnosis for diagnosis in found}
    assert "has no times" in sentence(told["t"].notes[0])
    assert held.state is AlertState.FIRING
    assert not any("could not be diagnosed" in sentence(note) for note in told[held.id].notes)
