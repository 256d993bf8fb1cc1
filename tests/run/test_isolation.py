"""One thing that fails costs itself: a file, a segment, a model; and nothing old passes for the present."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.api import report, standing
from watchkeeper.core.errors import InternalError, SourceError, StoreError
from watchkeeper.log import Log
from watchkeeper.run.failures import failed_run
from watchkeeper.run.project import Project, open_project
from watchkeeper.views.findings import Verdict

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL = """\
  {name}:
    source: {name}/*.parquet
    reference: reference.parquet
    columns: {{id: id, time: at, label: churned, features: [x{more}]{embed}}}
    monitors: {{only: [{{measure: ks, chart: tolerance, columns: [x], options: {{run_length: 1000}}}}]}}
    estimate: never
    notify: []
"""
EMBEDDER = """\
class Panic(BaseException):
    pass


Panic.__name__ = "PanicException"


def embed(texts):
    if texts:
        raise Panic("index out of bounds")
"""


def rows(first: int, count: int = 60, days: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(first + 100)
    number = np.arange(count)
    return pl.DataFrame(
        {
            "id": [f"{first}-{i}" for i in number],
            "at": [START + first * DAY + days * DAY * (i / count) for i in number],
            "x": rng.normal(size=count),
            "note": ["a b c"] * count,
            "churned": (rng.random(count) < 0.5).astype(np.int64),
        }
    )


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Write a configuration of models and open it; each model has a folder for its files."""
    opened: list[Project] = []

    def write(*names: str, embed: str = "") -> Project:
        (tmp_path / "broken_texts.py").write_text(EMBEDDER, encoding="utf-8")
        more = {
            name: (", note", ", embed: {note: broken_texts:embed}") if name == embed else ("", "") for name in names
        }
        models = [MODEL.format(name=name, more=more[name][0], embed=more[name][1]) for name in names]
        config = tmp_path / "watchkeeper.yaml"
        config.write_text("store: {url: data}\nmodels:\n" + "".join(models), encoding="utf-8")
        rows(-30, 600, 30).write_parquet(tmp_path / "reference.parquet")
        for name in names:
            (tmp_path / name).mkdir(exist_ok=True)
        opened.append(open_project(config, {}))
        return opened[-1]

    yield write
    for project in opened:
        project.close()


def test_a_file_that_cannot_be_taken_in_is_named_and_the_others_are_judged(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    project = make("m")
    rows(0).write_parquet(tmp_path / "m/0.parquet")
    rows(1).drop("id").write_parquet(tmp_path / "m/1.parquet")
    rows(2).with_columns(at=pl.lit(True)).write_parquet(tmp_path / "m/2.parquet")
    (tmp_path / "m/3.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    rows(4).write_parquet(tmp_path / "m/4.parquet")
    ran = project.run("m", START + 5 * DAY)
    assert sum(one.appended.rows for one in ran.taken) == 120
    assert len(ran.unread) == 3
    for number, words in ((1, "the id column 'id' is missing"), (2, "times were expected"), (3, "cannot be read")):
        (said,) = [problem for problem in ran.unread if f"m/{number}.parquet" in problem]
        assert words in said
    assert {window.start for window in ran.ran.judged} >= {START, START + 4 * DAY}
    # What failed comes again once it is mended, and nothing else does.
    rows(1).write_parquet(tmp_path / "m/1.parquet")
    assert sum(one.appended.rows for one in project.run("m", START + 5 * DAY).taken) == 60


def test_a_segment_that_cannot_be_taken_in_stays_and_the_others_are_taken(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    project = make("m")
    rows(0).write_parquet(tmp_path / "m/0.parquet")
    for number in range(2):
        with Log(tmp_path / "data", "m") as log:
            log.predict(f"logged-{number}", START, features={"x": 1.0})
    first, _ = sorted((tmp_path / "data/spool/m").glob("*.jsonl"))
    lines = first.read_bytes()
    first.unlink()
    first.symlink_to(tmp_path / "elsewhere")
    ran = project.run("m", START + DAY)
    assert sum(one.appended.rows for one in ran.taken) == 61
    (said,) = ran.unread
    assert first.name in said
    first.unlink()
    first.write_bytes(lines)
    assert sum(one.appended.rows for one in project.run("m", START + DAY).taken) == 1


def test_a_panic_costs_its_own_model(make: Callable[..., Project], tmp_path: Path) -> None:
    project = make("a", "b", embed="a")
    for name in ("a", "b"):
        rows(0).write_parquet(tmp_path / name / "0.parquet")
    with pytest.raises(InternalError, match="PanicException: index out of bounds"):
        project.run("a", START + DAY)
    assert len(project.run("b", START + DAY).ran.judged) == 1
    told = report(project, "a", drawn=False)
    assert (told.verdict, report(project, "b", drawn=False).verdict) == (Verdict.FAILED, Verdict.OK)
    assert "index out of bounds" in told.headline


def test_a_model_whose_last_run_failed_is_not_shown_as_it_was(make: Callable[..., Project], tmp_path: Path) -> None:
    project = make("m")
    rows(0).write_parquet(tmp_path / "m/0.parquet")
    project.run("m", START + DAY)
    assert report(project, drawn=False).verdict is Verdict.OK
    reference = (tmp_path / "reference.parquet").read_bytes()
    (tmp_path / "reference.parquet").unlink()
    with pytest.raises(SourceError):
        project.run("m", START + 2 * DAY)
    told = report(project, drawn=False)
    assert told.verdict is Verdict.FAILED
    assert "reference.parquet does not exist" in told.headline
    assert "2026-03-02, judged before" in told.headline
    (tmp_path / "reference.parquet").write_bytes(reference)
    project.run("m", START + DAY + timedelta(minutes=1))
    assert failed_run(project.store, "m") is None
    assert report(project, drawn=False).verdict is Verdict.OK


def test_status_tells_of_the_others_where_the_records_of_one_are_damaged(
    make: Callable[..., Project], tmp_path: Path
) -> None:
    project = make("a", "b")
    for name in ("a", "b"):
        rows(0).write_parquet(tmp_path / name / "0.parquet")
        project.run(name, START + DAY)
    database = sqlite3.connect(tmp_path / "data/watchkeeper.db")
    database.execute("UPDATE specs SET body = '{' WHERE model = 'a'")
    database.commit()
    database.close()
    a, b = standing(project, ["a", "b"])
    assert (a.verdict, b.verdict) == (Verdict.FAILED, Verdict.OK)
    assert "cannot" in a.headline
    with pytest.raises(StoreError):
        standing(project, ["a"])


def test_status_tells_of_a_model_that_never_ran(make: Callable[..., Project], tmp_path: Path) -> None:
    project = make("m")
    (tmp_path / "reference.parquet").unlink()
    with pytest.raises(SourceError):
        project.run("m", START)
    told = report(project, drawn=False)
    assert (told.verdict, "reference.parquet does not exist" in told.headline) == (Verdict.FAILED, True)
