"""The command line from outside: exit codes, JSON on standard output, errors in words on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from .conftest import Command, parsed, table


def test_equal_data_is_fine(installed: Command, pair: tuple[Path, Path]) -> None:
    done = installed("check", pair[0], "--reference", pair[1], "--label", "label", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = parsed(done)
    assert found["verdict"] == "ok"
    assert found["alerts"] == []
    fields = {"column", "segment", "window", "value", "n", "interval", "status"}
    assert all(fields <= set(m) for m in found["measurements"])
    assert any(m.get("comparison") == "psi" and m["column"] == "amount" for m in found["measurements"])
    assert any(m.get("metric") == "auroc" and m["value"] > 0.5 for m in found["measurements"])


def test_drift_exits_with_1_and_names_the_column(process: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    table(3_000, 3, shift=0.3).write_parquet(tmp_path / "moved.parquet")
    done = process("check", "moved.parquet", "-r", pair[1], "--json", "--html", "report.html")
    assert done.returncode == 1
    alert = parsed(done)["alerts"][0]
    assert (alert["severity"], alert["columns"]) == ("warning", ["amount"])
    assert {"cause", "message"} <= set(alert)
    assert (tmp_path / "report.html").stat().st_size < 2_000_000


@pytest.mark.parametrize(("fail_on", "code"), [("notice", 1), ("warning", 1), ("page", 0), ("never", 0)])
def test_fail_on_says_which_severity_counts(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path], fail_on: str, code: int
) -> None:
    table(3_000, 3, shift=0.3).write_parquet(tmp_path / "moved.parquet")
    assert watchkeeper("check", "moved.parquet", "-r", pair[1], "--fail-on", fail_on).returncode == code


def test_a_missing_file_cannot_run_and_is_named(process: Command, pair: tuple[Path, Path]) -> None:
    done = process("check", "gone.parquet", "-r", pair[1], "--json")
    assert done.returncode == 3
    found = parsed(done)
    assert found["verdict"] == "failed"
    assert "gone.parquet" in found["error"]["message"]
    assert "gone.parquet" in done.stderr


def test_an_empty_and_a_truncated_file_cannot_run_and_are_named(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    (tmp_path / "empty.parquet").touch()
    whole = pair[0].read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    for name in ("empty.parquet", "half.parquet"):
        done = watchkeeper("check", name, "-r", pair[1])
        assert done.returncode == 3
        assert name in done.stderr


def test_a_header_without_rows_is_too_little_data(process: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    pl.read_parquet(pair[0]).clear().write_parquet(tmp_path / "none.parquet")
    done = process("check", "none.parquet", "-r", pair[1], "--fail-on", "never", "--json")
    assert done.returncode == 4
    assert parsed(done)["verdict"] == "no_data"


def changed(current: pl.DataFrame, case: str) -> pl.DataFrame:
    if case == "missing column":
        return current.drop("amount")
    if case == "all null":
        return current.with_columns(amount=pl.lit(None, dtype=pl.Float64))
    if case == "other type":
        return current.with_columns(amount=pl.lit("many"))
    if case == "infinities":
        # Half of the rows lose their number to infinity.
        infinite = pl.int_range(pl.len()) % 2 == 0
        return current.with_columns(amount=pl.when(infinite).then(float("inf")).otherwise("amount"))
    return current.with_columns(plan=pl.lit("platinum"))


@pytest.mark.parametrize("case", ["missing column", "all null", "other type", "infinities", "new level"])
def test_a_data_fault_is_a_page_that_names_its_column(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path], case: str
) -> None:
    changed(pl.read_parquet(pair[0]), case).write_parquet(tmp_path / "odd.parquet")
    done = watchkeeper("check", "odd.parquet", "-r", pair[1], "--label", "label", "--json")
    assert done.returncode == 1, done.stderr
    faults = [alert for alert in parsed(done)["alerts"] if alert["cause"] == "data_fault"]
    column = "plan" if case == "new level" else "amount"
    assert [alert["columns"] for alert in faults] == [[column]]
    assert faults[0]["severity"] == "page"
    assert column in faults[0]["message"]


def test_unseen_label_classes_and_doubled_ids_are_told(
    watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    current = pl.read_parquet(pair[0])
    odd = current.with_columns(label=pl.when(pl.int_range(pl.len()) < 300).then(7).otherwise("label"))
    pl.concat([odd, odd.head(200)]).write_parquet(tmp_path / "odd.parquet")
    done = watchkeeper("check", "odd.parquet", "-r", pair[1], "--label", "label", "--id", "id", "--json")
    found = parsed(done)
    doubled = next(m for m in found["measurements"] if m.get("quality") == "doubled_ids")
    assert doubled["value"] == pytest.approx(200 / 3_200)
    unseen = [m for m in found["measurements"] if m.get("comparison") == "unseen_levels" and m["column"] == "label"]
    assert unseen[0]["value"] > 0.05


def test_mixed_time_zones_are_read_as_one_time(watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for path in pair:
        frame = pl.read_parquet(path)
        moments = [start + timedelta(minutes=i) for i in range(frame.height)]
        text = [m.isoformat() if i % 2 else m.strftime("%Y-%m-%dT%H:%M:%S+02:00") for i, m in enumerate(moments)]
        frame.with_columns(at=pl.Series(text)).write_parquet(path)
    done = watchkeeper("check", pair[0], "-r", pair[1], "--time", "at", "--json")
    assert done.returncode == 0, done.stderr + done.stdout[:2_000]


def test_a_hostile_column_name_shows_as_text(watchkeeper: Command, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    hostile = "<script>alert(1)</script>"
    for path, shift in zip(pair, (2.0, 0.0), strict=True):
        pl.read_parquet(path).with_columns((pl.col("amount") + 30 * shift).alias(hostile)).write_parquet(path)
    done = watchkeeper("check", pair[0], "-r", pair[1], "--html", "report.html")
    assert done.returncode == 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert hostile not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_thousand_columns_are_checked(watchkeeper: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name in ("now", "then"):
        wide = {f"c{i}": rng.normal(size=400) for i in range(1_000)}
        pl.DataFrame(wide).write_parquet(tmp_path / f"{name}.parquet")
    done = watchkeeper("check", "now.parquet", "-r", "then.parquet", "--json")
    assert done.returncode == 0, done.stderr
    assert len({m["column"] for m in parsed(done)["measurements"]}) >= 1_000


def test_a_mistyped_column_is_a_usage_error_with_the_near_miss(watchkeeper: Command, pair: tuple[Path, Path]) -> None:
    done = watchkeeper("check", pair[0], "-r", pair[1], "--label", "labl")
    assert done.returncode == 2
    assert "did you mean 'label'" in done.stderr


@pytest.mark.parametrize("words", [[], ["--version-of"], ["checks"], ["check"], ["check", "a", "--tolerance", "2"]])
def test_a_wrong_call_exits_with_2(watchkeeper: Command, words: list[str]) -> None:
    done = watchkeeper(*words)
    assert done.returncode == 2
    assert done.stderr or done.stdout


def test_a_wrong_configuration_is_refused_with_line_path_and_near_miss(process: Command, tmp_path: Path) -> None:
    (tmp_path / "watchkeeper.yaml").write_text("models:\n  churn:\n    soruce: x.parquet\n", encoding="utf-8")
    done = process("run")
    assert done.returncode == 2
    assert all(words in done.stderr for words in ("watchkeeper.yaml:3", "models.churn.soruce", "source"))


def test_without_a_configuration_the_way_to_one_is_told(watchkeeper: Command) -> None:
    done = watchkeeper("status")
    assert done.returncode == 2
    assert "watchkeeper init" in done.stderr


def test_init_run_status_report_and_versions_work_on_the_same_data(watchkeeper: Command, tmp_path: Path) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    frame = table(6_000, 7)
    times = pl.Series([start + timedelta(minutes=5 * i) for i in range(frame.height)])
    frame.with_columns(at=times).write_parquet(tmp_path / "log.parquet")
    made = watchkeeper(
        "init", "log.parquet", "--model", "churn", "--source", "log.parquet", "--time", "at", "--id", "id"
    )
    assert made.returncode == 0, made.stderr
    ran = watchkeeper("run", "--json")
    assert ran.returncode == 0, ran.stderr
    assert len(parsed(ran)["models"]["churn"]["judged"]) >= 20
    again = parsed(watchkeeper("run", "--json"))["models"]["churn"]
    assert (again["rows"], again["judged"], again["revised"]) == (0, [], [])
    status = watchkeeper("status", "--json")
    assert status.returncode == 0
    assert parsed(status)["models"][0]["model"] == "churn"
    assert watchkeeper("report", "--html", "page.html").returncode == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert parsed(watchkeeper("versions", "--json"))["versions"] == []
    unknown = watchkeeper("promote", "v9")
    assert unknown.returncode == 2
    assert "v9" in unknown.stderr
    assert watchkeeper("rollback").returncode == 2
    shown = watchkeeper("config", "show", "--origin")
    assert "watchkeeper.yaml:" in shown.stdout
    assert "default" in shown.stdout
    assert "properties" in json.loads(watchkeeper("config", "schema").stdout)


def test_help_is_quick_to_load_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom watchkeeper.cli.app import app\n"
        "heavy = {'polars', 'numpy', 'scipy', 'sklearn', 'altair', 'sqlalchemy', 'deltalake', 'pydantic', 'skops'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
