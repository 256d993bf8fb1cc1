"""Removing records that are no longer wanted from the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, Table, delete, select
from sqlalchemy.sql import ColumnElement

from watchkeeper.core.alert import AlertState
from watchkeeper.core.delivery import DeliveryState
from watchkeeper.core.errors import StoreError
from watchkeeper.core.window import Window
from watchkeeper.store.numbers import window_identity
from watchkeeper.store.tables import MEASUREMENTS, MEMORIES, NOUNS, SIGNALS, WINDOWS

__all__ = ["check_forgettable", "forget"]

_FORGETTABLE = ("measurement", "memory", "alert", "delivery")


def check_forgettable(kind: str) -> None:
    """Refuse to remove what has to stay.

    Raises
    ------
    StoreError
        When records of this kind are never removed, or not by themselves.
    """
    if kind not in _FORGETTABLE:
        raise StoreError(f"records of kind {kind!r} are not removed by themselves; valid: {', '.join(_FORGETTABLE)}")


def forget(connection: Connection, model: str, kind: str, before: datetime | None, keep: Collection[Window]) -> int:
    """Remove records of a kind that end by a moment, but for those of the windows to keep; return how many went."""
    check_forgettable(kind)
    if kind in NOUNS:
        return _forget_nouns(connection, model, NOUNS[kind], before)
    windows = select(WINDOWS.c.number).where(WINDOWS.c.model == model)
    if before is not None:
        windows = windows.where(WINDOWS.c.ends <= before)
    if keep:
        windows = windows.where(WINDOWS.c.identity.not_in([window_identity(window) for window in keep]))
    if kind == "memory":
        return _removed(connection, MEMORIES, MEMORIES.c.window.in_(windows))
    _removed(connection, SIGNALS, SIGNALS.c.window.in_(windows))
    gone = _removed(connection, MEASUREMENTS, MEASUREMENTS.c.window.in_(windows))
    for table in (MEASUREMENTS, SIGNALS, MEMORIES):
        windows = windows.where(WINDOWS.c.number.not_in(select(table.c.window)))
    _removed(connection, WINDOWS, WINDOWS.c.number.in_(windows))
    return gone


def _forget_nouns(connection: Connection, model: str, table: Table, before: datetime | None) -> int:
    wanted: ColumnElement[bool] = table.c.model == model
    if before is not None:
        wanted &= table.c.ends <= before
    if table is NOUNS["alert"]:
        wanted &= table.c.state == AlertState.ENDED.value
        diagnoses = NOUNS["diagnosis"]
        about = (diagnoses.c.model == model) & diagnoses.c.id.in_(select(table.c.id).where(wanted))
        _removed(connection, diagnoses, about)
    if table is NOUNS["delivery"]:
        wanted &= table.c.state != DeliveryState.WAITING.value
    return _removed(connection, table, wanted)


def _removed(connection: Connection, table: Table, wanted: ColumnElement[Any]) -> int:
    result: CursorResult[Any] = connection.execute(delete(table).where(wanted))
    return result.rowcount
