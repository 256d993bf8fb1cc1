"""A kind of rule that another package brings: one module, and it works from the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from .packages import check_suite_has, install, watchkeeper


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    install(place, "even")
    install(place, "note")
    return place


def write(folder: Path, rule: str, notify: str) -> None:
    """Write two days of seats, the second with odd ones, and the configuration of their model."""
    times = pl.datetime_range(pl.datetime(2024, 3, 4), pl.datetime(2024, 3, 5, 23, 59), "2m", eager=True)
    odd = pl.int_range(len(times), eager=True) >= len(times) // 2
    seats = 2 * (pl.int_range(len(times), eager=True) % 50) + odd.cast(pl.Int64)
    pl.DataFrame({"id": pl.int_range(len(times), eager=True), "at": times, "seats": seats}).write_parquet(
        folder / "log.parquet"
    )
    (folder / "watchkeeper.yaml").write_text(
        f"""\
models:
  planes:
    source: log.parquet
    reference: {{from: 2024-03-04, to: 2024-03-05}}
    columns: {{id: id, time: at, features: [seats]}}
    rules: [{rule}]
    notify: [{notify}]
"""
    )


def test_both_work_from_the_configuration(tmp_path: Path, site: Path) -> None:
    write(tmp_path, "{rule: even, column: seats}", "{to: note, options: {to: notes/alerts.txt}}")
    done = watchkeeper(site, "run", "--json", folder=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    changed = json.loads(done.stdout)["models"]["planes"]["changed"]
    faults = [alert for alert in changed if alert["cause"] == "data_fault"]
    assert [(alert["columns"], alert["severity"]) for alert in faults] == [(["seats"], "page")]
    told = (tmp_path / "notes" / "alerts.txt").read_text().splitlines()
    assert len([line for line in told if line.startswith("page firing planes data_fault: seats: even")]) == 1


@pytest.mark.parametrize(
    ("rule", "notify", "told"),
    [
        ("{rule: evn, column: seats}", "{to: note}", "did you mean 'even'?"),
        ("{rule: even, colum: seats}", "{to: note}", "even has no parameter 'colum'; did you mean 'column'?"),
        ("{rule: even, column: seats}", "{to: noet}", "there is no notifier 'noet'; did you mean 'note'?"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_nearest(
    tmp_path: Path, site: Path, rule: str, notify: str, told: str
) -> None:
    write(tmp_path, rule, notify)
    done = watchkeeper(site, "run", folder=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("suite", "name"),
    [("tests.quality.test_every_rule", "even"), ("tests.alerts.test_every_notifier", "note")],
)
def test_the_conformance_suites_pick_them_up(site: Path, suite: str, name: str) -> None:
    check_suite_has(site, suite, name)
