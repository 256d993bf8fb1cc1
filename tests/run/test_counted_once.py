"""Rows are counted once, with ids and without: of files that grow, are copied, are replaced, or overlap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.core.window import Window
from watchkeeper.ingest.contents import row_hashes
from watchkeeper.run.project import Project, RunReport, open_project

from .test_isolation import START, rows

DAY = timedelta(days=1)
CONFIG = """\
store: {{url: data}}
models:
  m:
    source: in/*
    reference: reference.parquet
    columns: {{{id}time: at, label: churned, features: [x, note]}}
    monitors: {{only: [{{measure: ks, chart: tolerance, columns: [x], options: {{run_length: 1000}}}}]}}
    intake: {{on_change: {on_change}}}
    estimate: never
    notify: []
"""


class Folder:
    """A project without ids, or with, whose files come and go."""

    def __init__(self, folder: Path, *, ids: bool = False, on_change: str = "tell") -> None:
        self.folder = folder
        (folder / "in").mkdir()
        reference = rows(-30, 600, 30)
        (reference if ids else reference.drop("id")).write_parquet(folder / "reference.parquet")
        text = CONFIG.format(id="id: id, " if ids else "", on_change=on_change)
        (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")
        self.model: Project = open_project(folder / "watchkeeper.yaml", {})

    def run(self, *, replaces: bool = False) -> RunReport:
        return self.model.run("m", START + 9 * DAY, replaces=replaces)

    def counted(self) -> int:
        """Return how many rows a reader sees, which is what the newest states count."""
        schema = self.model.spec("m").schema
        window = Window(START, START + 9 * DAY)
        read = sum(len(batch) for batch in self.model.store.read("m", schema, window))
        states = self.model.store.states("m", window, ["@rows"])
        assert sum(state.parts["row_sample"].rows for key, state in states.items() if key.segment == "all") == read
        return read

    def written(self, name: str, frame: pl.DataFrame, *, ids: bool = False) -> None:
        path = self.folder / "in" / name
        wanted = frame if ids else frame.drop("id")
        wanted.write_csv(path) if name.endswith(".csv") else wanted.write_parquet(path)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    folder.model.close()


@pytest.mark.parametrize("name", ["day.csv", "day.parquet"])
def test_a_file_that_grows_adds_its_new_rows(bare: Folder, name: str) -> None:
    # Of the first rows of a CSV x is whole; what a column is taken for changes as the file grows.
    whole = rows(0, 300).with_columns(x=pl.when(pl.int_range(300) < 120).then(pl.col("x").round(0)).otherwise("x"))
    for end in (100, 200, 300, 300):
        part = whole.head(end)
        bare.written(name, part.with_columns(pl.col("x").cast(pl.Int64)) if end == 100 else part)
        report = bare.run()
        assert (bare.counted(), report.unread) == (end, ())


def test_a_copy_under_another_name_adds_none_and_is_told(bare: Folder) -> None:
    bare.written("a.parquet", rows(0))
    bare.run()
    bare.written("b.parquet", rows(0))
    (said,) = bare.run().intake
    assert "in/b.parquet holds the same rows as in/a.parquet" in said
    assert bare.counted() == 60
    assert bare.run().intake == []


def test_rows_of_a_rolling_file_are_left_out_where_they_are_known(bare: Folder) -> None:
    bare.written("monday.parquet", rows(0))
    bare.run()
    bare.written("tuesday.parquet", pl.concat([rows(0).tail(20), rows(1)]))
    (said,) = bare.run().intake
    assert "20 rows are in the log already" in said
    assert bare.counted() == 120


def test_rows_that_a_file_holds_twice_stay_two(bare: Folder) -> None:
    bare.written("a.parquet", pl.concat([rows(0), rows(0).head(5)]))
    assert bare.run().intake == []
    assert bare.counted() == 65


def corrected(first: int = 0) -> pl.DataFrame:
    return rows(first).with_columns(x=pl.when(pl.int_range(60) == 7).then(99.0).otherwise("x"))


def test_a_file_that_was_replaced_is_told_until_somebody_decides(bare: Folder) -> None:
    bare.written("a.parquet", rows(0))
    bare.written("b.parquet", rows(1))
    bare.run()
    bare.written("a.parquet", corrected())
    for _ in range(2):
        report = bare.run()
        (said,) = report.intake
        assert "in/a.parquet was replaced by another" in said
        assert "--replace" in said
        assert (bare.counted(), report.unread) == (120, ())
    report = bare.run(replaces=True)
    assert (bare.counted(), report.intake) == (120, [])
    assert [window.start for window in report.ran.revised][:1] == [START]
    assert largest(bare) == 99.0
    assert bare.run().intake == []


def test_a_configuration_may_say_that_files_replace_their_rows(tmp_path: Path) -> None:
    folder = Folder(tmp_path, on_change="replace")
    folder.written("a.parquet", rows(0))
    folder.run()
    for version in (corrected().head(50), rows(0), corrected()):
        folder.written("a.parquet", version)
        assert folder.run().intake == []
        assert folder.counted() == version.height
    assert largest(folder) == 99.0
    folder.model.close()


def test_with_ids_a_replaced_file_adds_what_is_new_and_says_that_the_rest_stays(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ids=True)
    folder.written("a.parquet", rows(0), ids=True)
    folder.run()
    folder.written("a.parquet", pl.concat([corrected(), rows(1).head(3)]), ids=True)
    (said,) = folder.run().intake
    assert "was replaced by another" in said
    assert folder.counted() == 63
    assert largest(folder) < 99
    folder.run(replaces=True)
    assert (folder.counted(), largest(folder)) == (63, 99.0)
    folder.model.close()


def test_a_run_that_dies_while_it_replaces_does_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path, on_change="replace")
    folder.written("a.parquet", rows(0))
    folder.run()
    folder.written("a.parquet", corrected())
    with monkeypatch.context() as dying:
        dying.setattr(type(folder.model.store), "remove_rows", lambda *_: 1 / 0)
        assert folder.run().unread
    assert folder.run().unread == ()
    assert (folder.counted(), largest(folder)) == (60, 99.0)
    folder.model.close()


def largest(folder: Folder) -> float:
    read = folder.model.store.read("m", folder.model.spec("m").schema, Window(START, START + 9 * DAY))
    return float(max(batch.frame["x"].max() for batch in read))


def test_rows_have_the_same_hash_however_they_are_written() -> None:
    a = pl.DataFrame({"x": [1, 2, None], "y": ["a", None, "c"], "t": [START] * 3})
    bare = a["t"].dt.replace_time_zone(None).dt.cast_time_unit("ns")
    empty = pl.Series([None] * 3, dtype=pl.String)
    b = pl.DataFrame({"t": bare, "z": empty, "y": a["y"].cast(pl.Categorical), "x": [1.0, 2.0, None]})
    assert row_hashes(a).tolist() == row_hashes(b).tolist()
    assert len(set(row_hashes(a).tolist())) == 3
    assert row_hashes(a).tolist() != row_hashes(a.rename({"x": "y", "y": "x"})).tolist()
