"""Leases in the database: one row a model, by the clock of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import polars as pl
from sqlalchemy import Connection, func, insert, select, text, update

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import LeasedError, LeaseLostError, StoreError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.lease import Lease
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Appended, Changes, Forgets, Noun, Replaces, SetsAside, Store, Table, Versioned
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.pointers import Moves
from watchkeeper.store.tables import LEASES

__all__ = ["LeasedStore", "check_lease", "check_model", "database_time", "lost", "release", "renew", "take", "taken"]

T = TypeVar("T")


def take(connection: Connection, model: str, length: timedelta, host: str, process: int) -> Lease:
    """Take a model that nobody holds, or whose lease has lapsed."""
    row = connection.execute(select(LEASES).where(LEASES.c.model == model).with_for_update()).first()
    now = database_time(connection)
    if row is not None and now < _utc(row.until):
        raise LeasedError(taken(Lease(model, row.number, row.host, row.process, _utc(row.since), _utc(row.until))))
    lease = Lease(model, 1 if row is None else row.number + 1, host, process, now, now + length)
    values = {"number": lease.number, "host": host, "process": process, "since": now, "until": lease.until}
    if row is None:
        connection.execute(insert(LEASES), {"model": model, **values})
    else:
        connection.execute(update(LEASES).where(LEASES.c.model == model).values(values))
    return lease


def renew(connection: Connection, lease: Lease, length: timedelta) -> Lease:
    """Return the lease with ``length`` to go from now on."""
    check_lease(connection, lease)
    until = database_time(connection) + length
    connection.execute(update(LEASES).where(LEASES.c.model == lease.model).values(until=until))
    return replace(lease, until=until)


def release(connection: Connection, lease: Lease) -> None:
    """End a lease, and with it the right to write under it."""
    here = (LEASES.c.model == lease.model) & (LEASES.c.number == lease.number)
    connection.execute(update(LEASES).where(here).values(number=lease.number + 1, until=database_time(connection)))


def check_lease(connection: Connection, lease: Lease) -> None:
    """Refuse a lease that was taken over or released; until the transaction ends nobody can take it over.

    A lease that has lapsed and that nobody has taken since is as good as before.
    """
    row = connection.execute(select(LEASES).where(LEASES.c.model == lease.model).with_for_update()).first()
    if row is None or row.number != lease.number:
        raise LeaseLostError(lost(lease))


def check_model(lease: Lease | None, model: str) -> None:
    """Refuse a write about another model than the lease is for."""
    if lease is not None and lease.model != model:
        raise StoreError(f"a lease of the model {lease.model!r} is none of {model!r}; nothing was written")


def taken(lease: Lease) -> str:
    """Return the message to a worker that comes second."""
    return (
        f"another worker is at work on {lease.model!r}: {lease}; nothing was done. Wait until it is done; "
        f"if it has died, the model is free when its time is over"
    )


def lost(lease: Lease) -> str:
    """Return the message to a worker that was too late."""
    return (
        f"the lease of {lease.model!r} that {lease} held was taken over or released, so that another worker may be at "
        f"work; nothing was written. The next run goes on; where a worker must do without its store for longer, "
        f"make store.lease longer"
    )


def database_time(connection: Connection) -> datetime:
    """Return the time of the database, so that clocks of workers that differ do no harm."""
    if connection.dialect.name == "sqlite":
        return _utc(datetime.fromisoformat(str(connection.scalar(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")))))
    # The time of the transaction would be that before it waited for the row.
    clock = func.clock_timestamp() if connection.dialect.name == "postgresql" else func.current_timestamp()
    return _utc(connection.execute(select(clock)).scalar_one())


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class LeasedStore:
    """A store as the holder of a lease sees it: what it derives is written only while the lease holds.

    Rows are appended without asking: a source is appended once, whoever does it.
    """

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store, self.lease = store, lease

    def close(self) -> None:
        """Leave the store open: whoever opened it closes it."""

    def append(
        self,
        model: str,
        table: Table,
        rows: pl.DataFrame,
        schema: Schema,
        *,
        source: str = "",
        limits: TimeLimits | None = None,
    ) -> Appended:
        """Append predictions or labels; a ``source`` named before writes nothing."""
        return self._store.append(model, table, rows, schema, source=source, limits=limits)

    def read(self, model: str, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels, one row per id."""
        return self._store.read(model, schema, window)

    def changes(self, model: str, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return which stored windows have new rows or labels since ``cursor``."""
        return self._store.changes(model, schema, windows, cursor)

    def log_version(self, model: str) -> str:
        """Return the versions of the two tables of a log; empty where the store knows none."""
        return self._store.log_version(model) if isinstance(self._store, Versioned) else ""

    def put_states(
        self, model: str, states: Mapping[Window | None, Iterable[State]], *, lease: Lease | None = None
    ) -> None:
        """Replace all states of each stored window given (None: the reference), while the lease holds."""
        self._store.put_states(model, states, lease=lease or self.lease)

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window``, of all or some columns."""
        return self._store.states(model, window, columns)

    def record(
        self, model: str, nouns: Sequence[Noun], pointers: Moves | None = None, *, lease: Lease | None = None
    ) -> None:
        """Write nouns and move pointers in one transaction, while the lease holds."""
        self._store.record(model, nouns, pointers, lease=lease or self.lease)

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return the recorded nouns that a query asks for."""
        return self._store.recorded(model, kind, query)

    def forget(
        self,
        model: str,
        kind: type[Any],
        before: datetime | None = None,
        keep: Collection[Window] = (),
        *,
        lease: Lease | None = None,
    ) -> int:
        """Remove records of a kind that end by a moment, while the lease holds; none where the store cannot."""
        if not isinstance(self._store, Forgets):
            return 0
        return self._store.forget(model, kind, before, keep, lease=lease or self.lease)

    def rows_of(self, model: str, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
        """Return the newest arrival there is, and the stored windows that rows of a file lie in."""
        return self._store.rows_of(model, schema, rule, origin) if isinstance(self._store, Replaces) else (-1, [])

    def remove_rows(self, model: str, origin: str, until: int) -> int:
        """Remove the predictions of a file that arrived up to ``until``; none where the store cannot."""
        return self._store.remove_rows(model, origin, until) if isinstance(self._store, Replaces) else 0

    def quarantine_size(self, model: str) -> int:
        """Return how many rows are in quarantine."""
        return self._store.quarantine_size(model) if isinstance(self._store, SetsAside) else 0

    def set_aside(self, model: str) -> pl.DataFrame:
        """Return when predictions in quarantine came, why they are there, and the moment each is filed under."""
        from watchkeeper.store.quarantine import ASIDE

        return self._store.set_aside(model) if isinstance(self._store, SetsAside) else pl.DataFrame(schema=ASIDE)

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""
        return self._store.pointer(model, name)
