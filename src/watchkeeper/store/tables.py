"""The tables of the database, in types that every database knows.

The columns beside ``body`` are there to search by; the noun itself is the JSON in ``body``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import Noun

__all__ = ["AUDIT", "LEASES", "METADATA", "NOUNS", "POINTERS", "searched"]

METADATA = MetaData()

_ABOUT = ("version", "family", "name", "segment", "column_name", "status")


def _nouns(name: str, *searched_by: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("number", Integer, primary_key=True),
        Column("model", String(255), nullable=False),
        Column("identity", String(64), nullable=False),
        Column("starts", DateTime(timezone=True)),
        Column("ends", DateTime(timezone=True)),
        *(Column(column, Text, nullable=False) for column in searched_by),
        Column("body", Text, nullable=False),
        UniqueConstraint("model", "identity", name=f"{name}_once"),
        Index(f"{name}_by_time", "model", "starts"),
    )


NOUNS: Mapping[str, Table] = {
    "spec": _nouns("specs"),
    "measurement": _nouns("measurements", *_ABOUT),
    "signal": _nouns("signals", *_ABOUT, "chart", "zone", "rule"),
    "alert": _nouns("alerts", "id", "cause", "severity", "state"),
    "diagnosis": _nouns("diagnoses", "id"),
    "action": _nouns("actions", "id", "kind", "outcome", "version", "who"),
}
"""The table of each kind of noun."""

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
    """Return the values of the columns that a noun is searched by."""
    if isinstance(noun, Measurement):
        return _about(noun)
    if isinstance(noun, Signal):
        return {**_about(noun.measurement), "chart": noun.chart, "zone": noun.zone.value, "rule": noun.rule}
    if isinstance(noun, Alert):
        return {"id": noun.id, "cause": noun.cause.value, "severity": str(noun.severity), "state": noun.state.value}
    if isinstance(noun, Diagnosis):
        return {"id": noun.alert}
    if isinstance(noun, Action):
        return {
            "id": noun.id, "kind": noun.kind.value, "outcome": noun.outcome.value,
            "version": noun.version, "who": noun.who,
        }  # fmt: skip
    return {}


def _about(m: Measurement) -> dict[str, Any]:
    values = (m.version, m.family.value, m.name, m.segment, m.column, m.status.value)
    return dict(zip(_ABOUT, values, strict=True))
