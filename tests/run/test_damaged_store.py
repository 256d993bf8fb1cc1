"""Whatever is damaged in a store: a run and a report end with a result or with one of our errors, at once."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from watchkeeper.api import report
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.log import Log
from watchkeeper.run.project import open_project

from .test_counted_once import CONFIG
from .test_isolation import DAY, START, rows

NOW = START + 3 * DAY
LOG = "data/log/m"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two judged days, labels, something in quarantine, and a segment that waits."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "in").mkdir()
    rows(-30, 600, 30).write_parquet(folder / "reference.parquet")
    (folder / "watchkeeper.yaml").write_text(CONFIG.format(id="id: id, ", on_change="tell"), encoding="utf-8")
    rows(0).write_parquet(folder / "in/0.parquet")
    rows(1).vstack(rows(1).head(3)).write_parquet(folder / "in/1.parquet")
    with Log(folder / "data", "m") as log:
        log.label("0-1", 1)
    project = open_project(folder / "watchkeeper.yaml", {})
    project.run("m", START + 2 * DAY)
    project.close()
    with Log(folder / "data", "m") as log:
        log.predict("late", START + 2 * DAY, features={"x": 1.0})
    rows(2).write_parquet(folder / "in/2.parquet")
    return folder


def _files(pattern: str) -> Callable[[Path], list[Path]]:
    return lambda folder: sorted(folder.glob(pattern))


PLACES = {
    "the first commit": _files(f"{LOG}/predictions/_delta_log/00000000000000000000.json"),
    "the last commit": lambda folder: sorted((folder / LOG / "predictions/_delta_log").glob("*.json"))[-1:],
    "the rows": _files(f"{LOG}/predictions/*/*.parquet"),
    "the labels": _files(f"{LOG}/labels/**/*"),
    "the states": _files(f"{LOG}/states/**/*.parquet"),
    "the quarantine": _files(f"{LOG}/quarantine/**/*"),
    "the database": _files("data/watchkeeper.db*"),
    "the segment": _files("data/spool/m/*.jsonl"),
}
WAYS: dict[str, Callable[[Path], object]] = {
    "is gone": lambda path: path.unlink(),
    "is empty": lambda path: path.write_bytes(b""),
    "is cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "is something else": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "is a folder": lambda path: (path.unlink(), path.mkdir()),
}
TABLES = ("alembic_version", "specs", "alerts", "actions", "windows", "series", "measurements", "signals", "memories",
          "audit", "pointers", "leases")  # fmt: skip
POINTERS = ("place", "schema", "reference", "taken/predictions/in/0.parquet", "quarantine", "audit", "design_effects")
BODIES = ("specs", "alerts", "measurements", "memories")


def _both(folder: Path) -> list[str]:
    """Run and report; return what each said that could not be done."""
    said = []
    try:
        project = open_project(folder / "watchkeeper.yaml", {})
    except WatchkeeperError as error:
        return [str(error)]
    for work in (
        lambda: project.run("m", NOW),
        lambda: report(project, "m", drawn=False),
        lambda: project.run("m", NOW),
    ):
        try:
            work()
        except WatchkeeperError as error:
            said.append(str(error))
    project.close()
    return said


def _sql(folder: Path, *statements: str) -> None:
    database = sqlite3.connect(folder / "data/watchkeeper.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "damaged"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", PLACES)
def test_a_damaged_file_ends_in_a_result_or_in_our_words(damaged: Path, place: str, way: str) -> None:
    paths = [path for path in PLACES[place](damaged) if path.is_file()]
    assert paths
    for path in paths:
        WAYS[way](path)
    assert all("fault of Watchkeeper itself" not in words for words in _both(damaged))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_gone_ends_in_a_result_or_in_our_words(damaged: Path, table: str) -> None:
    _sql(damaged, f"DROP TABLE {table}")
    assert all("fault of Watchkeeper itself" not in words for words in _both(damaged))


@pytest.mark.parametrize("name", POINTERS)
def test_a_pointer_that_holds_something_else_ends_in_a_result_or_in_our_words(damaged: Path, name: str) -> None:
    _sql(damaged, f"UPDATE pointers SET value = '{{\"no\": [json' WHERE name = '{name}'")
    assert all("fault of Watchkeeper itself" not in words for words in _both(damaged))


@pytest.mark.parametrize("table", BODIES)
def test_a_record_that_holds_something_else_ends_in_a_result_or_in_our_words(damaged: Path, table: str) -> None:
    _sql(damaged, f"UPDATE {table} SET body = x'01ff'")
    assert all("fault of Watchkeeper itself" not in words for words in _both(damaged))


def test_the_whole_store_does_all_of_it(damaged: Path) -> None:
    assert _both(damaged) == []
