"""A comparison that another package brings: one module and one entry point, and it is measured, judged and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from .packages import check_suite_has, install, run, watchkeeper


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    install(place, "le_cam")
    return place


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    # Shares of one half each against one quarter and three quarters.
    pl.DataFrame({"plan": ["a", "b"] * 500}).write_parquet(tmp_path / "before.parquet")
    pl.DataFrame({"plan": ["a", "b", "b", "b"] * 250}).write_parquet(tmp_path / "now.parquet")
    return tmp_path


LE_CAM = 0.5 * (0.25**2 / 0.75 + 0.25**2 / 1.25)
"""½ Σ (p - q)² / (p + q) of these shares, by hand: 1/15."""


def test_the_conformance_suite_picks_it_up(site: Path) -> None:
    check_suite_has(site, "tests.compare.test_every_comparison", "le_cam")
    assert run(site, "-c", "import watchkeeper_le_cam").returncode == 0


def test_a_check_shows_it_with_the_value_of_its_formula(site: Path, tables: Path) -> None:
    done = watchkeeper(site, "check", "now.parquet", "-r", "before.parquet", "--json", folder=tables)
    assert done.returncode == 1, done.stderr
    found = [m for m in json.loads(done.stdout)["measurements"] if m.get("comparison") == "le_cam"]
    assert [(m["column"], m["status"], m["n"]) for m in found] == [("plan", "ok", 1_000)]
    assert pytest.approx(1 / 15) == LE_CAM
    assert found[0]["value"] == pytest.approx(LE_CAM, abs=1e-12)


def configure(folder: Path, measure: str) -> None:
    before, now = (pl.read_parquet(folder / f"{name}.parquet") for name in ("before", "now"))
    times = pl.datetime_range(pl.datetime(2024, 3, 4), pl.datetime(2024, 3, 4, 16, 39), "1m", eager=True)
    whole = pl.concat([before.with_columns(at=times), now.with_columns(at=times.dt.offset_by("1d"))])
    whole.with_row_index("id").write_parquet(folder / "log.parquet")
    (folder / "watchkeeper.yaml").write_text(
        f"""\
models:
  plans:
    source: log.parquet
    reference: {{from: 2024-03-04, to: 2024-03-05}}
    columns: {{id: id, time: at, features: [plan]}}
    alerts: {{k: 1, n: 1}}
    monitors:
      only:
      - {{measure: {measure}, chart: fixed, options: {{upper: 0.05}}}}
"""
    )


def test_a_monitor_of_the_configuration_judges_it(site: Path, tables: Path) -> None:
    configure(tables, "le_cam")
    done = watchkeeper(site, "run", "--json", folder=tables)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)["models"]["plans"]
    drift = [alert for alert in told["changed"] if alert["cause"] == "drift"]
    assert [(alert["columns"], alert["state"]) for alert in drift] == [(["plan"], "firing")]
    assert "(le cam 0.0667, limit 0.05)" in drift[0]["message"]


def test_a_name_that_is_not_there_is_refused_with_the_nearest(site: Path, tables: Path) -> None:
    configure(tables, "le_can")
    done = watchkeeper(site, "run", folder=tables)
    assert done.returncode == 2
    assert "there is no measure 'le_can'; did you mean 'le_cam'?" in done.stderr
    assert "watchkeeper.yaml:9: models.plans.monitors.only.0.measure" in done.stderr


def test_two_packages_that_claim_one_name_are_both_named(tmp_path: Path) -> None:
    install(tmp_path, "le_cam")
    install(tmp_path, "le_cam", distribution="other", module="other_le_cam")
    done = run(tmp_path, "-c", "from watchkeeper.core.plugins import plugins; plugins('comparison')")
    assert done.returncode == 1
    assert "PluginError: two plug-ins claim the comparison 'le_cam'" in done.stderr
    assert "other_le_cam" in done.stderr
    assert "watchkeeper_le_cam" in done.stderr


def test_a_package_that_cannot_be_imported_is_named_with_the_reason(tmp_path: Path) -> None:
    install(tmp_path, "le_cam")
    (tmp_path / "watchkeeper_le_cam.py").write_text("import a_module_that_nobody_has\n")
    done = run(tmp_path, "-c", "from watchkeeper.core.plugins import plugins; plugins('comparison')")
    assert "plug-in module 'watchkeeper_le_cam' cannot be imported" in done.stderr
    assert "a_module_that_nobody_has" in done.stderr
