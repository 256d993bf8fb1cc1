"""The commands that look after a store tell its size, find what is damaged, and take nothing away that is needed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from shutil import copytree

import pytest

from tests.run.invented import MODEL, START, day, deliver, rows, write
from watchkeeper.core.window import Window
from watchkeeper.run.project import open_project

from .conftest import Command


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose predictions came in six parts, to be copied."""
    folder = tmp_path_factory.mktemp("once")
    write(folder, train="''")
    opened = open_project(folder / "watchkeeper.yaml", {})
    for number in range(6):
        part = rows(0, 3).gather_every(6, number)
        deliver(folder, str(number), part, part)
        opened.run(MODEL, day(3).start)
    opened.close()
    return folder


@pytest.fixture
def project(tmp_path: Path, once: Path) -> Path:
    """A project whose predictions came in six parts."""
    return Path(copytree(once, tmp_path, dirs_exist_ok=True))


def log(folder: Path) -> list[tuple[object, ...]]:
    opened = open_project(folder / "watchkeeper.yaml", {})
    read = opened.store.read(MODEL, opened.spec(MODEL).schema, Window(START, day(9).end))
    found = sorted(row for batch in read for row in batch.frame.sort("id").rows())
    opened.close()
    return found


def test_compacting_and_vacuuming_leave_every_row_and_fewer_files(watchkeeper: Command, project: Path) -> None:
    before = log(project)

    def files() -> int:
        told = json.loads(watchkeeper("store", "info", "--json", folder=project).stdout)
        return sum(table["files"] or 0 for table in told["tables"])

    many = files()
    compacted = watchkeeper("store", "compact", folder=project)
    assert compacted.returncode == 0, compacted.stderr
    assert files() < many
    assert log(project) == before
    on_disk = len(list(project.rglob("*.parquet")))
    for words in (["--dry-run"], []):
        assert watchkeeper("store", "vacuum", *words, folder=project).returncode == 0
        assert len(list(project.rglob("*.parquet"))) == on_disk, "what was written within the week went"
    assert watchkeeper("store", "check", folder=project).returncode == 0
    assert log(project) == before
    again = watchkeeper("run", folder=project)
    assert again.returncode in (0, 1), again.stderr


def test_a_missing_file_and_a_damaged_one_are_named(watchkeeper: Command, project: Path) -> None:
    files = sorted((project / "data" / "log" / MODEL / "predictions").rglob("*.parquet"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])
    checked = watchkeeper("store", "check", "--json", folder=project)
    assert checked.returncode == 3
    told = json.loads(checked.stdout)
    assert told["whole"] is False
    for file in files[:2]:
        assert any(file.name in one["fault"] for one in told["faults"]), file.name


def test_a_damaged_record_and_a_broken_chain_are_told(watchkeeper: Command, project: Path) -> None:
    database = sqlite3.connect(project / "data" / "watchkeeper.db")
    database.execute("UPDATE measurements SET body = x'01ff'")
    database.commit()
    database.close()
    checked = watchkeeper("store", "check", folder=project)
    assert checked.returncode == 3
    assert "Measurement records" in checked.stderr
