"""Curves and tables of answers against labels, from the states of both sides."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

import watchkeeper
from tests.views.vega_lite import valid
from watchkeeper.views.curves import confusion_table, outcome_figures
from watchkeeper.views.page import report_html
from watchkeeper.views.report import Report, Verdict
from watchkeeper.views.segments import segment_table
from watchkeeper.views.weight import answer_shares


def rows(n: int, seed: int, *, flipped: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, plan = rng.normal(size=n), rng.choice(["a", "b"], n)
    score = np.round(1 / (1 + np.exp(-1.5 * x)), 3)
    label = (rng.random(n) < score).astype(int)
    label = np.where((plan == "b") & (rng.random(n) < flipped), 1 - label, label)
    return pl.DataFrame({"x": x, "noise": rng.normal(size=n), "plan": plan, "score": score, "label": label,
                         "prediction": (score > 0.5).astype(int)})  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    return watchkeeper.check(
        rows(4_000, 2, flipped=0.6), rows(4_000, 1), label="label", score="score", prediction="prediction",
        segments=["plan"], positive="1",
    )  # fmt: skip


def test_the_roc_curve_is_that_of_scikit_learn(report: Report) -> None:
    (figure,) = [one for one in outcome_figures(report) if one.title == "ROC curve"]
    layers = valid(figure.chart.specification)["layer"]
    now = layers[-1]["data"]["values"]
    frame = rows(4_000, 2, flipped=0.6)
    false, true, _ = roc_curve(frame["label"], frame["score"], drop_intermediate=False)
    for point in now[:: len(now) // 9]:
        assert np.interp(point["x"], false, true) == pytest.approx(point["y"], abs=0.01)
    assert (now[0]["x"], now[0]["y"], now[-1]["x"], now[-1]["y"]) == (0, 0, 1, 1)


def test_each_curve_has_both_sides_and_titles_on_its_axes(report: Report) -> None:
    figures = outcome_figures(report)
    assert [one.title for one in figures] == ["ROC curve", "Precision–recall curve", "Calibration"]
    for figure in figures:
        layers = valid(figure.chart.specification)["layer"]
        assert all(layer["encoding"][axis]["axis"]["title"] for layer in layers for axis in ("x", "y"))
        strokes = {layer["mark"].get("stroke") for layer in layers}
        assert {"var(--wk-reference-edge)", "var(--wk-value)"} <= strokes


def test_the_confusion_matrix_shows_the_shares_of_both_sides(report: Report) -> None:
    table = confusion_table(report)
    assert table is not None
    sides = [
        confusion_matrix(f["label"], f["prediction"], normalize="true")
        for f in (rows(4_000, 1), rows(4_000, 2, flipped=0.6))
    ]
    for row, (_, _, cells) in enumerate(table.rows):
        for column, (before, now, right) in enumerate(cells):
            assert before == f"{100 * sides[0][row, column]:.1f} %"
            assert now == f"{100 * sides[1][row, column]:.1f} %"
            assert right is (row == column)


def test_the_segment_that_got_worse_comes_first(report: Report) -> None:
    table = segment_table(report, "auroc")
    assert table is not None
    assert [line.segment for line in table.lines] == ["plan=b", "plan=a"]
    assert (table.lines[0].way, table.better) == ("worse", "higher is better")
    assert table.whole is not None


def test_a_column_that_the_answers_go_with_weighs_more_than_noise(report: Report) -> None:
    shares = answer_shares(report)
    assert shares["x"] > 0.9
    assert shares["noise"] < 0.05


def test_residuals_of_a_regression_are_drawn_from_the_rows_kept() -> None:
    def numbers(seed: int, bias: float) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        label = rng.normal(100, 20, 2_000)
        return pl.DataFrame({"x": label, "label": label, "prediction": label + rng.normal(bias, 5, 2_000)})

    found = watchkeeper.check(numbers(1, 6.0), numbers(2, 0.0), label="label", prediction="prediction")
    (figure,) = [one for one in outcome_figures(found) if one.title == "Residuals"]
    before, now = (layer["data"]["values"] for layer in valid(figure.chart.specification)["layer"])
    centre = [np.average([r["x"] for r in side[:-1]], weights=[r["y"] for r in side[:-1]]) for side in (before, now)]
    assert centre[1] - centre[0] == pytest.approx(6.0, abs=1.0)


def test_without_outcomes_there_are_no_curves() -> None:
    bare = Report("t", "m", Verdict.OK, datetime(2026, 1, 1, tzinfo=UTC))
    assert outcome_figures(bare) == ()
    assert confusion_table(bare) is None
    assert segment_table(bare) is None
    assert answer_shares(bare) == {}


def test_the_page_tells_a_column_in_the_reference_and_now(report: Report) -> None:
    page = report_html(report)
    assert "<td>standard deviation</td>" in page
    assert "Answers against labels" in page
    assert "Segments, worst first" in page
