"""Stored bodies read and written anew, for migrations that change what a noun looks like as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

__all__ = ["NOUNS", "POINTERS", "Body", "bodies", "rewrite_watch", "text", "write"]

Body = dict[str, Any]

_ROWS = 1_000

NOUNS = {
    name: sa.table(name, *(sa.column(column) for column in ("number", "identity", "rule", "cause", "state", "body")))
    for name in ("specs", "measurements", "signals", "alerts")
}
POINTERS = sa.table("pointers", sa.column("model"), sa.column("name"), sa.column("value"))


def bodies(connection: sa.Connection, table: Any, which: Any) -> Iterator[tuple[int, Body]]:
    """Return the numbers and bodies of rows, a thousand at a time."""
    last = -1
    while True:
        query = sa.select(table.c.number, table.c.body).where(table.c.number > last, which)
        rows = connection.execute(query.order_by(table.c.number).limit(_ROWS)).all()
        for row in rows:
            yield row.number, msgspec.json.decode(row.body)
        if not rows:
            return
        last = rows[-1].number


def write(connection: sa.Connection, table: Any, number: int, **values: Any) -> None:
    """Put new values into a row."""
    connection.execute(sa.update(table).where(table.c.number == number).values(**values))


def rewrite_watch(connection: sa.Connection, episodes: Callable[[Body], Body]) -> None:
    """Bring up to date what judging remembered of each model: the episodes by cause, with their open alerts."""
    remembered = sa.select(POINTERS).where(POINTERS.c.name.like("watch/%"))
    for row in connection.execute(remembered).all():
        value = _of_watch(row.value, episodes)
        if value != row.value:
            here = (POINTERS.c.model == row.model) & (POINTERS.c.name == row.name)
            connection.execute(sa.update(POINTERS).where(here).values(value=value))


def _of_watch(held: str, episodes: Callable[[Body], Body]) -> str:
    try:
        watch = msgspec.json.decode(held)
    except msgspec.DecodeError:
        # What is damaged stays so: the next run says it, and makes it anew.
        return held
    if not isinstance(watch, dict) or not isinstance(watch.get("episodes"), dict) or not watch["episodes"]:
        return held
    watch["episodes"] = episodes(watch["episodes"])
    return msgspec.json.encode(watch).decode()


def text(body: Body) -> str:
    """Return a body as it is stored."""
    return msgspec.json.encode(body, order="deterministic").decode()
