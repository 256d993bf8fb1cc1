"""What a run and the status read does not grow with the history: rows are counted as the database hands them out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from watchkeeper.api import report
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.project import Project, open_project

from .invented import MODEL, day, deliver, rows, write

DAY = timedelta(days=1)
JUDGED = 12
SERIES = 100


def before(number: int) -> Window:
    return day(-number)


def history(folder: Path, days: int) -> None:
    """Judge twelve windows, and write so many earlier ones of a hundred series as if they had been judged too."""
    write(folder, train="''")
    whole = rows(0, JUDGED)
    deliver(folder, "first", whole, whole)
    project = open_project(folder / "watchkeeper.yaml", {})
    project.run(MODEL, day(JUDGED).start)
    measured = [Measurement(Family.COMPARISON, "psi", 0.1, 10, window=before(1), column=f"x{n}") for n in range(SERIES)]
    project.store.record(MODEL, [*measured, *(Signal(m, "cusum") for m in measured)])
    place = found = Checkpoint.load(project.store, MODEL)
    for number in range(1, days + 1):
        place = place.judge(before(number), 0, filled=True)
    ended = [
        Alert(f"{n}", MODEL, Cause.DRIFT, Severity.NOTICE, AlertState.ENDED, before(n).start, before(n).end,
              end=AlertEnd.CLEARED)
        for n in (10, *range(40, days, 7))
    ]  # fmt: skip
    project.store.record(MODEL, ended, place.moves(found))
    project.run(MODEL, day(JUDGED).start)
    project.close()
    database = sqlite3.connect(folder / "data" / "watchkeeper.db")
    times = [(MODEL, f"{w.start.isoformat()}/{w.end.isoformat()}", f"{w.start:%Y-%m-%d} 00:00:00.000000",
              f"{w.end:%Y-%m-%d} 00:00:00.000000") for w in map(before, range(2, days + 1))]  # fmt: skip
    database.executemany("INSERT INTO windows (model, identity, starts, ends) VALUES (?, ?, ?, ?)", times)
    first = "(SELECT number FROM windows WHERE identity = ?)"
    for table in ("measurements", "signals"):
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] != "window"]
        listed = ", ".join(f'old."{name}"' for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        database.execute(
            f'INSERT INTO {table} ("window", {names}) SELECT new.number, {listed} FROM {table} old, windows new '
            f'WHERE old."window" = {first} AND new.starts < ?',
            (f"{before(1).start.isoformat()}/{before(1).end.isoformat()}", f"{before(1).start:%Y-%m-%d} 00:00:00"),
        )
    database.commit()
    database.close()


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Count the rows that SQLite hands out to whoever connects inside."""
    count = [0]

    def one(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> tuple[Any, ...]:
        count[0] += 1
        return row

    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.row_factory = one

    event.listen(Engine, "connect", connected)
    try:
        yield lambda: count[0]
    finally:
        event.remove(Engine, "connect", connected)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[int, int, int]]:
    """Rows that the status, the next run and the status after it read, by the number of earlier windows."""
    found = {}
    for days in (30 - JUDGED, 730 - JUDGED):
        folder = tmp_path_factory.mktemp(str(days))
        history(folder, days)
        counts = [rows_of(folder, stand)]
        after = rows(JUDGED, JUDGED + 1)
        deliver(folder, "next", after, after)
        counts += [rows_of(folder, run_next), rows_of(folder, stand)]
        found[days] = tuple(counts)
    return found


def rows_of(folder: Path, work: Callable[[Project], None]) -> int:
    with counted() as count:
        project = open_project(folder / "watchkeeper.yaml", {})
        work(project)
        project.close()
        return count()


def run_next(project: Project) -> None:
    assert project.run(MODEL, day(JUDGED + 1).start).ran.judged == (day(JUDGED),)


def stand(project: Project) -> None:
    assert report(project, MODEL, drawn=False, windows=1).signals


def test_two_years_are_read_as_quickly_as_a_month(read: dict[int, tuple[int, int, int]]) -> None:
    month, years = read.values()
    assert years == month
    assert all(0 < count < 5_000 for count in years)


def test_the_count_sees_what_is_read(tmp_path: Path) -> None:
    history(tmp_path, 60)
    with counted() as count:
        project = open_project(tmp_path / "watchkeeper.yaml", {})
        beginning = count()
        signals = project.store.recorded(MODEL, Signal, Query(names=("psi",)))
        assert count() - beginning == len(signals) >= 60 * SERIES
        project.close()
