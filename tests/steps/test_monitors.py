"""What is watched where nobody says what to watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.spec import AlertRule, Monitor
from watchkeeper.performance.metric import Metric
from watchkeeper.schema.inference import infer_schema
from watchkeeper.steps.monitors import MEASURED, changed, charted, default_monitors, kept

FRAME = pl.DataFrame(
    {
        "id": [f"r{i}" for i in range(400)],
        "x": [i * 0.37 for i in range(400)],
        "shop": ["north", "south"] * 200,
        "score": [(i % 100) / 100 for i in range(400)],
        "prediction": [int(i % 100 >= 50) for i in range(400)],
        "label": [int(i % 100 >= 45) for i in range(400)],
    }
)
ROLES = {Role.ID: "id", Role.LABEL: "label", Role.SCORE: "score", Role.PREDICTION: "prediction"}


def schema(**roles: str) -> Schema:
    return infer_schema(FRAME, roles={**ROLES, **{Role(k): v for k, v in roles.items()}})


def made(*, history: bool = True, budget: float = 500.0) -> tuple[Monitor, ...]:
    return default_monitors(schema(), AlertRule(budget=budget), history=history)


def watched(measure: str, cause: Cause | None = None) -> set[str]:
    return {c for m in made() if m.measure == measure and cause in (None, m.cause) for c in m.columns}


def monitors(*, history: bool = True) -> dict[str, Monitor]:
    return {f"{m.measure}/{m.cause}": m for m in made(history=history)}


def test_features_and_answers_are_watched_and_neither_the_id_nor_late_labels() -> None:
    assert watched("ks") == {"x", "score"}
    assert watched("l_infinity") == {"shop", "prediction", "label"}
    assert watched("rate_change") == {"prediction", "label"}
    assert watched("null_rate") == {"x", "shop", "score", "prediction"}
    assert watched("unseen_levels", Cause.LABEL_FAULT) == {"label"}
    assert not any("id" in monitor.columns for monitor in made())


def test_labels_are_judged_for_drift_when_most_of_them_are_in() -> None:
    late = [m for m in made() if m.columns == ("label",) and m.cause is Cause.DRIFT]
    assert [(m.measure, m.options["min_coverage"]) for m in late] == [("l_infinity", 0.9)]


def test_half_of_the_budget_is_for_features_and_half_for_what_is_answered() -> None:
    # x: ks, null_rate, silent_default, out_of_range and repeated_value; shop: l_infinity, level_rise, null_rate,
    # unseen_levels, silent_default and repeated_value. The score as x, the prediction as shop, the label's shares and
    # unseen values, and the rates of prediction and label.
    options = {c: m.options for m in made() if m.measure in ("ks", "l_infinity") for c in m.columns}
    # Half of either half is for what departs from its season.
    assert (options["x"]["run_length"], options["x"]["series"]) == (2_000.0, 11.0)
    assert (options["score"]["run_length"], options["score"]["series"]) == (2_000.0, 15.0)
    assert options["shop"] == options["x"]
    seasonal = {m.columns: m.options for m in made() if m.measure == "departure"}
    assert set(seasonal) == {("x", "shop"), ("score", "prediction")}
    assert {(o["run_length"], o["series"]) for o in seasonal.values()} == {(2_000.0, 16.0)}


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_only_harm_alarms(task: Task) -> None:
    for name in task.spec.harm:
        metric: Metric = plugins("metric")[name]
        assert task in metric.tasks
    found = [m for m in monitors().values() if m.cause is Cause.PERFORMANCE]
    for monitor in found:
        larger: bool | None = plugins("metric")[monitor.measure].larger_is_better
        assert larger is not None
        assert monitor.options["side"] == ("lower" if larger else "upper")


def test_every_task_has_harm_whose_direction_is_known() -> None:
    metrics = plugins("metric")
    for task in Task:
        names = task.spec.harm
        assert bool(names) is (task is not Task.NONE)
        assert all(metrics[name].larger_is_better is not None for name in names)


def test_without_labels_there_is_no_performance_to_watch() -> None:
    bare = infer_schema(FRAME.drop("label"), roles={Role.ID: "id", Role.SCORE: "score"})
    found = default_monitors(bare, AlertRule(), history=True)
    assert {m.cause for m in found} == {Cause.DRIFT, Cause.DATA_FAULT}


def test_a_single_look_allows_for_a_reference_that_is_itself_uncertain() -> None:
    assert monitors(history=False)["auroc/performance"].options["margin"] == 0.02
    assert "margin" not in monitors(history=True)["auroc/performance"].options


def test_what_is_always_measured_exists() -> None:
    assert set(MEASURED) <= set(plugins("comparison"))


def test_a_table_without_comparable_columns_gets_no_monitor_without_columns() -> None:
    bare = infer_schema(pl.DataFrame({"nested": [{"a": 1}] * 50}))
    found = default_monitors(bare, AlertRule(), history=False)
    assert {(m.measure, m.columns) for m in found} == {(name, ("nested",)) for name in ("null_rate", "became_constant")}


def harm(rule: AlertRule, *, every: timedelta = timedelta(days=1)) -> Monitor:
    found = default_monitors(schema(), rule, history=True, every=every)
    (monitor,) = (m for m in found if m.measure == "log_loss")
    return monitor


@pytest.mark.parametrize(
    ("rule", "days", "run_length", "learned"),
    [
        # Two metrics in 2 of 3 windows: each signals with a, so that 2a·2a·(2 - 2a) = 1/(2·budget) at most.
        (AlertRule(2, 3, budget=365.25), 1, 365.25, 8),
        (AlertRule(2, 3, budget=52.18), 7, 52.18, 8),
        (AlertRule(2, 3, budget=8_766), 1 / 24, 374.0, 169),
        (AlertRule(1, 1, budget=365.25), 1, 4 * 365.25, 8),
        (AlertRule(2, 2, budget=100.0), 1, 100.0, 8),
    ],
)
def test_the_charts_of_metrics_keep_the_budget(rule: AlertRule, days: float, run_length: float, learned: int) -> None:
    monitor = harm(rule, every=timedelta(days=days))
    assert monitor.chart == "seasonal_residual"
    assert monitor.options["run_length"] == pytest.approx(run_length, rel=1e-4)
    assert (monitor.options["min_samples"], monitor.options["side"]) == (learned, "upper")
    share = 2 / float(monitor.options["run_length"])
    alert = share * (share if rule.n == 2 else share * (2 - share) if rule.n == 3 else 1)
    assert alert <= 1.0001 / (2 * rule.budget)


def test_a_fall_of_performance_is_no_new_level() -> None:
    assert harm(AlertRule()).options["rebase"] == "none"


def test_a_metric_without_a_chart_gets_the_default_one_and_keeps_its_own_options() -> None:
    asked = [
        Monitor("brier", "", options={"min_samples": 4.0}, cause=Cause.PERFORMANCE),
        Monitor("prediction_mean", "", options={"side": "lower"}),
        Monitor("recall", "shewhart"),
        Monitor("mmd", ""),
    ]
    brier, rate, recall, mmd = charted(asked, plugins("metric"), AlertRule(budget=365.25), timedelta(days=1))
    assert (brier.chart, brier.options["side"], brier.options["min_samples"]) == ("seasonal_residual", "upper", 4.0)
    assert (rate.chart, rate.options["side"], rate.options["run_length"]) == ("seasonal_residual", "lower", 365.25)
    assert (recall, mmd) == (asked[2], asked[3])


def test_optional_statistics_are_kept_where_a_monitor_rests_on_them() -> None:
    asked = [Monitor("mmd", ""), Monitor("ks", "tolerance"), Monitor("auroc", "shewhart")]
    assert kept(asked) == ("random_features",)
    assert kept([*asked, Monitor("correlation_change", "significance")]) == ("covariance", "random_features")


def test_a_monitor_of_one_column_takes_that_column_over_and_leaves_all_others() -> None:
    own = Monitor("null_rate", "ewma", ("x",))
    found = changed(made(), [own], "label")
    left = {c for m in found if m.measure == "null_rate" and m != own for c in m.columns}
    assert left == watched("null_rate") - {"x"}
    rest = [m for m in found if m.measure != "null_rate"]
    assert rest == [m for m in made() if m.measure != "null_rate"]
    assert found[-1] == own


def test_a_monitor_of_all_columns_takes_all_but_the_label_over() -> None:
    found = changed(made(), [Monitor("l_infinity", "ewma")], "label")
    assert [m.columns for m in found if m.measure == "l_infinity"] == [("label",), ()]


def test_a_monitor_of_segments_or_of_earlier_windows_stands_beside_the_default() -> None:
    for own in (
        Monitor("ks", "tolerance", ("x",), segments=("shop",)),
        Monitor("ks", "tolerance", ("x",), against="previous"),
        Monitor("ks", ""),
    ):
        assert changed(made(), [own], "label") == (*made(), own)


def test_a_metric_that_is_watched_otherwise_is_watched_once() -> None:
    found = changed(made(), [Monitor("auroc", "cusum", cause=Cause.PERFORMANCE)], "label")
    assert [m.chart for m in found if m.measure == "auroc"] == ["cusum"]


def test_a_tolerance_of_one_column_changes_that_column_alone() -> None:
    found = default_monitors(schema(), AlertRule(budget=500.0), history=True, tolerances={"x": 0.2})
    of = {(m.measure, c): m.options for m in found for c in m.columns}
    assert {(k, v["tolerance"]) for k, v in of.items() if k == ("ks", "x")} == {(("ks", "x"), 0.2)}
    assert of["null_rate", "x"]["least"] == pytest.approx(0.06)
    usual = {(m.measure, c): m.options for m in made() for c in m.columns}
    assert {key: options for key, options in of.items() if key[1] != "x"} == {
        key: options for key, options in usual.items() if key[1] != "x"
    }
    assert of.keys() == usual.keys()


def test_an_hour_may_be_stuck_where_windows_hold_all_hours_and_a_month_never() -> None:
    own = replace(schema(), calendar=(("x", "hour"), ("shop", "month")))

    def repeated(every: timedelta, *, history: bool = True) -> set[str]:
        found = default_monitors(own, AlertRule(), history=history, every=every)
        return {c for m in found if m.measure == "repeated_value" for c in m.columns} & {"x", "shop"}

    assert repeated(timedelta(days=1)) == {"x"}
    assert repeated(timedelta(hours=6)) == set()
    assert repeated(timedelta(days=1), history=False) == set()
