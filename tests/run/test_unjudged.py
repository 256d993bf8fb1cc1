"""Failed is not absent, and absent is not fine: what a check says of a label, a score and roles that nobody named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from watchkeeper import check
from watchkeeper.cli.app import app
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role
from watchkeeper.core.state import StateKey
from watchkeeper.views.terminal import plain

N = 1_500


def log(seed: int, **columns: object) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    chance = rng.random(N)
    base = {
        "x": rng.normal(size=N),
        "actual": np.where(rng.random(N) < chance, "churn", "stay"),
        "model_score": chance,
        "answer": np.where(chance > 0.5, "churn", "stay"),
    }
    return pl.DataFrame({**base, **columns})


def test_probabilities_named_as_the_prediction_of_classes_are_the_score() -> None:
    report = check(log(2), log(1), label="actual", prediction="model_score")
    assert report.schema is not None
    assert report.schema.name_of(Role.SCORE) == "model_score"
    found = {m.name: m.status.value for m in report.measurements if m.family.value == "metric"}
    assert {found["auroc"], found["log_loss"], found["accuracy"]} == {"ok"}


def test_probabilities_beside_a_score_are_refused_as_the_prediction() -> None:
    two = log(1, other=np.linspace(0, 1, N))
    with pytest.raises(SchemaError, match="'model_score' holds probabilities, but the labels in 'actual' are classes"):
        check(two, two, label="actual", prediction="model_score", score="other")
    with pytest.raises(SchemaError, match="'x' holds numbers with fractions"):
        check(two, two, label="actual", prediction="x")


def test_roles_that_nobody_named_stand_in_the_first_sentence_with_what_may_be_meant() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=N), "churned": rng.integers(0, 2, N), "p_churn": rng.random(N)})
    frame = frame.with_columns(pl.lit(date(2020, 1, 1)).alias("day"))
    line = plain(check(frame, frame), width=1000).split("\n")[0]
    assert "No label is named or recognised (did you mean --label churned?)" in line
    assert "no score (did you mean --score p_churn?)" in line
    assert "no prediction" in line
    assert "no time (did you mean --time day?)" in line
    named = plain(check(frame, frame, label="churned", score="p_churn", time="day"), width=1000)
    assert "named or recognised" not in named


def test_two_valued_columns_may_be_the_label_where_no_name_says_so() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=N), "zz": rng.integers(0, 2, N)})
    assert "did you mean --label zz?" in plain(check(frame, frame), width=1000)


def test_no_labels_are_in_is_said_only_where_none_are(tmp_path: Path) -> None:
    with_labels, without = log(2), log(2, actual=pl.Series([None] * N, dtype=pl.String))
    answers = {"label": "actual", "prediction": "answer"}
    report = check(without, log(1), **answers)
    assert report.headline.startswith("The label actual could not be judged: no labels are in.")
    strange = with_labels.with_columns(answer=pl.lit(7.5), actual=pl.Series(np.linspace(0, 9, N)))
    lost = check(strange, log(1), **answers)
    assert "no labels are in" not in plain(lost, width=1000)


@pytest.mark.parametrize(
    ("columns", "options", "code", "words"),
    [
        ({}, ["--label", "actual", "--prediction", "answer"], 0, "Fine"),
        ({"actual": None}, ["--label", "actual", "--prediction", "answer"], 4, "label actual could not be judged"),
        ({"actual": None}, ["--label", "actual", "--score", "model_score"], 0, "Fine"),
        ({"actual": None}, ["--prediction", "answer"], 0, "Inputs fine"),
    ],
    ids=["judged", "without labels", "estimated", "not named"],
)
def test_a_named_label_that_could_not_be_judged_ends_with_4(
    tmp_path: Path, columns: dict[str, object], options: list[str], code: int, words: str
) -> None:
    now = log(2).with_columns(pl.lit(value, dtype=pl.String).alias(name) for name, value in columns.items())
    now.write_parquet(tmp_path / "now.parquet")
    log(1).write_parquet(tmp_path / "before.parquet")
    arguments = ["check", str(tmp_path / "now.parquet"), "-r", str(tmp_path / "before.parquet"), *options]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    assert words in " ".join(result.output.split())


def test_metrics_that_all_fail_are_told_as_failed_and_not_as_labels_that_lack() -> None:
    numbers = {"label": np.arange(N) % 7 + 0.5, "prediction": np.arange(N) % 7 + 0.25}
    before, now = log(1, **numbers), log(2, **numbers).with_columns(label=pl.lit("late"))
    report = check(now, before)
    assert report.verdict.value in ("alert", "no_data")
    assert "no labels are in" not in plain(report, width=1000)


def test_the_verdict_counts_what_could_not_be_measured() -> None:
    fine = check(log(2), log(1), label="actual", score="model_score")
    assert "could not be made" not in fine.headline
    assert "could not be made" not in plain(fine, width=1000)
    lost = Measurement.failed(StateKey(column="x"), Family.COMPARISON, "psi", "the bins are lost")
    again = replace(fine, measurements=(*fine.measurements, lost))
    assert "could not be made, about x: the bins are lost." in plain(again, width=1000).split("\n")[0]


@pytest.mark.parametrize("off", [1.0000001, -1e-8])
@pytest.mark.parametrize("side", ["current", "reference"])
def test_a_score_that_leaves_the_unit_interval_by_rounding_is_clipped_and_told(off: float, side: str) -> None:
    rounded = log(3, model_score=[off, *log(3)["model_score"][1:]])
    tables = (rounded, log(1)) if side == "current" else (log(1), rounded)
    report = check(*tables, label="actual", score="model_score")
    assert not report.alerts
    assert {m.status.value for m in report.measurements if m.name in ("log_loss", "brier", "auroc")} == {"ok"}
    assert any("error of rounding" in note and f"{off:.9g}" in note for note in report.notes)


def test_a_score_that_is_far_outside_is_still_no_probability() -> None:
    report = check(log(3, model_score=[1.01, *log(3)["model_score"][1:]]), log(1), label="actual", score="model_score")
    assert {m.status.value for m in report.measurements if m.name == "log_loss"} == {"failed"}


@pytest.mark.parametrize("name", ["model_score", "share", "n_orders"])
def test_what_has_no_unit_changes_none(name: str) -> None:
    rng = np.random.default_rng(5)
    low = rng.beta(2, 60, (2, 4_000)) * np.array([[1.0], [0.5]])
    before, now = (low * 1_000).astype(int) + 1 if name == "n_orders" else low
    frames = [pl.DataFrame({name: side}) for side in (now, before)]
    report = check(*frames, score=name if name == "model_score" else None)
    assert [alert.cause.value for alert in report.alerts] == ["drift"]
    # Twice as long is growth; a hundred times as long, and otherwise the same, is another unit.
    metres = low[1] * 10_000
    for times, cause in ((2.0, "drift"), (100.0, "data_fault")):
        lengths = [pl.DataFrame({"length": side}) for side in (low[0] * 5_000 * times, metres)]
        assert [alert.cause.value for alert in check(*lengths).alerts][:1] == [cause]


def test_labels_that_are_still_nan_are_missing_and_no_class() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, N)
    before = pl.DataFrame({"score": rng.random(N), "prediction": rng.integers(0, 2, N), "label": label})
    pending = np.where(np.arange(N) % 4 == 0, np.nan, label.astype(float))
    report = check(before.with_columns(label=pl.Series(pending)), before)
    assert not report.alerts
    assert next(m.value for m in report.measurements if m.name == "label_coverage") == pytest.approx(0.75)
