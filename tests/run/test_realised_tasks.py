"""Metrics of every task from a configuration through the store to measurements; expected values from the rows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import sklearn.metrics

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Task
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.run.project import open_project

START = datetime(2013, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def times(n, days):
    return [START + i * (days * DAY) / n for i in range(n)]


def run(folder, frame, config):
    """Take in eight days, of which the first four are the reference, and measure the last ones."""
    frame.write_parquet(folder / "rows.parquet")
    reference = "{from: 2013-03-01, to: 2013-03-05}"
    text = f"models:\n  m:\n    source: rows.parquet\n    reference: {reference}\n{config}\n"
    (folder / "watchkeeper.yaml").write_text(text)
    project = open_project(folder / "watchkeeper.yaml", {})
    try:
        project.run("m", START + 8 * DAY)
        spec = project.spec("m")
        measured = project.store.recorded("m", Measurement, Query(window=Window(START + 7 * DAY, START + 8 * DAY)))
        found = {(m.name, m.column, m.segment): m for m in measured if m.family is not Family.ESTIMATE}
        last = frame.filter(pl.col("timestamp") >= START + 7 * DAY)
        return spec, found, last
    finally:
        project.close()


def about(found, name, column="@outcome", segment="all"):
    m = found[name, column, segment]
    assert m.status is Status.OK, m.reason
    return m


def test_a_binary_model_with_functions_value_fairness_and_late_labels(tmp_path):
    rng = np.random.default_rng(0)
    n = 8_000
    score = rng.beta(2, 3, n)
    label = (rng.random(n) < score).astype(int)
    frame = pl.DataFrame(
        {"id": np.arange(n), "timestamp": times(n, 8), "sex": rng.choice(["f", "m"], n), "score": score,
         "prediction": (score > 0.5).astype(int), "label": label}
    )  # fmt: skip
    waited = pl.Series(rng.exponential(3_600, n) * 1e6).cast(pl.Duration("us"))
    frame = frame.with_columns(label_time=pl.col("timestamp") + waited)
    (tmp_path / "ours_of_binary.py").write_text(
        "def regret(label, prediction, score):\n    return abs(label - score) ** 3\n"
    )
    spec, found, last = run(
        tmp_path, frame,
        "    metrics: {functions: ['ours_of_binary:regret'], value: {TP: 10, FP: -4}}\n    fairness: [sex]",
    )  # fmt: skip
    y, p, s = (last[name].to_numpy() for name in ("label", "prediction", "score"))
    assert about(found, "regret").value == pytest.approx((np.abs(y - s) ** 3).mean(), rel=1e-9)
    worth = 10.0 * (y & p) - 4.0 * (p & (1 - y))
    assert about(found, "business_value").value == pytest.approx(worth.mean(), rel=1e-9)
    assert about(found, "business_value", segment="sex=f").n == (last["sex"] == "f").sum()
    rates = [last.filter(pl.col("sex") == sex)["prediction"].mean() for sex in ("f", "m")]
    assert about(found, "selection_rate_gap", "sex").value == pytest.approx(abs(rates[0] - rates[1]), rel=1e-9)
    assert about(found, "label_delay").value == pytest.approx(3_600 * np.log(2), rel=0.1)
    accuracy = about(found, "accuracy")
    assert accuracy.evidence.labels.coverage == 1.0
    assert accuracy.evidence.labels.mature
    assert "label_time" not in {column.name for column in spec.schema.features}


def test_a_multilabel_model_keeps_its_lists_in_the_log(tmp_path):
    rng = np.random.default_rng(1)
    n, names = 4_000, np.array(["art", "law", "news"])
    truth = rng.random((n, 3)) < [0.5, 0.3, 0.2]
    given = truth ^ (rng.random((n, 3)) < 0.15)
    frame = pl.DataFrame(
        {"id": np.arange(n), "timestamp": times(n, 8), "x": rng.normal(size=n),
         "prediction": [names[row].tolist() for row in given], "label": [names[row].tolist() for row in truth]}
    )  # fmt: skip
    spec, found, last = run(tmp_path, frame, "    segments: []")
    assert spec.schema.task is Task.MULTILABEL
    held = [np.array([[name in row for name in names] for row in last[c].to_list()]) for c in ("label", "prediction")]
    assert about(found, "f1_micro").value == pytest.approx(sklearn.metrics.f1_score(*held, average="micro"), rel=1e-9)
    # Sets of predicted classes are levels, and watched as such.
    assert about(found, "l_infinity", "prediction").value < 0.2


def test_a_ranking_and_a_forecast_are_told_by_their_columns(tmp_path):
    rng = np.random.default_rng(2)
    n = 4_000
    query = np.arange(n) // 10
    label = rng.integers(0, 3, n)
    frame = pl.DataFrame(
        {"id": np.arange(n), "timestamp": [moment for moment in times(n // 10, 8) for _ in range(10)],
         "query": query, "label": label, "score": label + rng.normal(size=n)}
    )  # fmt: skip
    (tmp_path / "ranking").mkdir()
    _, found, last = run(tmp_path / "ranking", frame, "    columns: {group: query}")
    y, s = (last[name].to_numpy().reshape(-1, 10) for name in ("label", "score"))
    assert about(found, "ndcg").value == pytest.approx(sklearn.metrics.ndcg_score(y, s), rel=1e-9)
    middle = rng.normal(100, 10, n)
    frame = pl.DataFrame(
        {"id": np.arange(n), "timestamp": times(n, 8), "prediction": middle, "low": middle - 3, "high": middle + 3,
         "label": middle + rng.normal(0, 3, n)}
    )  # fmt: skip
    (tmp_path / "forecast").mkdir()
    _, found, last = run(tmp_path / "forecast", frame, "    columns: {quantiles: {0.16: low, 0.84: high}}")
    held = last.select(pl.col("label").is_between("low", "high").mean()).item()
    assert about(found, "interval_coverage").value == pytest.approx(held, rel=1e-9)
    assert about(found, "ks", "low").n == last.height


def test_a_gap_between_segments_can_be_watched_like_any_metric(tmp_path):
    rng = np.random.default_rng(3)
    n = 32_000
    moments, sex = times(n, 16), rng.choice(["f", "m"], n)
    # From the fourteenth day on one segment is hardly ever chosen.
    late = np.arange(n) >= 14 * n // 16
    chosen = rng.random(n) < np.where(late & (sex == "f"), 0.1, 0.4)
    frame = pl.DataFrame(
        {"id": np.arange(n), "timestamp": moments, "sex": sex, "prediction": chosen.astype(int),
         "label": rng.integers(0, 2, n)}
    )  # fmt: skip
    frame.write_parquet(tmp_path / "rows.parquet")
    monitor = "{measure: selection_rate_gap, chart: shewhart, options: {side: upper}, cause: performance}"
    (tmp_path / "watchkeeper.yaml").write_text(
        "models:\n  m:\n    source: rows.parquet\n    reference: {from: 2013-03-01, to: 2013-03-09}\n"
        f"    fairness: [sex]\n    monitors: {{only: [{monitor}]}}\n"
    )
    project = open_project(tmp_path / "watchkeeper.yaml", {})
    try:
        project.run("m", START + 16 * DAY)
        signals = [s for s in project.store.recorded("m", Signal) if s.measurement.name == "selection_rate_gap"]
    finally:
        project.close()
    fired = {s.measurement.window.start for s in signals if s.fired and s.measurement.column == "sex"}
    assert {START + 14 * DAY, START + 15 * DAY} <= fired
    assert len(fired) <= 3
