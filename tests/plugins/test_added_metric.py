"""A metric that another package brings: one module, and it is judged by its chart, decides a gate and is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from .packages import check_suite_has, install, run, watchkeeper

DAYS, GOOD, ROWS = 24, 18, 120


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    install(place, "shortfall")
    return place


def write(folder: Path, *, off: float, monitors: str = "") -> None:
    """Write forecasts that are off by so much after some days of good ones, and the configuration of their model."""
    rng = np.random.default_rng(7)
    n = DAYS * ROWS
    day = np.arange(n) // ROWS
    truth = rng.normal(100, 5, n)
    answer = truth + rng.normal(0, 4, n) + np.where(day >= GOOD, off, 0.0)
    times = pl.datetime_range(pl.datetime(2024, 3, 4), pl.datetime(2024, 3, 27, 23, 48), "12m", eager=True)
    pl.DataFrame({"id": np.arange(n), "at": times, "load": truth, "prediction": answer, "label": truth}).write_parquet(
        folder / "log.parquet"
    )
    (folder / "watchkeeper.yaml").write_text(
        f"""\
models:
  demand:
    source: log.parquet
    reference: {{from: 2024-03-04, to: 2024-03-07}}
    columns: {{id: id, time: at, prediction: prediction, label: label, features: [load]}}
{monitors}"""
    )


def fired(site: Path, folder: Path) -> list[dict[str, Any]]:
    """Return the signals of the metric that a run recorded."""
    done = watchkeeper(site, "run", "--json", folder=folder)
    assert done.returncode in (0, 1), done.stderr
    script = """
import json
from watchkeeper.core.signal import Signal
from watchkeeper.run.project import open_project
project = open_project("watchkeeper.yaml")
found = [s for s in project.store.recorded("demand", Signal) if s.measurement.name == "shortfall"]
print(json.dumps([[str(s.measurement.window.start.date()), s.chart, s.fired] for s in found]))
"""
    told = run(site, "-c", script, folder=folder)
    assert told.returncode == 0, told.stderr
    return [dict(zip(("day", "chart", "fired"), row, strict=True)) for row in json.loads(told.stdout)]


MONITORS = "    monitors: {only: [{measure: shortfall, cause: performance}]}\n"


@pytest.mark.parametrize(("off", "harm"), [(-6.0, True), (6.0, False)])
def test_only_harm_alerts_by_the_chart_that_it_names(tmp_path: Path, site: Path, off: float, harm: bool) -> None:
    write(tmp_path, off=off, monitors=MONITORS)
    signals = fired(site, tmp_path)
    assert {one["chart"] for one in signals} == {"harmful_shift"}
    assert any(one["fired"] for one in signals) is harm
    assert not any(one["fired"] for one in signals if one["day"] < "2024-03-22")
    status = json.loads(watchkeeper(site, "status", "--json", folder=tmp_path).stdout)
    causes = [alert["cause"] for model in status["models"] for alert in model["alerts"]]
    assert ("performance" in causes) is harm


def test_it_is_watched_by_default(tmp_path: Path, site: Path) -> None:
    write(tmp_path, off=-6.0)
    signals = fired(site, tmp_path)
    assert {one["chart"] for one in signals} == {"harmful_shift"}
    assert any(one["fired"] for one in signals)


def test_the_conformance_suite_picks_it_up(site: Path) -> None:
    check_suite_has(site, "tests.performance.test_every_metric", "shortfall")


def test_the_gate_can_decide_by_it_and_its_loss_is_taken_apart(site: Path) -> None:
    script = """
import numpy as np
import polars as pl
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.spec import Maintenance
from watchkeeper.diagnose.losses import loss_for, row_losses
from watchkeeper.maintain.gate import gate

columns = (Column("y", Role.LABEL, Kind.NUMERIC), Column("p", Role.PREDICTION, Kind.NUMERIC))
schema = Schema(columns, Task.REGRESSION)
rng = np.random.default_rng(3)
y = rng.normal(50, 5, 2_000)
worse, better = (pl.DataFrame({"y": y, "p": y + rng.normal(off, 2, 2_000)}) for off in (-3, 2))
print(gate(worse, better, schema, Maintenance(metric="shortfall")).decision.value)
print(loss_for(schema, ["shortfall"]), row_losses(worse, schema, "shortfall").mean() > 2.5)
"""
    done = run(site, "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pass", "shortfall", "True"]
