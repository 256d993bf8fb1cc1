"""A source that is a Delta table is followed by its version: only new commits are read, and each row counts once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from watchkeeper.core.window import Window
from watchkeeper.ingest import intake
from watchkeeper.ingest.delta_commits import DeltaVersion
from watchkeeper.run.project import Project, RunReport, open_project

from .test_isolation import START, rows

DAY = timedelta(days=1)
CONFIG = """\
store: {{url: data}}
models:
  m:
    source: {source}
    reference: reference.parquet
    columns: {{{id}time: at, label: churned, features: [x, note]}}
    monitors: {{only: [{{measure: ks, chart: tolerance, columns: [x], options: {{run_length: 1000}}}}]}}
    intake: {{on_change: {on_change}}}
    estimate: never
    notify: []
"""


class Followed:
    """A project whose source is a Delta table, partitioned by a column that many commits share."""

    def __init__(self, folder: Path, *, ids: bool = False, on_change: str = "tell", store: Any = None) -> None:
        self.folder, self.ids, self.table = folder, ids, str(folder / "table")
        self._plain(rows(-30, 600, 30)).write_parquet(folder / "reference.parquet")
        text = CONFIG.format(source="table", id="id: id, " if ids else "", on_change=on_change)
        (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")
        self.model: Project = open_project(folder / "watchkeeper.yaml", {}, **({"store": store} if store else {}))

    def _plain(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame if self.ids else frame.drop("id")

    def commit(self, first: int, n: int = 60, **options: Any) -> None:
        """Append rows of a day to one partition that is there already."""
        frame = self._plain(rows(first, n)).with_columns(part=pl.lit("one"))
        write_deltalake(self.table, frame.to_arrow(), mode="append", partition_by=["part"], **options)

    def run(self, *, replaces: bool = False) -> RunReport:
        return self.model.run("m", START + 9 * DAY, replaces=replaces)

    def counted(self) -> int:
        """Return how many rows a reader sees."""
        schema = self.model.spec("m").schema
        return sum(len(batch) for batch in self.model.store.read("m", schema, Window(START, START + 9 * DAY)))


@pytest.fixture(params=[False, True], ids=["without ids", "with ids"])
def followed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Followed]:
    made = Followed(tmp_path, ids=request.param)
    yield made
    made.model.close()


def test_commits_into_a_partition_that_is_there_are_taken_in_once(followed: Followed) -> None:
    for day in range(5):
        followed.commit(day)
        assert followed.run().unread == ()
        assert followed.counted() == 60 * (day + 1)
    for day in range(5, 8):
        followed.commit(day)
    report = followed.run()
    assert (followed.counted(), report.intake, report.unread) == (480, [], ())


def test_only_new_commits_are_read(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    followed.commit(0)
    followed.run()
    taken: list[tuple[int, int]] = []
    real = intake.commits_between

    def counted(url: str, known: DeltaVersion, newest: DeltaVersion) -> Iterator[Any]:
        for commit in real(url, known, newest):
            taken.append((commit.version.number, commit.rows.rows()))
            yield commit

    monkeypatch.setattr(intake, "commits_between", counted)
    monkeypatch.setattr(intake.FileIntake, "_take_changed", None)
    followed.commit(1, 45)
    followed.run()
    followed.run()
    assert taken == [(1, 45)]


def test_rewriting_files_without_a_change_of_rows_brings_nothing(followed: Followed) -> None:
    for day in range(3):
        followed.commit(day)
        followed.run()
    DeltaTable(followed.table).optimize.compact()
    report = followed.run()
    assert (followed.counted(), report.intake) == (180, [])
    followed.commit(3)
    followed.run()
    assert followed.counted() == 240


def test_a_commit_that_only_takes_rows_away_is_told_and_the_log_stays(followed: Followed) -> None:
    followed.commit(0)
    followed.commit(1)
    followed.run()
    DeltaTable(followed.table).delete("x > 0.5")
    assert any("was replaced by another" in said for said in followed.run().intake)
    assert followed.counted() == 120
    followed.commit(2)
    followed.run()
    assert followed.counted() == 180


@pytest.mark.parametrize("ids", [False, True])
def test_a_changed_table_replaces_its_rows_where_asked(tmp_path: Path, ids: bool) -> None:
    followed = Followed(tmp_path, ids=ids)
    followed.commit(0)
    followed.commit(1)
    followed.run()
    DeltaTable(followed.table).delete("x > 0.5")
    left = DeltaTable(followed.table).count()
    assert 0 < left < 120
    followed.run()
    followed.run(replaces=True)
    assert followed.counted() == left
    followed.commit(2)
    followed.run()
    assert followed.counted() == left + 60
    followed.model.close()


def test_a_run_that_dies_between_two_commits_goes_on_with_the_second(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.commit(0)
    followed.run()
    for day in (1, 2, 3):
        followed.commit(day)
    remember, calls = intake.FileIntake._remember, []

    def dying(self: Any, *given: Any, **named: Any) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise SystemExit
        remember(self, *given, **named)

    monkeypatch.setattr(intake.FileIntake, "_remember", dying)
    with pytest.raises(SystemExit):
        followed.run()
    monkeypatch.setattr(intake.FileIntake, "_remember", remember)
    report = followed.run()
    assert (followed.counted(), report.intake) == (240, [])


def test_where_a_commit_is_gone_the_table_itself_is_read(followed: Followed) -> None:
    followed.commit(0)
    followed.run()
    followed.commit(1)
    followed.commit(2)
    table = DeltaTable(followed.table)
    table.optimize.compact()
    table.vacuum(0, dry_run=False, enforce_retention_duration=False)
    report = followed.run()
    assert (followed.counted(), report.unread) == (180, ())


def test_a_table_that_was_made_anew_is_another(followed: Followed) -> None:
    followed.commit(0)
    followed.run()
    frame = followed._plain(rows(4)).with_columns(part=pl.lit("one"))

    shutil.rmtree(followed.table)
    write_deltalake(followed.table, frame.to_arrow(), partition_by=["part"])
    followed.run()
    assert followed.counted() == 120


def test_a_reference_that_grows_is_learned_anew(tmp_path: Path) -> None:
    followed = Followed(tmp_path)
    reference = rows(-30, 600, 30).drop("id")
    table = str(tmp_path / "reference")
    write_deltalake(table, reference.with_columns(part=pl.lit("one")).to_arrow(), partition_by=["part"])
    text = (tmp_path / "watchkeeper.yaml").read_text(encoding="utf-8")
    (tmp_path / "watchkeeper.yaml").write_text(text.replace("reference.parquet", "reference"), encoding="utf-8")
    followed.model.close()
    followed.model = open_project(tmp_path / "watchkeeper.yaml", {})
    followed.commit(0)
    followed.run()
    counts = [_counted(followed)]
    write_deltalake(table, reference.head(90).with_columns(part=pl.lit("one")).to_arrow(), mode="append")
    followed.run()
    counts.append(_counted(followed))
    assert counts[1] == counts[0] + 90
    followed.model.close()


def _counted(followed: Followed) -> int:
    states = followed.model.store.states("m", None, ["x"])
    return max(state.parts["count"].rows for state in states.values())
