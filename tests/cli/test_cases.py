"""Inputs that people really have, each with the command of its page; for those who have the folder of cases."""

from __future__ import annotations

import io
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command

CASES = next((p / "shared/cases" for p in Path(__file__).parents if (p / "shared/cases").is_dir()), None)

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(CASES is None, reason="the folder of cases is not beside the repository"),
]

INIT = ("init", "ref.parquet", "--model", "m", "--time", "at", "--label", "churned", "--no-prove")


@pytest.fixture
def case(tmp_path: Path, watchkeeper: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a copy of the folder of a case, to run commands and scripts in."""

    def opened(number: str, inner: str = "") -> Case:
        assert CASES is not None
        (source,) = CASES.glob(f"{number}-*")
        shutil.copytree(source, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
        return Case(tmp_path / inner, watchkeeper, monkeypatch)

    return opened


class Case:
    """A folder with an input."""

    def __init__(self, folder: Path, run: Command, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.command, self.patch = folder, run, patch

    def run(self, *words: str, code: int = 0) -> str:
        done = self.command(*words, folder=self.folder)
        assert done.returncode == code, done.stderr + done.stdout
        return " ".join((done.stderr + done.stdout).split())

    def check(self, current: str, reference: str, *words: str, code: int = 0) -> tuple[dict[str, Any], str]:
        told = self.run("check", current, "-r", reference, *words, code=code)
        done = self.command("check", current, "-r", reference, *words, "--json", folder=self.folder)
        return json.loads(done.stdout), told

    def script(self, name: str, *words: str) -> str:
        self.patch.chdir(self.folder)
        self.patch.setattr(sys, "argv", [name, *words])
        out = io.StringIO()
        with redirect_stdout(out):
            runpy.run_path(str(self.folder / name), run_name="__main__")
        return out.getvalue()


def measured(document: dict[str, Any], name: str) -> tuple[float, int]:
    """Return the value of a metric that was measured, and of how many rows."""
    (one,) = [m for m in document["measurements"] if m.get("metric") == name and m["segment"] == "all"]
    assert one["status"] == "ok"
    return one["value"], one["n"]


def alerts(document: dict[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(a["severity"], a["cause"], tuple(a["columns"])) for a in document["alerts"]]


def test_01_a_token_in_the_label_is_missing(case: Callable[..., Case]) -> None:
    document, told = case("01").check("cur.csv", "ref.csv")
    assert "task binary" in told
    accuracy, rows = measured(document, "accuracy")
    assert (round(accuracy, 3), rows) == (0.756, 1125)
    assert measured(document, "label_coverage") == (0.75, 1500)
    assert measured(document, "auroc")[1] == measured(document, "log_loss")[1] == 1125
    assert "'null' (375 rows), taken as missing" in told


@pytest.mark.parametrize(("kind", "token"), [("null", "'null'"), ("quoted_empty", "empty text")])
def test_02_a_token_in_a_feature_is_missing(case: Callable[..., Case], kind: str, token: str) -> None:
    document, told = case("02").check(f"{kind}_cur.csv", f"{kind}_ref.csv", code=1)
    assert alerts(document) == [("warning", "drift", ("x",))]
    assert f"is numbers but for {token} (30 rows), taken as missing" in told


def test_03_one_row_proves_the_form_of_all_dates(case: Callable[..., Case]) -> None:
    us = case("03")
    us.run(*INIT, "--id", "id", "--source", "in/*.csv")
    told = us.run("run")
    assert "780 rows taken in" in told
    assert "column 'at' holds times written as %m/%d/%Y %H:%M" in told
    assert "since 2026-11-14" in us.run("status")


def test_04_a_file_that_grows_adds_its_new_rows(case: Callable[..., Case]) -> None:
    growing = case("04")
    lines = (growing.folder / "day.csv").read_text().splitlines(keepends=True)
    (growing.folder / "in").mkdir()
    growing.run(*INIT, "--source", "in/*.csv")
    for rows in (101, 201, 301):
        (growing.folder / "in/day.csv").write_text("".join(lines[:rows]))
        assert "100 rows taken in" in growing.run("run")
    assert "m/predictions: 300 rows" in growing.run("store", "info")


def test_05_what_check_reads_as_a_time_run_reads_too(case: Callable[..., Case]) -> None:
    times = case("05", "utc_suffix")
    times.run("check", "in/14.parquet", "-r", "ref.parquet", "--time", "at")
    times.run(*INIT, "--id", "id", "--source", "in/*.parquet")
    assert "360 rows taken in" in times.run("run")


def test_06_a_column_that_cannot_be_used_costs_itself(case: Callable[..., Case]) -> None:
    interval = case("06")
    told = interval.run("check", "interval.parquet", "-r", "interval.parquet", code=1)
    assert "column 'band' cannot be used, because it holds pandas.interval" in told
    assert "✓ k KS" in told
    interval.script("repro.py")


@pytest.mark.parametrize("how", ["plain", "decimal", "na"])
def test_07_decimals_and_missing_values_are_logged_as_numbers(case: Callable[..., Case], how: str) -> None:
    logged = case("07")
    logged.run(*INIT, "--id", "id")
    config = logged.folder / "watchkeeper.yaml"
    config.write_text("".join(line for line in config.read_text().splitlines(keepends=True) if "source:" not in line))
    assert "problems: {}" in logged.script("repro.py", how)
    told = logged.run("run")
    assert "rows taken in" in told
    assert "data_fault" not in told
    assert "drift" not in told


def test_07_a_stream_takes_missing_values(case: Callable[..., Case]) -> None:
    assert case("07").script("stream.py").strip() == "[]"


def test_08_separators_are_found_outside_quotes(case: Callable[..., Case]) -> None:
    document, _ = case("08").check("cur.csv", "ref.csv", code=1)
    assert alerts(document) == [("warning", "drift", ("Height, cm",))]


def test_09_probabilities_named_as_the_prediction_are_a_score(case: Callable[..., Case]) -> None:
    document, told = case("09").check(
        "text_cur.csv", "text_ref.csv", "--label", "actual", "--prediction", "model_score"
    )
    assert {measured(document, name)[1] for name in ("accuracy", "auroc", "log_loss")} == {1500}
    assert "no labels are in" not in told


def test_10_a_label_that_is_nan_is_to_come(case: Callable[..., Case]) -> None:
    document, _ = case("10").check("cur.parquet", "ref.parquet")
    assert alerts(document) == []
    assert measured(document, "label_coverage") == (0.75, 1500)


def test_11_a_probability_has_no_unit_that_changes(case: Callable[..., Case]) -> None:
    document, _ = case("11").check("cur.csv", "ref.csv", code=1)
    ((severity, cause, columns),) = alerts(document)
    assert (severity, cause, columns) == ("warning", "drift", ("score", "prediction", "label"))


def test_12_a_saved_index_is_no_feature(case: Callable[..., Case]) -> None:
    document, _ = case("12").check("unnamed_cur.csv", "unnamed_ref.csv")
    assert alerts(document) == []


def test_13_a_decimal_is_the_class_of_its_number(case: Callable[..., Case]) -> None:
    assert "task binary" in case("13").run("check", "labels.parquet", "-r", "labels.parquet")


def test_14_leading_zeros_stay(case: Callable[..., Case]) -> None:
    assert "2 quality rules: 2 kept" in case("14").run("check", "z.csv", "-r", "z.csv", "--rules", "rules.yaml")


def test_15_a_late_fraction_is_a_number(case: Callable[..., Case]) -> None:
    assert "features x" in case("15").run("check", "x.csv", "-r", "x.csv")


def test_16_a_categorical_is_categorical(case: Callable[..., Case]) -> None:
    lines = case("16").script("repro.py").splitlines()
    assert all(" alert ['store has new levels in 7.5% of rows: '4'" in line.replace('"', "'") for line in lines)


@pytest.mark.parametrize(("current", "reference"), [("cur_noisy", "ref"), ("cur", "ref_noisy")])
def test_17_a_rounding_error_is_clipped_and_told(case: Callable[..., Case], current: str, reference: str) -> None:
    document, told = case("17").check(f"{current}.csv", f"{reference}.csv")
    assert measured(document, "log_loss")[1] == 1500
    assert "such scores are taken as 0 or 1" in told


def test_18_a_name_is_no_pattern(case: Callable[..., Case]) -> None:
    assert case("18").script("repro.py") == "* ok\n^a.*$ ok\n"


def test_19_a_few_percent_are_found(case: Callable[..., Case]) -> None:
    infinite, missing, regression = case("19").script("repro.py").splitlines()
    assert "alert ['x infinite: 0.0% → 2.5%" in infinite
    assert "alert ['x without a value: 0.0% → 2.5%" in missing
    assert regression.startswith("alert ")


def test_20_impossible_times_open_no_windows(case: Callable[..., Case]) -> None:
    odd = case("20")
    odd.run(*INIT, "--id", "id", "--source", "in/*.parquet")
    told = odd.run("run")
    assert "2 rows set aside in quarantine" in told
    assert "598 rows taken in, 14 windows judged" in told
    assert "1970" not in odd.run("status")


def test_21_a_refusal_names_its_file(case: Callable[..., Case]) -> None:
    refused = case("21")
    refused.run(*INIT, "--id", "id", "--source", "in/*.parquet")
    assert "in/15.parquet: the id column 'id' is missing" in refused.run("run", code=3)
