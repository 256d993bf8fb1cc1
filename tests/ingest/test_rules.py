"""Quality rules of a model that is watched over time: counted by grain, judged by window, recorded and shown."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.run import invented
from tests.run.invented import MODEL, day, deliver, rows
from watchkeeper.api import report
from watchkeeper.core.alert import AlertState, Cause, Severity
from watchkeeper.core.errors import ConfigError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.rule import Rule
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import RULES
from watchkeeper.run.project import Project, open_project
from watchkeeper.words.alerts import alert_sentence

INLINE = """\
    rules:
      - {rule: in_set, column: plan, values: [basic, plus, pro]}
      - {rule: in_range, column: x, lower: -6, upper: 6, severity: warning}
      - {rule: ordered, column: time}
      - {rule: not_null, column: z, when: {rule: in_set, column: plan, values: [pro]}}
      - {rule: volume, lower: 250}
      - {rule: fresh, column: time, within: 6h}
      - {rule: mean, column: z, lower: -1, upper: 1}
"""
COUNT = 7


def opened(folder: Path, rules: str = INLINE, **config: str) -> Project:
    place = invented.write(folder, train="''", **config)
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace("    notify:", f"{rules}    notify:"), encoding="utf-8")
    return open_project(place, {})


def found(project: Project, window: int) -> dict[str, Measurement]:
    measured = project.store.recorded(MODEL, Measurement, Query(window=day(window)))
    return {m.name: m for m in measured if m.evidence.rule is not None}


@pytest.mark.parametrize("grain", ["1d", "6h"])
def test_a_broken_rule_alerts_in_its_window_and_kept_ones_are_recorded_as_kept(tmp_path: Path, grain: str) -> None:
    project = opened(tmp_path, grain=grain)
    whole = rows(0, 6)
    last = pl.col("time") >= day(5).start
    place = pl.int_range(pl.len())
    faulty = whole.with_columns(
        plan=pl.when(last & (place % 3 == 0)).then(pl.lit("gold")).otherwise("plan"),
        x=pl.when(last & (place % 50 == 0)).then(99.0).otherwise("x"),
    )
    deliver(tmp_path, "one", faulty, whole)
    outcome = project.run(MODEL, day(6).start)
    before = found(project, 4)
    assert [(before[n].status, before[n].value) for n in ("in_set", "in_range")] == [(Status.OK, 0.0)] * 2
    wrong = found(project, 5)
    assert (wrong["in_set"].evidence.rule.offending, wrong["in_set"].evidence.rule.checked) == (100, 300)
    assert wrong["in_range"].evidence.rule.offending == 6
    change = wrong["in_set"].evidence.change
    assert (change.quantity, change.before, change.after) == ("limit", 0.0, wrong["in_set"].value)
    assert (wrong["volume"].value, wrong["ordered"].value) == (300.0, 0.0)
    assert wrong["fresh"].value == pytest.approx((day(5).end - whole["time"].max()).total_seconds())
    assert len(wrong) == COUNT
    signals = [
        s
        for s in project.store.recorded(MODEL, Signal, Query(window=day(5)))
        if s.measurement.evidence.rule is not None
    ]
    assert {s.measurement.name for s in signals if s.fired} == {"in_set", "in_range"}
    alert = next(a for a in outcome.ran.alerts if a.cause is Cause.DATA_FAULT)
    assert (alert.state, alert.severity, alert.since) == (AlertState.FIRING, Severity.PAGE, day(5).start)
    assert "plan: in_set is broken, 100 of 300 rows" in alert_sentence(alert)
    assert set(alert.columns) >= {"plan", "x"}
    page = report(project, MODEL)
    assert "Quality rules, worst first" in page.html()
    project.close()


def test_rules_stay_out_of_the_reference_and_are_recorded_with_the_spec(tmp_path: Path) -> None:
    project = opened(tmp_path)
    whole = rows(0, 5)
    deliver(tmp_path, "one", whole, whole)
    project.run(MODEL, day(5).start)
    assert not [key for key in project.store.states(MODEL, None) if key.column == RULES]
    assert [key for key in project.store.states(MODEL, day(4)) if key.column == RULES]
    specs = project.store.recorded(MODEL, Spec)
    assert [rule.kind for rule in specs[-1].rules] == [rule.kind for rule in project.spec(MODEL).rules]
    assert all(isinstance(rule, Rule) for rule in specs[-1].rules)
    project.close()


def test_a_rule_that_is_added_later_says_nothing_of_rows_that_were_summarised_before(tmp_path: Path) -> None:
    project = opened(tmp_path, "")
    whole = rows(0, 6)
    first = whole.filter(pl.col("time") < day(5).start)
    deliver(tmp_path, "one", first, first)
    project.run(MODEL, day(5).start)
    project.close()
    project = opened(tmp_path)
    second = whole.filter(pl.col("time") >= day(5).start)
    deliver(tmp_path, "two", second, second)
    outcome = project.run(MODEL, day(6).start)
    assert outcome.ran.judged == (day(5),)
    assert found(project, 4) == {}
    assert found(project, 5)["in_set"].value == 0.0
    project.close()


def test_rules_may_stand_in_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n- {rule: not_null, column: x}\n")
    project = opened(tmp_path, "    rules: rules.yaml\n")
    deliver(tmp_path, "one", rows(0, 2), rows(0, 2))
    assert [rule.kind for rule in project.spec(MODEL).rules] == ["not_null"]
    project.close()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[{rule: not_null, column: plann}]", "there is no column 'plann' in model 'sales'; did you mean 'plan'"),
        ("[{rule: not_nul, column: plan}]", "rule 1: there is no kind of rule 'not_nul'"),
        ("gone.yaml", "gone.yaml does not exist"),
        ("[1]", "rules"),
    ],
)
def test_rules_that_are_off_stop_the_run_with_words(tmp_path: Path, written: str, told: str) -> None:
    def tried() -> None:
        project = opened(tmp_path, f"    rules: {written}\n")
        deliver(tmp_path, "one", rows(0, 2), rows(0, 2))
        project.run(MODEL, day(2).start)

    with pytest.raises(ConfigError, match=told):
        tried()
