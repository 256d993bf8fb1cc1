"""Who served when: each move of a pointer that names a version, with the moment of the deed that moved it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from watchkeeper.core.action import Action
from watchkeeper.core.provenance import Tenure, VersionRole
from watchkeeper.core.query import Query
from watchkeeper.store.leases import database_time
from watchkeeper.store.pointers import Moves
from watchkeeper.store.tables import TENURES

__all__ = ["deed_time", "put_tenures", "role_moves", "tenures"]


def role_moves(pointers: Moves) -> dict[VersionRole, str]:
    """Return the roles that change hands with these moves, and who has them then."""
    moved = {name: new or "" for name, (old, new) in pointers.items() if old != new}
    return {role: moved[role.value] for role in VersionRole if role.value in moved}


def deed_time(nouns: Iterable[object]) -> datetime | None:
    """Return the latest moment of the actions that are recorded with a move; None where none names one.

    Not the clock: history that is replayed happened when its actions say so.
    """
    times = (noun.at for noun in nouns if isinstance(noun, Action) and noun.at is not None)
    return max(times, default=None)


def put_tenures(connection: Connection, model: str, pointers: Moves, nouns: Iterable[object]) -> None:
    """Record the roles that change hands, from the moment of the deed on, or from now where nothing names one."""
    moved = role_moves(pointers)
    if moved:
        about = {"model": model, "since": deed_time(nouns) or database_time(connection)}
        rows = [{**about, "role": role.value, "version": version} for role, version in moved.items()]
        connection.execute(insert(TENURES), rows)


def tenures(connection: Connection, model: str, query: Query) -> list[Tenure]:
    """Return who got which role when, oldest first."""
    wanted: Any = select(TENURES).where(TENURES.c.model == model)
    if query.window is not None:
        wanted = wanted.where(TENURES.c.since >= query.window.start, TENURES.c.since < query.window.end)
    number = TENURES.c.number
    rows = connection.execute(wanted.order_by(number.desc() if query.newest_first else number).limit(query.limit))
    return [Tenure(VersionRole(row.role), row.version, _utc(row.since)) for row in rows]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
