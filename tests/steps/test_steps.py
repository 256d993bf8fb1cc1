"""Assessing and judging one window: what is measured, what signals, and what stays silent for a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.window import Window
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise_rows
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.steps.monitors import MEASURED, default_monitors
from watchkeeper.words.alerts import alert_sentence

START = datetime(2024, 3, 4, tzinfo=UTC)
ROLES = {Role.LABEL: "label", Role.SCORE: "score", Role.PREDICTION: "prediction"}
RULE = AlertRule(k=2, n=3, clear=2)


def rows(seed: int, n: int = 2_000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    score = 1 / (1 + np.exp(-2 * x))
    label = (rng.random(n) < score).astype(np.int64)
    shop = rng.choice(["north", "south"], n)
    return pl.DataFrame(
        {"x": x, "shop": shop, "score": score, "prediction": (score >= 0.5).astype(np.int64), "label": label}
    )


BEFORE = rows(1)
SCHEMA = infer_schema(BEFORE, roles=ROLES)


def states(frame: pl.DataFrame) -> dict[tuple[str, str], State]:
    return merged(summarise_rows(frame, SCHEMA, "m"), None, "m")


def spec(*monitors: Monitor) -> Spec:
    return Spec("m", SCHEMA, monitors=monitors, alerts=RULE)


def play(frames: Sequence[pl.DataFrame], watched: Spec, *, learn: int = 0) -> list[Judged]:
    """Judge frames as windows one after the other, the first few as part of the reference."""
    reference, watch, found = states(BEFORE), JudgeMemory(), []
    for number, frame in enumerate(frames):
        window = Window(START + timedelta(days=number), START + timedelta(days=number + 1))
        measured = assess(states(frame), reference, watched) if frame.height else []
        done = judge([replace(m, window=window) for m in measured], watched, watch, window, learning=number < learn)
        watch = done.watch
        found.append(done)
    return found


def of(judged: Judged, cause: Cause) -> Alert | None:
    return next((alert for alert in judged.alerts if alert.cause is cause), None)


def states_of(found: Sequence[Judged], cause: Cause) -> list[str]:
    return [alert.state.value if (alert := of(judged, cause)) else "" for judged in found]


def realised(judged: Judged) -> list[Signal]:
    return [signal for signal in judged.signals if signal.measurement.family is not Family.ESTIMATE]


FINE = [rows(seed) for seed in range(10, 20)]
SHEWHART = Monitor("auroc", "shewhart", options={"min_samples": 3, "side": "lower"}, cause=Cause.PERFORMANCE)


def test_every_column_is_measured_by_every_usual_comparison_that_applies() -> None:
    found = assess(states(FINE[0]), states(BEFORE), spec())
    pairs = {(m.name, m.column) for m in found if m.family is Family.COMPARISON}
    leveled = {"l_infinity", "unseen_levels", "encoding_change"}
    assert {name for name, column in pairs if column == "x"} == set(MEASURED) - leveled
    assert leveled <= {name for name, column in pairs if column == "shop"}
    assert {m.name for m in found if m.family is Family.QUALITY} == {"rows", "doubled_ids"}
    assert {"auroc", "log_loss", "accuracy"} <= {m.name for m in found if m.family is Family.METRIC}


def test_a_comparison_that_a_monitor_names_is_measured_too() -> None:
    assert "chi_square" not in MEASURED
    found = assess(states(FINE[0]), states(BEFORE), spec(Monitor("chi_square", "fixed", ("shop",))))
    assert ("chi_square", "shop") in {(m.name, m.column) for m in found}


def test_states_of_parts_merge_into_what_the_whole_gives() -> None:
    parts = [*summarise_rows(BEFORE[:700], SCHEMA, "m", "v1"), *summarise_rows(BEFORE[700:], SCHEMA, "m", "v2")]
    halves, whole = merged(parts, None, "m"), states(BEFORE)
    assert halves.keys() == whole.keys()
    assert all(state.key.version == "" for state in halves.values())
    numbers = [{(m.name, m.column): m.n for m in assess(s, whole, spec())} for s in (halves, whole)]
    assert numbers[0] == numbers[1]


def test_windows_of_the_reference_teach_the_charts_of_metrics_and_give_no_alert() -> None:
    monitors = spec(SHEWHART, Monitor("ks", "tolerance", ("x",)))
    moved = FINE[0].with_columns(pl.col("x") + 3)
    found = play([moved, *FINE[1:4]], monitors, learn=3)
    assert [judged.alerts for judged in found] == [()] * 4
    assert [[s.zone for s in realised(judged)] for judged in found[:3]] == [[Zone.LEARNING]] * 3
    (judged,) = (s for s in realised(found[3]) if s.chart == "shewhart")
    assert judged.zone is not Zone.LEARNING
    assert judged.centre == pytest.approx(
        np.mean([s.measurement.value for j in found[:3] for s in realised(j)]), abs=0.01
    )


def test_drift_has_to_persist_before_it_fires_and_stays_until_it_is_over() -> None:
    moved = [frame.with_columns(pl.col("x") + 1) for frame in FINE]
    frames = [FINE[0], moved[1], FINE[2], moved[3], FINE[4], FINE[5], FINE[6]]
    found = play(frames, spec(Monitor("ks", "tolerance", ("x",))))
    assert states_of(found, Cause.DRIFT) == ["", "pending", "pending", "firing", "firing", "ended", ""]


def test_a_missing_column_is_a_data_fault_at_once_and_over_when_it_is_back() -> None:
    found = play([FINE[0], FINE[1].drop("x"), FINE[2], FINE[3], FINE[4]], spec(Monitor("ks", "tolerance", ("x",))))
    assert states_of(found, Cause.DATA_FAULT) == ["", "firing", "firing", "ended", ""]
    fault = of(found[1], Cause.DATA_FAULT)
    assert fault is not None
    assert (fault.columns, alert_sentence(fault)) == (("x",), "column 'x' is missing")
    assert states_of(found, Cause.NO_DATA) == [""] * 5


def test_a_column_of_another_type_is_a_data_fault_and_the_others_are_judged() -> None:
    odd = FINE[0].with_columns(pl.col("x").cast(pl.String))
    found = play([odd], spec(Monitor("ks", "tolerance"), Monitor("l_infinity", "tolerance")))[0]
    assert [a.columns for a in found.alerts] == [("x",)]
    assert {s.measurement.column for s in found.signals if s.zone is not Zone.NOT_JUDGED} >= {"score", "shop"}


def test_a_comparison_that_fails_where_others_do_not_leaves_its_monitor_blind() -> None:
    watched = spec(Monitor("ks", "tolerance", ("x",)))
    measured = [
        replace(m, status=Status.FAILED, value=None, reason="Ks raised ZeroDivisionError: by zero")
        if (m.name, m.column) == ("ks", "x")
        else m
        for m in assess(states(FINE[0]), states(BEFORE), watched)
    ]
    found = judge(measured, watched, JudgeMemory(), None)
    assert [(a.cause, a.columns, alert_sentence(a)) for a in found.alerts] == [
        (Cause.NO_DATA, ("x",), "Ks raised ZeroDivisionError: by zero")
    ]
    unwatched = judge(measured, spec(Monitor("psi", "fixed", ("x",), options={"upper": 1.0})), JudgeMemory(), None)
    assert unwatched.alerts == ()


def test_a_window_without_rows_pages_and_moves_nothing_else() -> None:
    moved = [frame.with_columns(pl.col("x") + 1) for frame in FINE]
    nothing = BEFORE.clear()
    found = play([moved[0], moved[1], nothing, nothing, nothing, FINE[0]], spec(Monitor("ks", "tolerance", ("x",))))
    assert states_of(found, Cause.DRIFT) == ["pending", *["firing"] * 5]
    assert states_of(found, Cause.NO_DATA) == ["", "", "firing", "firing", "firing", "firing"]
    blind = of(found[2], Cause.NO_DATA)
    assert blind is not None
    assert alert_sentence(blind) == "no rows arrived"


def test_labels_that_have_not_come_neither_confirm_nor_clear_a_performance_alert() -> None:
    wrong = [frame.with_columns(label=1 - pl.col("label")) for frame in FINE]
    unlabelled = [frame.with_columns(label=pl.lit(None, dtype=pl.Int64)) for frame in FINE]
    frames = [*FINE[:3], wrong[3], wrong[4], *unlabelled[:4], FINE[5], FINE[6]]
    found = play(frames, spec(SHEWHART), learn=3)
    assert states_of(found, Cause.PERFORMANCE) == ["", "", "", "pending", *["firing"] * 6, "ended"]
    assert states_of(found, Cause.LABEL_FAULT) == [""] * 11


def test_an_estimate_raises_an_alert_and_does_not_clear_one() -> None:
    """Scores of one half mean errors; of those that are all one half an estimate without labels says so."""
    unlabelled = [frame.with_columns(label=pl.lit(None, dtype=pl.Int64)) for frame in FINE]
    unsure = [frame.with_columns(score=0.5 + (pl.col("score") - 0.5) * 0.01) for frame in unlabelled]
    monitor = Monitor("log_loss", "shewhart", options={"min_samples": 3, "side": "upper"}, cause=Cause.PERFORMANCE)
    found = play([*FINE[:4], unsure[4], unsure[5], *unlabelled[6:9], FINE[9], FINE[3]], spec(monitor), learn=3)
    assert states_of(found, Cause.PERFORMANCE) == [*[""] * 4, "pending", *["firing"] * 5, "ended"]
    alert = of(found[5], Cause.PERFORMANCE)
    assert alert is not None
    assert alert_sentence(alert).startswith("estimated log loss rose: ")


def test_a_metric_that_fails_does_not_clear_a_performance_alert() -> None:
    wrong = [frame.with_columns(label=1 - pl.col("label")) for frame in FINE]
    broken = [frame.with_columns(score=pl.lit("high")) for frame in FINE]
    found = play([*FINE[:3], wrong[3], wrong[4], *broken[:3]], spec(SHEWHART), learn=3)
    assert states_of(found, Cause.PERFORMANCE) == ["", "", "", "pending", *["firing"] * 4]
    assert states_of(found, Cause.DATA_FAULT) == [""] * 5 + ["firing"] * 3


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (pl.col("label").cast(pl.String), "changed its type: the reference holds Int64, this holds String"),
        (pl.concat_list("label"), "cannot be summarised"),
        (pl.lit(7, dtype=pl.Int64), "label has new levels in 100.0% of rows: '7' (2000)"),
    ],
)
def test_labels_that_cannot_be_read_are_a_label_fault(label: pl.Expr, words: str) -> None:
    monitors = default_monitors(SCHEMA, RULE, history=True)
    found = play([FINE[0], FINE[1].with_columns(label=label)], spec(*monitors))[1]
    assert [a.cause for a in found.alerts] == [Cause.LABEL_FAULT]
    assert words in alert_sentence(found.alerts[0])
    assert found.alerts[0].state is AlertState.FIRING


def test_scores_that_were_probabilities_and_are_not_any_more_are_a_data_fault() -> None:
    monitor = Monitor("log_loss", "shewhart", options={"min_samples": 3, "side": "upper"}, cause=Cause.PERFORMANCE)
    few = FINE[4].with_columns(score=pl.when(pl.int_range(pl.len()) < 5).then(1.5).otherwise("score"))
    found = play([*FINE[:4], few], spec(monitor), learn=3)
    assert states_of(found, Cause.DATA_FAULT) == [""] * 4 + ["firing"]
    assert "5 of 2000 scores lie outside [0, 1]" in alert_sentence(found[4].alerts[0])


def test_a_metric_that_never_could_be_measured_is_no_news() -> None:
    margins = [frame.with_columns(pl.col("score") * 6 - 3) for frame in FINE]
    monitor = Monitor("log_loss", "shewhart", options={"min_samples": 3}, cause=Cause.PERFORMANCE)
    found = play(margins[:5], spec(monitor), learn=3)
    assert {s.measurement.status for judged in found for s in realised(judged)} == {Status.FAILED}
    assert [judged.alerts for judged in found] == [()] * 5


def test_a_monitor_without_columns_leaves_the_label_alone() -> None:
    late = FINE[0].with_columns(label=pl.lit(None, dtype=pl.Int64))
    fault = Monitor("null_rate", "tolerance", cause=Cause.DATA_FAULT)
    assert play([late], spec(fault))[0].alerts == ()
    named = play([late], spec(replace(fault, columns=("label",))))[0]
    assert [a.columns for a in named.alerts] == [("label",)]


def test_a_segment_is_judged_by_the_monitors_that_ask_for_it() -> None:
    schema = infer_schema(BEFORE, roles=ROLES, segments=["shop"])

    def of_segments(frame: pl.DataFrame) -> dict[tuple[str, str], State]:
        return merged(summarise_rows(frame, schema, "m"), None, "m")

    north = pl.col("shop") == "north"
    moved = FINE[0].with_columns(x=pl.when(north).then(pl.col("x") + 2).otherwise("x"))
    monitor = Monitor("ks", "tolerance", ("x",), segments=("shop",))
    watched = Spec("m", schema, monitors=(monitor,), alerts=AlertRule(k=1, n=1))
    measured = assess(of_segments(moved), of_segments(BEFORE), watched)
    found = judge(measured, watched, JudgeMemory(), None)
    assert sorted(s.measurement.segment for s in found.signals) == ["shop=north", "shop=south"]
    assert [(a.columns, a.segments) for a in found.alerts] == [(("x",), ("shop=north",))]
    unasked = replace(watched, monitors=(replace(monitor, segments=("all",)),))
    assert {m.segment for m in assess(of_segments(moved), of_segments(BEFORE), unasked) if m.column == "x"} == {"all"}


def test_a_chart_with_options_it_cannot_use_is_a_failed_signal_and_no_crash() -> None:
    found = play([FINE[0]], spec(Monitor("ks", "tolerance", ("x",), options={"tolerance": "much"})))[0]
    (signal,) = found.signals
    assert signal.measurement.status is Status.FAILED
    assert "the chart tolerance failed" in signal.measurement.reason
    assert [a.cause for a in found.alerts] == [Cause.NO_DATA]


def test_only_named_comparisons_are_made_when_asked() -> None:
    found = assess(states(FINE[0]), states(BEFORE), spec(), only=["ks"])
    assert {m.name for m in found if m.family is Family.COMPARISON} == {"ks"}


def test_a_failed_measurement_is_never_a_number() -> None:
    found = assess(states(FINE[0].drop("x")), states(BEFORE), spec())
    lost: list[Measurement] = [m for m in found if m.column == "x"]
    assert lost
    assert {m.status for m in lost} == {Status.FAILED}
    assert {m.value for m in lost} == {None}


def test_a_memory_that_a_chart_cannot_read_is_a_failed_signal_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(*_: object) -> None:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(Tolerance, "step", forgotten)
    watched = spec(Monitor("ks", "tolerance", ("x",)), Monitor("psi", "fixed", ("x",), options={"upper": 0.2}))
    found = {s.chart: s for s in play([rows(0), rows(1)], watched)[1].signals}
    assert found["tolerance"].measurement.status is Status.FAILED
    assert "the chart tolerance failed: IndexError" in found["tolerance"].measurement.reason
    assert found["fixed"].measurement.status is Status.OK


@pytest.mark.parametrize("side", ["reference", "current"])
def test_states_from_before_estimates_existed_are_rows_that_say_so(side: str) -> None:
    watched = replace(spec(), value={"1": {"1": 10.0}, "0": {"1": -1.0}})
    sides = {"reference": states(rows(0)), "current": states(rows(1).with_columns(label=pl.lit(None, pl.Int64)))}
    place = (ALL, OUTCOME)
    whole = sides[side][place]
    parts = {name: part for name, part in whole.parts.items() if name != "score_cells"}
    sides[side] = {**sides[side], place: replace(whole, parts=parts)}
    found = assess(sides["current"], sides["reference"], watched)
    estimated = {m.name: m for m in found if m.family is Family.ESTIMATE}
    assert {m.status for m in estimated.values()} == {Status.FAILED}
    assert "score_cells" in estimated["business_value"].reason
    assert any(m.status is Status.OK for m in found if m.column == "x")
