"""Specs, measurements, signals, alerts, actions, pointers and the audit chain in a SQL database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import URL, Column, Connection, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ColumnElement, or_

from watchkeeper.core.action import Action
from watchkeeper.core.errors import ConflictError, StoreError
from watchkeeper.core.lease import Lease
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.store import AuditEvent, Noun
from watchkeeper.core.window import Window
from watchkeeper.store import leases
from watchkeeper.store.audit import HEAD, next_event
from watchkeeper.store.database import open_database, place_of
from watchkeeper.store.faults import reported
from watchkeeper.store.forgetting import forget
from watchkeeper.store.memories import memories, put_memories
from watchkeeper.store.nouns import from_json, identity, kind_named, span_of, to_json
from watchkeeper.store.numbers import numbers, put_numbers
from watchkeeper.store.pointers import CHANGES, Moves, check_moves, conflict
from watchkeeper.store.queries import conditions
from watchkeeper.store.tables import AUDIT, NOUNS, POINTERS, searched
from watchkeeper.store.tenures import put_tenures, tenures

__all__ = ["Ledger"]

T = TypeVar("T")

_ATTEMPTS = 10
_CHUNK = 500


class Ledger:
    """What is recorded of all models.

    Parameters
    ----------
    url
        SQLAlchemy URL of the database.
    """

    def __init__(self, url: str | URL) -> None:
        self.engine = open_database(url)
        self._place = place_of(self.engine.url)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def record(self, model: str, nouns: Sequence[Noun], pointers: Moves, lease: Lease | None = None) -> None:
        """Write nouns and move pointers in one transaction, and only while the lease holds if one is named."""
        rows = [(kind_named(type(noun)), noun) for noun in nouns]
        whole = {kind: [_row(model, noun) for name, noun in rows if name == kind] for kind in NOUNS}
        check_moves(pointers)
        leases.check_model(lease, model)

        def write(connection: Connection) -> None:
            if lease is not None:
                leases.check_lease(connection, lease)
            for name, (old, new) in pointers.items():
                _move(connection, model, name, old, new)
            put_tenures(connection, model, pointers, nouns)
            self._write(connection, model, nouns, whole)

        self._transact(write)

    def lease(self, model: str, length: timedelta, *, host: str, process: int) -> Lease:
        """Take a model for a worker."""
        return self._transact(lambda connection: leases.take(connection, model, length, host, process))

    def renew(self, lease: Lease, length: timedelta) -> Lease:
        """Make a lease last longer."""
        return self._transact(lambda connection: leases.renew(connection, lease, length))

    def release(self, lease: Lease) -> None:
        """End a lease."""
        self._transact(lambda connection: leases.release(connection, lease))

    def check_lease(self, lease: Lease) -> None:
        """Refuse a lease that was taken over."""
        self._transact(lambda connection: leases.check_lease(connection, lease))

    def _transact(self, write: Callable[[Connection], T]) -> T:
        with reported(self._place, "write to"):
            for attempt in range(_ATTEMPTS):
                try:
                    with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                        return write(connection)
                except IntegrityError:
                    # Somebody else recorded the same noun or link between our look and our write; look again.
                    if attempt == _ATTEMPTS - 1:
                        raise
        raise AssertionError

    def _write(
        self, connection: Connection, model: str, nouns: Sequence[Noun], whole: Mapping[str, list[dict[str, Any]]]
    ) -> None:
        numbers_of = [noun for noun in nouns if isinstance(noun, (Measurement, Signal))]
        if numbers_of:
            put_numbers(connection, model, numbers_of)
        remembered = [noun for noun in nouns if isinstance(noun, Remembered)]
        if remembered:
            put_memories(connection, model, remembered)
        for kind, rows in whole.items():
            latest = list({row["identity"]: row for row in rows}.values())
            if kind == "spec":
                _put_specs(connection, model, latest)
            elif kind == "alert" and latest:
                _put_alerts(connection, model, latest)
            elif latest:
                _put(connection, NOUNS[kind], model, latest)
        actions = [noun for noun in nouns if isinstance(noun, Action)]
        if actions:
            _chain(connection, model, actions)

    def recorded(self, model: str, kind: type[T], query: Query) -> list[T]:
        """Return the recorded nouns of a kind that a query asks for, oldest first."""
        name = kind_named(kind)
        with reported(self._place, "read"), self.engine.connect() as connection:
            if name in ("measurement", "signal"):
                return numbers(connection, model, name, query)
            if name == "memory":
                return cast(list[T], memories(connection, model, query))
            if name == "tenure":
                conditions(name, query)
                return cast(list[T], tenures(connection, model, query))
            table = AUDIT if name == "audit" else NOUNS[name]
            rows = connection.execute(_asked(table, name, query).where(table.c.model == model))
            if name == "audit":
                events = [AuditEvent(row.number, from_json(row.body, Action), row.previous, row.hash) for row in rows]
                return cast(list[T], events)
            return [from_json(row.body, kind) for row in rows]

    def forget(
        self,
        model: str,
        kind: type[Any],
        before: datetime | None,
        keep: Collection[Window],
        lease: Lease | None = None,
    ) -> int:
        """Remove records of a kind that end by a moment, but for those of the windows to keep."""
        name = kind_named(kind)

        def remove(connection: Connection) -> int:
            if lease is not None:
                leases.check_lease(connection, lease)
            return forget(connection, model, name, before, keep)

        return self._transact(remove)

    def models(self) -> list[str]:
        """Return the models that an action was recorded of."""
        with reported(self._place, "read"), self.engine.connect() as connection:
            model = NOUNS["action"].c.model
            return list(connection.scalars(select(model).distinct().order_by(model)))

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""
        with reported(self._place, "read"), self.engine.connect() as connection:
            return _pointer(connection, model, name)


def _row(model: str, noun: Noun) -> dict[str, Any]:
    span = span_of(noun)
    body = to_json(noun)
    from_json(body, type(noun))
    return {
        "model": model, "identity": identity(noun), "starts": span.starts, "ends": span.ends,
        **searched(noun), "body": body,
    }  # fmt: skip


def _put(connection: Connection, table: Table, model: str, rows: list[dict[str, Any]]) -> None:
    """Replace the rows that are there in their place, and add the others."""
    known: set[str] = set()
    for start in range(0, len(rows), _CHUNK):
        asked = [row["identity"] for row in rows[start : start + _CHUNK]]
        query = select(table.c.identity).where(table.c.model == model, table.c.identity.in_(asked))
        known.update(connection.scalars(query))
    old = [{**row, "same_model": model, "same_identity": row["identity"]} for row in rows if row["identity"] in known]
    new = [row for row in rows if row["identity"] not in known]
    if old:
        same = (table.c.model == bindparam("same_model")) & (table.c.identity == bindparam("same_identity"))
        values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name not in ("model", "identity")}
        changes = [{k: v for k, v in row.items() if k not in ("model", "identity")} for row in old]
        connection.execute(update(table).where(same).values(values), changes)
    if new:
        connection.execute(insert(table), new)


def _put_alerts(connection: Connection, model: str, rows: list[dict[str, Any]]) -> None:
    """Write the alerts that are not there in the same words, and number the change."""
    table = NOUNS["alert"]
    identities = [row["identity"] for row in rows]
    query = select(table.c.identity, table.c.body).where(table.c.model == model, table.c.identity.in_(identities))
    known = {row.identity: row.body for row in connection.execute(query)}
    altered = [row for row in rows if known.get(row["identity"]) != row["body"]]
    if altered:
        held: str | None = connection.scalar(_holding(model, CHANGES).with_for_update())
        number = int(held or 0) + 1
        _put(connection, table, model, [{**row, "changed": number} for row in altered])
        _set(connection, model, CHANGES, held, str(number))


def _put_specs(connection: Connection, model: str, rows: list[dict[str, Any]]) -> None:
    """Add specs to the history; one that comes back after another becomes the newest again."""
    table = NOUNS["spec"]
    for row in rows:
        newest = select(table.c.body).where(table.c.model == model).order_by(table.c.number.desc()).limit(1)
        if _spec_identity(connection.scalar(newest)) != row["identity"]:
            same = (table.c.model == model) & (table.c.identity == row["identity"])
            connection.execute(delete(table).where(same))
            connection.execute(insert(table), row)


def _spec_identity(body: str | None) -> str:
    """Return what a recorded spec is known by today: a field that came later and is not used makes no other spec."""
    try:
        return identity(from_json(body, Spec)) if body else ""
    except StoreError:
        return ""


def _chain(connection: Connection, model: str, actions: list[Action]) -> None:
    """Add each action that is not in the audit chain yet in the same words."""
    # The pointer and not the last row seals the next link, so that links cut off at the end leave a break for ever.
    # It is locked until the transaction ends, so that others who chain wait here and read the last number after us.
    held: str | None = connection.scalar(_holding(model, HEAD).with_for_update())
    head = held or ""
    last = select(AUDIT.c.number).where(AUDIT.c.model == model).order_by(AUDIT.c.number.desc()).limit(1)
    number = connection.scalar(last) or 0
    for action in actions:
        event = next_event(action, number, head)
        body = to_json(event.action)
        content = hashlib.sha256(body.encode()).hexdigest()
        same = select(AUDIT.c.number).where(AUDIT.c.model == model, AUDIT.c.content == content)
        if connection.scalar(same) is not None:
            continue
        link = {"number": event.number, "previous": event.previous, "hash": event.hash, "body": body}
        about = {"model": model, "action": action.id, "content": content, "starts": span_of(action).starts}
        connection.execute(insert(AUDIT), {**about, **link})
        number, head = event.number, event.hash
    _set(connection, model, HEAD, held, head)


def _set(connection: Connection, model: str, name: str, held: str | None, value: str) -> None:
    """Let a pointer that the store moves itself hold a value."""
    here = {"model": model, "name": name}
    if held is None and value:
        connection.execute(insert(POINTERS), {**here, "value": value})
    elif value != held:
        connection.execute(update(POINTERS).filter_by(**here).values(value=value))


def _asked(table: Table, kind: str, query: Query) -> Select[Any]:
    """Return what a query asks for in SQL, for all models."""
    wanted = select(table) if kind == "audit" else select(table.c.body)
    for name, values in conditions(kind, query).items():
        wanted = wanted.where(_searched_by(table, name).in_(values))
    if query.changed_after is not None:
        wanted = wanted.where(table.c.changed > query.changed_after)
    if query.prefix:
        # LIKE knows no case in SQLite, and a comparison of order depends on the language in PostgreSQL.
        wanted = wanted.where(func.substr(_searched_by(table, "id"), 1, len(query.prefix)) == query.prefix)
    if query.window is not None and kind != "spec":
        wanted = wanted.where(_meets(table, kind, query.window))
    number = table.c.number
    return wanted.order_by(number.desc() if query.newest_first else number).limit(query.limit)


def _searched_by(table: Table, name: str) -> Column[Any]:
    return table.c.action if table is AUDIT and name == "id" else table.c[name]


def _meets(table: Table, kind: str, window: Window) -> ColumnElement[bool]:
    """Say in SQL what ``Span.meets`` says of one noun."""
    starts = table.c.starts
    if kind in ("alert", "diagnosis"):
        return (starts < window.end) & or_(table.c.ends > window.start, starts >= window.start)
    return (starts >= window.start) & (starts < window.end)


def _pointer(connection: Connection, model: str, name: str) -> str | None:
    held: str | None = connection.scalar(_holding(model, name))
    return held


def _holding(model: str, name: str) -> Select[Any]:
    return select(POINTERS.c.value).where(POINTERS.c.model == model, POINTERS.c.name == name)


def _move(connection: Connection, model: str, name: str, old: str | None, new: str | None) -> None:
    here = (POINTERS.c.model == model) & (POINTERS.c.name == name)
    holds = here & (POINTERS.c.value == old)
    if old is None:
        moved = _pointer(connection, model, name) is None
        if moved and new is not None:
            connection.execute(insert(POINTERS), {"model": model, "name": name, "value": new})
    elif new is None:
        moved = connection.execute(delete(POINTERS).where(holds)).rowcount == 1
    else:
        moved = connection.execute(update(POINTERS).where(holds).values(value=new)).rowcount == 1
    if not moved:
        raise ConflictError(conflict(model, name, old, _pointer(connection, model, name)))
