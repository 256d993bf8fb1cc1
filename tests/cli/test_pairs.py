"""The options of check that give one thing for another, and the columns and metrics they bring into the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from .conftest import Command, table


def both(folder: Path, before: pl.DataFrame, now: pl.DataFrame) -> None:
    before.write_parquet(folder / "before.parquet")
    now.write_parquet(folder / "now.parquet")


def metrics(watchkeeper: Command, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = watchkeeper("check", "now.parquet", "-r", "before.parquet", "--json", *words)
    assert done.returncode in (0, 1), done.stderr
    measurements = json.loads(done.stdout)["measurements"]
    return {(m["metric"], m["segment"]): m for m in measurements if "metric" in m}


def test_scores_of_classes_are_read_from_the_columns_named(watchkeeper: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet([2.0, 3.0, 4.0], 2_000)
    label = (p.cumsum(axis=1) < rng.random((2_000, 1))).sum(axis=1)
    frame = pl.DataFrame(
        {"p1": p[:, 0], "p2": p[:, 1], "p3": p[:, 2], "answer": np.array(list("abc"))[p.argmax(axis=1)],
         "truth": np.array(list("abc"))[label], "x": rng.normal(size=2_000)}
    )  # fmt: skip
    both(tmp_path, frame[:1_000], frame[1_000:])
    found = metrics(
        watchkeeper, "--label", "truth", "--prediction", "answer", "--scores", "a=p1", "--scores", "b=p2",
        "--scores", "c=p3",
    )  # fmt: skip
    truth = p[1_000:][np.arange(1_000), label[1_000:]]
    assert found["log_loss", "all"]["value"] == pytest.approx(-np.log(truth).mean(), rel=1e-3)


def test_forecast_quantiles_are_read_from_the_columns_named(watchkeeper: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    y = rng.normal(size=2_000)
    frame = pl.DataFrame({"y": y, "guess": 0.0, "low": -1.2816, "high": 1.2816, "x": rng.normal(size=2_000)})
    both(tmp_path, frame[:1_000], frame[1_000:])
    found = metrics(
        watchkeeper, "--label", "y", "--prediction", "guess", "--quantile", "0.1=low", "--quantile", "0.9=high"
    )
    inside = float((np.abs(y[1_000:]) <= 1.2816).mean())
    covered = [m for (name, _), m in found.items() if "coverage" in name]
    assert covered
    assert covered[0]["value"] == pytest.approx(inside, abs=1e-9)


def test_fairness_value_and_own_metrics_are_measured(watchkeeper: Command, tmp_path: Path) -> None:
    frame = table(2_000, 3)
    both(tmp_path, frame[:1_000], frame[1_000:])
    (tmp_path / "own_metric_of_check.py").write_text(
        "def wrong(label, prediction, score):\n    return (label != prediction).astype(float)\n"
    )
    found = metrics(
        watchkeeper, "--fairness", "plan", "--value", "TP=10", "--value", "FP=-2", "--metric",
        "own_metric_of_check:wrong",
    )  # fmt: skip
    now = frame[1_000:]
    worth = now.select(
        pl.when(pl.col("prediction") == 1).then(pl.when(pl.col("label") == 1).then(10.0).otherwise(-2.0)).otherwise(0.0)
    ).to_series()
    assert found["business_value", "all"]["value"] == pytest.approx(worth.mean())
    assert found["wrong", "all"]["value"] == pytest.approx((now["label"] != now["prediction"]).mean())
    rates = now.group_by("plan").agg(pl.col("prediction").mean())["prediction"]
    gaps = [m for (name, _), m in found.items() if name == "selection_rate_gap"]
    assert gaps
    assert gaps[0]["value"] == pytest.approx(rates.max() - rates.min())


def test_a_group_makes_the_task_a_ranking(watchkeeper: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    frame = pl.DataFrame(
        {"search": np.repeat(np.arange(400), 5), "score": rng.random(2_000), "label": rng.integers(0, 2, 2_000),
         "x": rng.normal(size=2_000)}
    )  # fmt: skip
    both(tmp_path, frame[:1_000], frame[1_000:])
    assert any(name.startswith("ndcg") for name, _ in metrics(watchkeeper, "--group", "search"))


@pytest.mark.parametrize(
    ("option", "text", "valid"),
    [
        ("--scores", "p1", "CLASS=COLUMN"),
        ("--quantile", "1.5=low", "LEVEL=COLUMN with a level between 0 and 1"),
        ("--quantile", "low=0.1", "LEVEL=COLUMN with a level between 0 and 1"),
        ("--value", "TP=much", "TP, FP, FN, TN or LABEL:PREDICTION, then = and a number"),
        ("--value", "XY=1", "TP, FP, FN, TN or LABEL:PREDICTION, then = and a number"),
    ],
)
def test_a_pair_that_is_not_understood_is_a_usage_error(
    watchkeeper: Command, tmp_path: Path, option: str, text: str, valid: str
) -> None:
    both(tmp_path, table(200, 1), table(200, 2))
    done = watchkeeper("check", "now.parquet", "-r", "before.parquet", option, text)
    assert done.returncode == 2
    assert f"{option} {text!r} is not understood. Valid: {valid}" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--value", "yes:no=-5"), "there is no class 'yes'"),
        (("--metric", "nothing"), "'nothing' is not understood. Valid: module:function"),
        (("--metric", "no_such_module:wrong"), "No module named 'no_such_module'"),
        (("--metric", "math:sqr"), "math has no function 'sqr'; did you mean 'sqrt'"),
        (("--metric", "math:tau"), "math holds no function 'tau'"),
        (("--fairness", "plam"), "plan"),
    ],
)
def test_a_class_function_or_column_that_does_not_exist_is_named(
    watchkeeper: Command, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    both(tmp_path, table(200, 1), table(200, 2))
    done = watchkeeper("check", "now.parquet", "-r", "before.parquet", *words)
    assert done.returncode == 2
    assert told in done.stderr
