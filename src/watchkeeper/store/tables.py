"""The tables of the database, in types that every database knows.

A measurement or signal is found by its window and its series, which stand in tables of their own, and holds the rest as
packed JSON. Of the other nouns the columns beside ``body`` are there to search by; the noun itself is the JSON in
``body``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.delivery import Delivery
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.provenance import Provenance
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import Noun

__all__ = [
    "AUDIT", "LEASES", "MEASUREMENTS", "MEMORIES", "METADATA", "NOUNS", "POINTERS", "SERIES", "SIGNALS", "TENURES",
    "WINDOWS", "searched",
]  # fmt: skip

METADATA = MetaData()

_ABOUT = ("version", "family", "name", "segment", "column_name", "status")


def _nouns(name: str, *searched_by: Column[Any]) -> Table:
    return Table(
        name,
        METADATA,
        Column("number", Integer, primary_key=True),
        Column("model", String(255), nullable=False),
        Column("identity", String(64), nullable=False),
        Column("starts", DateTime(timezone=True)),
        Column("ends", DateTime(timezone=True)),
        *searched_by,
        Column("body", Text, nullable=False),
        UniqueConstraint("model", "identity", name=f"{name}_once"),
        Index(f"{name}_by_time", "model", "starts"),
    )


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


NOUNS: Mapping[str, Table] = {
    "spec": _nouns("specs"),
    "alert": _nouns(
        "alerts",
        *_texts("id", "cause", "severity", "state"),
        Column("changed", Integer, nullable=False, server_default="0"),
    ),
    "diagnosis": _nouns("diagnoses", *_texts("id")),
    "action": _nouns("actions", *_texts("id", "kind", "outcome", "version", "who")),
    "provenance": _nouns("provenances", *_texts("version")),
    "delivery": _nouns("deliveries", *_texts("id", "state")),
}
"""The table of each kind of noun that is stored whole."""

Index("alerts_by_state", NOUNS["alert"].c.model, NOUNS["alert"].c.state)
Index("alerts_by_change", NOUNS["alert"].c.model, NOUNS["alert"].c.changed)

Index("deliveries_by_state", NOUNS["delivery"].c.model, NOUNS["delivery"].c.state)

WINDOWS = Table(
    "windows",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("model", String(255), nullable=False),
    Column("identity", String(80), nullable=False),
    Column("starts", DateTime(timezone=True)),
    Column("ends", DateTime(timezone=True)),
    UniqueConstraint("model", "identity", name="windows_once"),
    Index("windows_by_time", "model", "starts"),
)
"""The windows that something was recorded of; one without times stands for what has no window."""

SERIES = Table(
    "series",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("model", String(255), nullable=False),
    Column("identity", String(64), nullable=False),
    *_texts("version", "family", "name", "segment", "column_name", "against"),
    UniqueConstraint("model", "identity", name="series_once"),
)
"""What measurements are about, but for the window."""


def _numbers(name: str, *more: Column[Any]) -> Table:
    return Table(
        name,
        METADATA,
        Column("window", Integer, primary_key=True, autoincrement=False),
        Column("series", Integer, primary_key=True, autoincrement=False),
        *more,
        Column("status", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Index(f"{name}_by_series", "series"),
        sqlite_with_rowid=False,
    )


MEASUREMENTS = _numbers("measurements")
SIGNALS = _numbers("signals", Column("chart", String(255), primary_key=True), Column("fired", Boolean, nullable=False))

MEMORIES = Table(
    "memories",
    METADATA,
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("series", String(600), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""What judging remembers after a window, one row a series."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("model", String(255), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("content", String(64), nullable=False),
    Column("starts", DateTime(timezone=True)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("model", "content", name="audit_once"),
)

POINTERS = Table(
    "pointers",
    METADATA,
    Column("model", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

TENURES = Table(
    "tenures",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("model", String(255), nullable=False),
    Column("role", String(255), nullable=False),
    Column("version", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Index("tenures_by_time", "model", "since"),
)
"""Who got which role when; an empty version stands for nobody."""

LEASES = Table(
    "leases",
    METADATA,
    Column("model", String(255), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)
"""Who is at work on which model; the number grows each time it changes hands."""


def searched(noun: Noun) -> dict[str, Any]:
    """Return the values that a noun is searched by."""
    if isinstance(noun, Measurement):
        return _about(noun)
    if isinstance(noun, Signal):
        return {**_about(noun.measurement), "chart": noun.chart, "fired": noun.fired}
    if isinstance(noun, Alert):
        return {"id": noun.id, "cause": noun.cause.value, "severity": str(noun.severity), "state": noun.state.value}
    if isinstance(noun, Diagnosis):
        return {"id": noun.alert}
    if isinstance(noun, Action):
        return {
            "id": noun.id, "kind": noun.kind.value, "outcome": noun.outcome.value,
            "version": noun.version, "who": noun.who,
        }  # fmt: skip
    if isinstance(noun, Delivery):
        return {"id": noun.id, "state": noun.state.value}
    if isinstance(noun, Provenance):
        return {"version": noun.version}
    return {}


def _about(m: Measurement) -> dict[str, Any]:
    values = (m.version, m.family.value, m.name, m.segment, m.column, m.status.value)
    return dict(zip(_ABOUT, values, strict=True))
