"""What judging remembers, in the database: one row for each window that is kept and each series."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from watchkeeper.core.errors import StoreError
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered, SeriesMemory
from watchkeeper.core.window import Window
from watchkeeper.store.numbers import moment_in_utc, window_numbers
from watchkeeper.store.packed import pack, unpack
from watchkeeper.store.queries import conditions
from watchkeeper.store.tables import MEMORIES, WINDOWS

__all__ = ["memories", "put_memories"]


def put_memories(connection: Connection, model: str, memories: Sequence[Remembered]) -> None:
    """Replace all that is remembered after each of the windows."""
    numbers = window_numbers(connection, model, (one.window for one in memories))
    kept = {numbers[one.window]: one for one in memories}
    connection.execute(delete(MEMORIES).where(MEMORIES.c.window.in_(list(kept))))
    rows = [
        {"window": number, "series": part.series, "version": part.version, "body": pack(part.body)}
        for number, one in kept.items()
        for part in one.series
    ]
    if rows:
        connection.execute(insert(MEMORIES), rows)


def memories(connection: Connection, model: str, query: Query) -> list[Remembered]:
    """Return what is remembered after the windows that a query asks for, oldest first."""
    conditions("memory", query)
    starts = WINDOWS.c.starts
    kept = select(MEMORIES.c.window).distinct()
    wanted = select(WINDOWS).where(WINDOWS.c.model == model, WINDOWS.c.number.in_(kept))
    if query.window is not None:
        wanted = wanted.where(starts >= query.window.start, WINDOWS.c.ends <= query.window.end)
    order = (starts.desc(), WINDOWS.c.ends.desc()) if query.newest_first else (starts, WINDOWS.c.ends)
    windows = connection.execute(wanted.order_by(*order).limit(query.limit)).all()
    return [
        Remembered(Window(moment_in_utc(window.starts), moment_in_utc(window.ends)), _series(connection, window.number))
        for window in windows
    ]


def _series(connection: Connection, window: int) -> tuple[SeriesMemory, ...]:
    rows = connection.execute(select(MEMORIES).where(MEMORIES.c.window == window))
    return tuple(SeriesMemory(row.series, _body(row.body), row.version) for row in rows)


def _body(stored: bytes) -> str:
    """Return the text; none of a row that is damaged, so that other series are not lost with it."""
    try:
        return unpack(stored)
    except StoreError:
        return ""
