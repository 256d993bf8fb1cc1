"""What is watched where nobody says what to watch."""

from __future__ import annotations

import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.inference import infer_schema
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Role, Schema, Task
from watchkeeper.core.spec import AlertRule, Monitor
from watchkeeper.performance.metric import Metric
from watchkeeper.run.monitors import HARM, MEASURED, default_monitors

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


def monitors(*, history: bool = True) -> dict[str, Monitor]:
    found = default_monitors(schema(), AlertRule(budget=500.0), history=history)
    return {f"{m.measure}/{m.cause}": m for m in found}


def test_features_and_answers_are_watched_and_neither_the_id_nor_late_labels() -> None:
    found = monitors()
    assert set(found["ks/drift"].columns) == {"x", "score"}
    assert set(found["l_infinity/drift"].columns) == {"shop", "prediction"}
    assert set(found["null_rate/data_fault"].columns) == {"x", "shop", "score", "prediction"}
    assert found["unseen_levels/label_fault"].columns == ("label",)
    assert not any("id" in m.columns for m in found.values())


def test_the_budget_is_shared_by_all_series() -> None:
    # ks 2 + l_infinity 2 + null_rate 4 + unseen_levels 2 + label 1: eleven series that may raise a false alarm.
    options = monitors()["ks/drift"].options
    assert (options["run_length"], options["series"]) == (500.0, 11.0)


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.REGRESSION])
def test_only_harm_alarms(task: Task) -> None:
    for name in HARM[task]:
        metric: Metric = plugins("metric")[name]
        assert task in metric.tasks
    found = [m for m in monitors().values() if m.cause is Cause.PERFORMANCE]
    for monitor in found:
        larger: bool | None = plugins("metric")[monitor.measure].larger_is_better
        assert larger is not None
        assert monitor.options["side"] == ("lower" if larger else "upper")


def test_every_task_has_harm_whose_direction_is_known() -> None:
    metrics = plugins("metric")
    for task, names in HARM.items():
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


def test_a_table_without_usable_columns_gets_no_monitor_without_columns() -> None:
    bare = infer_schema(pl.DataFrame({"nested": [[1, 2]] * 50}))
    assert default_monitors(bare, AlertRule(), history=False) == ()
