"""Diagnoses are made in the run and recorded: when, how often, and that one that fails takes nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import watchkeeper.run.diagnoses as diagnoses
from watchkeeper.api import explain, report
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.diagnosis import Diagnosis, DiagnosisBasis, HypothesisKind
from watchkeeper.core.query import Query
from watchkeeper.core.window import Window
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.diagnoses import Casebook, diagnose_again, diagnosed
from watchkeeper.run.project import Project
from watchkeeper.store.memory import MemoryStore
from watchkeeper.words.causes import sentence

from .invented import MODEL, START, day, deliver, everything, rows, watch

DAY = timedelta(days=1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the alerts that were diagnosed, one entry a call."""
    made: list[str] = []

    def counted(alert: Alert, *known: Any, **further: Any) -> Diagnosis:
        made.append(alert.id)
        return real(alert, *known, **further)

    real = diagnoses.diagnose
    monkeypatch.setattr(diagnoses, "diagnose", counted)
    return made


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a model whose world turned on day 7; from then on low x means a positive label."""
    folder = tmp_path_factory.mktemp("turned")
    model = watch(folder, train="''")
    whole = rows(0, 9, turn=7)
    deliver(folder, "all", whole, whole)
    model.run(MODEL, day(9).start)
    return model


def firing(model: Project) -> list[Alert]:
    return model.store.recorded(MODEL, Alert, Query(states=(AlertState.FIRING,)))


def recorded(model: Project) -> dict[str, Diagnosis]:
    return {one.alert: one for one in model.store.recorded(MODEL, Diagnosis)}


def test_the_run_records_what_each_firing_alert_comes_from_and_of_which_rows(turned: Project) -> None:
    made = recorded(turned)
    (alert,) = firing(turned)
    assert made.keys() == {alert.id}
    told = made[alert.id]
    assert told.hypotheses[0].kind in (HypothesisKind.LABEL_FAULT, HypothesisKind.CONCEPT_SHIFT)
    assert told.onset is not None
    assert told.onset.at == day(7).start
    assert told.basis is not None
    assert (told.basis.window.start, told.basis.window.end) == (alert.since, alert.last)
    causes = next(a for a in told.attributions if a.over == "causes")
    assert sum(part.value for part in causes.parts) == pytest.approx(causes.total, abs=1e-9)
    assert max(causes.parts, key=lambda part: part.value).name == "concept shift"


def test_a_diagnosis_made_anew_is_the_same_for_the_same_seed_and_changes_no_record(turned: Project) -> None:
    spec, (alert,), before = turned.spec(MODEL), firing(turned), everything(turned)
    first, second = (diagnose_again(spec, turned.store, alert, seed=3) for _ in range(2))
    assert first == second
    assert everything(turned) == before


def test_reading_diagnoses_makes_none_and_reads_no_states_of_more_than_the_newest_window(
    turned: Project, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Window | None, tuple[str, ...]]] = []
    states = turned.store.states

    def watched(model: str, window: Window | None, columns: Any = ()) -> Any:
        asked.append((window, tuple(columns)))
        return states(model, window, columns)

    monkeypatch.setattr(turned.store, "states", watched)
    shown = explain(turned)
    assert asked == []
    assert shown.diagnosis == recorded(turned)[shown.alert.id]
    whole = report(turned)
    assert whole.diagnosis_of(shown.alert) == shown.diagnosis
    assert {window for window, _ in asked} == {None, day(8)}
    assert calls == []
    assert "diagnosed on the rows from 2024-03-11 00:00 to 2024-03-13 00:00" in str(shown)


def daily(tmp_path: Path, until: int, check: Callable[[Project, int], None]) -> Project:
    model = watch(tmp_path, train="''")
    for number in range(until):
        part = rows(number, number + 1, turn=7)
        deliver(tmp_path, f"{number}", part, part)
        model.run(MODEL, day(number + 1).start)
        check(model, number)
    return model


def test_an_open_alert_is_diagnosed_again_only_when_there_is_twice_as_much_to_rest_on(
    tmp_path: Path, calls: list[str]
) -> None:
    made: list[int] = []

    def check(model: Project, number: int) -> None:
        made.append(len(calls))
        assert recorded(model).keys() >= {alert.id for alert in firing(model)}

    model = daily(tmp_path, 16, check)
    steps = [after - before for before, after in zip([0, *made], made, strict=False)]
    (alert,) = firing(model)
    assert alert.since == day(7).start
    # It begins on the first or second of nine windows, and again when they have doubled.
    assert 3 <= len(calls) <= 4
    assert max(steps) == 1
    assert steps[-1] == 0


def test_a_run_with_nothing_new_diagnoses_nothing(tmp_path: Path, calls: list[str]) -> None:
    model = daily(tmp_path, 10, lambda *_: None)
    before, told = len(calls), everything(model)
    model.run(MODEL, day(10).start)
    assert len(calls) == before
    assert everything(model) == told


def test_a_diagnosis_that_fails_is_recorded_as_such_and_costs_nothing_else(
    tmp_path: Path, turned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Diagnosis:
        raise ZeroDivisionError("no rows")

    monkeypatch.setattr(diagnoses, "diagnose", fails)
    model = watch(tmp_path, train="''")
    whole = rows(0, 9, turn=7)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(9).start)
    (made,) = recorded(model).values()
    assert made.failed
    assert [sentence(note) for note in made.notes] == ["the alert could not be diagnosed: ZeroDivisionError: no rows"]
    usual, failed = everything(turned), everything(model)
    assert {kind for kind in usual.keys() - {"notified"} if usual[kind] != failed[kind]} == {"Diagnosis"}


def test_what_no_store_can_keep_is_a_failed_diagnosis(turned: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (alert,) = firing(turned)
    broken = Diagnosis(alert.id, MODEL, (object(),))
    monkeypatch.setattr(diagnoses, "diagnose", lambda *_, **__: broken)
    assert diagnosed(alert, turned.spec(MODEL), None, None).failed


def test_an_alert_without_times_is_diagnosed_as_failed_and_costs_the_others_nothing(turned: Project) -> None:
    (alert,) = firing(turned)
    timeless = Alert("t", MODEL, Cause.DRIFT, Severity.PAGE, AlertState.FIRING)
    place = Checkpoint.load(turned.store, MODEL)
    store = MemoryStore()
    first, second = Casebook(turned.spec(MODEL), _Elsewhere(turned, store)).begun([timeless, alert], place, ())
    assert "has no times" in sentence(first.notes[0])
    assert not second.failed


class _Elsewhere:
    """The store of a project of which nothing is diagnosed yet."""

    def __init__(self, model: Project, empty: MemoryStore) -> None:
        self.store, self.empty = model.store, empty

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def recorded(self, model: str, kind: type[Any], query: Query | None = None) -> list[Any]:
        return (self.empty if kind is Diagnosis else self.store).recorded(model, kind, query)


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({}, False),
        ({"about": ()}, True),
        ({"about": ("score", "x", "z")}, False),
        ({"judged": 1}, True),
        ({"reference": "other rows"}, True),
    ],
)
def test_it_is_due_again_with_further_columns_more_windows_or_another_reference(
    turned: Project, calls: list[str], change: dict[str, Any], due: bool
) -> None:
    (alert,) = firing(turned)
    alert = replace(alert, columns=("x", "score"))
    place = Checkpoint.load(turned.store, MODEL)
    assert alert.since is not None
    assert alert.last is not None
    basis = DiagnosisBasis(Window(alert.since, alert.last), 2, ("x", "score"), place.reference)
    store = MemoryStore()
    store.record(MODEL, [replace(recorded(turned)[alert.id], basis=replace(basis, **change))])
    made = Casebook(turned.spec(MODEL), _Elsewhere(turned, store)).renewed([alert], place)
    assert (bool(made), bool(calls)) == (due, due)


def test_an_open_alert_of_before_is_told_to_have_none_and_the_next_run_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a store that version 0.1.0 left.
    with monkeypatch.context() as patch:
        patch.setattr(Casebook, "begun", lambda *_: ())
        patch.setattr(Casebook, "renewed", lambda *_: ())
        model = daily(tmp_path, 10, lambda *_: None)
    (alert,) = firing(model)
    shown = explain(model)
    assert shown.diagnosis is None
    words = (
        f"no diagnosis of this alert is recorded: the next run makes one; watchkeeper explain {alert.id} --attribute"
    )
    assert words in " ".join(str(shown).split())
    assert words in shown.json()["notes"][0]
    assert shown.json()["hypotheses"] == []
    assert words in shown._repr_mimebundle_()["text/html"]
    assert explain(model, attributed=True).diagnosis is not None
    model.run(MODEL, day(10).start)
    assert explain(model).diagnosis is not None
    ended = replace(alert, id="over", state=AlertState.ENDED, last=START)
    model.store.record(MODEL, [ended])
    assert "this one does no longer" in explain(model, "over").json()["notes"][0]


def test_the_rows_that_notes_rest_on_are_known_without_reading_a_state(
    turned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = report(turned)
    monkeypatch.setattr(turned.store, "states", None)
    told = report(turned, drawn=False)
    assert told.notes == whole.notes
    assert any("Smallest shift that" in note for note in told.notes)
    assert (told.headline, told.alerts, told.diagnoses) == (whole.headline, whole.alerts, whole.diagnoses)
    assert told.reference == {}
    assert whole.reference
