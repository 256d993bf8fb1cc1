"""What the model in charge does with its features, asked through a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.api import behaviour
from watchkeeper.core.errors import PluginError, UsageError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.spec import ATTRIBUTION_DRIFT
from watchkeeper.core.state import StateKey
from watchkeeper.explanation.shapley_values import ShapleyValues
from watchkeeper.run.behaviour import AttributionDrift
from watchkeeper.run.project import Project
from watchkeeper.steps.stored_reference import reference_states

from .invented import MODEL, REFERENCE, day, deliver, project, rows, watch

MONITOR = """\
      - {measure: attribution_drift, chart: significance, columns: [x, z, plan], options: {tolerance: 0.05, series: 3}}
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a model in charge whose rows lose most of what x says from day 6 on."""
    folder = tmp_path_factory.mktemp("kept")
    watch(folder).close()
    text = (folder / "watchkeeper.yaml").read_text("utf-8")
    changed = text.replace("    notify:", MONITOR + "    notify:")
    assert changed != text
    (folder / "watchkeeper.yaml").write_text(changed.replace("retrain: auto", "retrain: never"), "utf-8")
    model = project(folder)
    whole = rows(0, 8)
    narrow = pl.when(pl.col("time") >= day(6).start).then(pl.col("x") / 10).otherwise("x")
    whole = whole.with_columns(x=narrow)
    deliver(folder, "all", whole, whole)
    sys.path.insert(0, str(folder))
    sys.modules.pop("training", None)
    invalidate_caches()
    train = import_module("training").train
    fitted = train(whole.filter(pl.col("time") < day(REFERENCE).start), 0)
    model.keeper(MODEL).adopt(fitted, day(REFERENCE).start, trained=None, who="test", why="the first")
    model.run(MODEL, day(8).start)
    yield model
    sys.path.remove(str(folder))


def test_features_come_by_what_they_add_and_what_moved_is_told(kept: Project) -> None:
    found = behaviour(kept)
    assert found.found.features[0] in ("x", "plan")
    drift = {m.column: m for m in found.found.drift}
    assert drift["x"].evidence.change.after < drift["x"].evidence.change.before
    assert float(drift["x"].evidence.p_value) < 0.001
    text = str(found)
    assert "share before" in text
    assert "plan = " in text
    assert found.json()["schema_version"] == 1
    assert set(found._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_a_prediction_of_any_window_is_explained_by_its_id(kept: Project) -> None:
    (example,) = behaviour(kept, "002-0007").json()["examples"]
    parts = {part["feature"]: part["value"] for part in example["contributions"]}
    assert example["base"] + sum(parts.values()) == pytest.approx(example["score"], abs=1e-9)
    held = {part["feature"]: part["held"] for part in example["contributions"]}
    row = rows(2, 3).filter(pl.col("id") == "002-0007")
    assert held["plan"] == row["plan"][0]
    with pytest.raises(UsageError, match="no prediction 'nobody' in the log of sales"):
        behaviour(kept, "nobody")


def test_a_surrogate_may_be_asked_for_and_an_unknown_method_gets_the_valid_ones(kept: Project) -> None:
    assert "by lime" in str(behaviour(kept, "002-0007", method="lime"))
    with pytest.raises(PluginError, match="there is no explainer 'lme'; did you mean 'lime'"):
        behaviour(kept, method="lme")


def test_a_monitor_of_attributions_is_measured_in_every_window_and_signals_when_they_move(kept: Project) -> None:
    found = [m for m in kept.store.recorded(MODEL, Measurement) if m.name == ATTRIBUTION_DRIFT and m.column == "x"]
    assert len(found) == 8
    assert {m.status for m in found} == {Status.OK}
    moved = [m for m in found if m.window is not None and m.window.start >= day(6).start]
    calm = [m for m in found if m not in moved]
    assert max(m.value for m in calm) < min(m.value for m in moved)


def test_without_a_model_in_charge_it_is_said_what_to_do(tmp_path: Path) -> None:
    model = watch(tmp_path, train="''")
    whole = rows(0, 6)
    deliver(tmp_path, "all", whole, whole)
    model.run(MODEL, day(6).start)
    with pytest.raises(UsageError, match="no version of sales is in charge, so there is no model to ask"):
        behaviour(model)


def test_an_explainer_that_raises_is_a_failed_row_and_not_a_failed_run(
    kept: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no tree in sight")

    monkeypatch.setattr(ShapleyValues, "explain", broken)
    keeper = kept.keeper(MODEL)
    states = reference_states(keeper.spec, kept.store)
    found = AttributionDrift(keeper).measure(states, states, StateKey(MODEL))
    # Every column says it: a monitor may watch any of them.
    assert {one.column for one in found} == {*(c.name for c in keeper.spec.schema.features), "@joint"}
    assert {one.status for one in found} == {Status.FAILED}
    assert {one.reason for one in found} == {"ValueError: no tree in sight"}
