"""A report as people use it in Python: a table, files, a picture, and its columns by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.core.errors import NoSuchColumnError, UsageError
from watchkeeper.views.report import Report, Verdict

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def found() -> Report:
    rng = np.random.default_rng(5)

    def rows(calls: float) -> pl.DataFrame:
        n = 3_000
        score = rng.beta(2, 5, n)
        told = {"support_calls": rng.poisson(calls, n), "plan": rng.choice(["a", "b"], n), "score": score}
        return pl.DataFrame({**told, "label": (rng.random(n) < score).astype(int)})

    return watchkeeper.check(rows(2.3), rows(1.4), label="label")


def test_the_table_has_every_number_once_and_the_worst_first(found: Report) -> None:
    table = found.to_frame()
    assert isinstance(table, pl.DataFrame)
    assert table.height == len({(m.series, m.window) for m in found.measurements})
    assert table.row(0, named=True)["column"] == "support_calls"
    assert table.filter(pl.col("fired"))["column"].unique().to_list() == ["support_calls"]
    (calls,) = table.filter(pl.col("column") == "support_calls", pl.col("name") == "ks").rows(named=True)
    assert calls["before"] == pytest.approx(1.4, abs=0.1)
    assert calls["after"] == pytest.approx(2.3, abs=0.1)
    assert calls["value"] > calls["upper"] > 0
    assert table.filter(pl.col("name") == "log_loss", pl.col("family") == "metric")["column"].to_list() == [None]


def test_the_table_of_pandas_is_the_same_table(found: Report) -> None:
    ours, theirs = found.to_frame(), found.to_pandas()
    assert list(theirs.columns) == ours.columns
    assert theirs["value"].sum() == pytest.approx(ours["value"].sum())
    assert str(theirs["start"].dtype).startswith("datetime64")


def test_a_report_is_written_as_its_name_says(found: Report, tmp_path: Path) -> None:
    assert found.save(tmp_path / "r.html").read_text("utf-8") == found.html()
    assert json.loads(found.save(tmp_path / "r.json").read_text("utf-8")) == found.json()
    picture = found.save(str(tmp_path / "r.PNG")).read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 20_000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.pdf", r"ends in '.pdf', which says what to write; end it in .html, .json or .png"),
        ("r", r"has no ending, which says what to write; end it in .html, .json or .png"),
        ("nowhere/r.html", r"cannot be written: No such file"),
    ],
)
def test_a_file_that_cannot_be_written_says_why(found: Report, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        found.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_report_without_charts_is_no_picture(tmp_path: Path) -> None:
    empty = Report("t", "m", Verdict.NO_DATA, datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="nothing to draw"):
        empty.save(tmp_path / "r.png")
    assert empty.to_frame().height == 0
    assert empty.to_frame().schema == empty.to_frame().clear().schema


def test_a_column_answers_for_itself(found: Report) -> None:
    calls, plan = found["support_calls"], found["plan"]
    assert [alert.columns for alert in calls.alerts] == [("support_calls",)]
    assert plan.alerts == ()
    assert set(calls.to_frame()["column"]) == {"support_calls"}
    assert "support_calls" in str(calls)
    assert "plan: no alert" in str(plan)
    assert calls.plot().png().startswith(PNG)
    assert "support_calls" in found
    assert list(found) == ["support_calls", "plan", "score", "label"]


def test_a_column_that_is_not_there_is_a_key_error_with_the_nearest_name(found: Report) -> None:
    with pytest.raises(KeyError) as raised:
        found["suport_calls"]
    assert isinstance(raised.value, NoSuchColumnError)
    assert str(raised.value).startswith("the report has no column 'suport_calls'; did you mean 'support_calls'?")
    with pytest.raises(NoSuchColumnError, match="did you mean 'plan'"):
        found.plot("plans")


def test_a_plot_is_drawn_in_colours_and_not_in_names_of_them(found: Report, tmp_path: Path) -> None:
    drawn = found.plot("plan")
    assert "var(--" not in json.dumps(drawn.specification)
    assert drawn.save(tmp_path / "p.svg").read_text("utf-8").startswith("<svg")
    assert json.loads(drawn.save(tmp_path / "p.json").read_text("utf-8")) == drawn.specification
    with pytest.raises(UsageError, match=r"end it in .png, .svg or .json"):
        drawn.save(tmp_path / "p.gif")
    assert set(drawn._repr_mimebundle_()) == {"image/png", "text/plain"}


def test_a_metric_is_plotted_over_its_windows(report: Report) -> None:
    name = next(s.measurement.name for s in report.signals if s.measurement.family.value == "metric")
    assert report.plot(name).title.startswith("Control chart of")
    assert report.plot("distance").png().startswith(PNG)
