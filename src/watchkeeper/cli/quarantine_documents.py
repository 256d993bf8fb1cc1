"""What the commands about single rows of a store write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.action import ActionKind
from watchkeeper.core.encode import Moment

__all__ = [
    "QuarantineDocument",
    "QuarantinedRowDocument",
    "QuarantinedRowsDocument",
    "RemovalDocument",
    "SetAsideDocument",
]


@dataclass(frozen=True, slots=True)
class SetAsideDocument:
    """Rows that were set aside for one reason from one source; ``code`` is empty for those of version 0.1.0."""

    model: str
    table: str
    source: str
    code: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class QuarantineDocument:
    """What is in quarantine."""

    schema_version: SchemaVersion
    quarantine: tuple[SetAsideDocument, ...]


@dataclass(frozen=True, slots=True)
class QuarantinedRowDocument:
    """One row in quarantine: its key, why it is there, the moment it belongs to, and the row as it came."""

    key: str
    table: str
    source: str
    code: str
    reason: str
    filed: Moment | None
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class QuarantinedRowsDocument:
    """Rows in quarantine; ``left_out`` counts those beyond the limit."""

    schema_version: SchemaVersion
    model: str
    rows: tuple[QuarantinedRowDocument, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class RemovalDocument:
    """What was done to rows, with their counts; the audit trail holds the same."""

    schema_version: SchemaVersion
    kind: ActionKind
    at: Moment | None
    who: str
    why: str
    facts: dict[str, float | str]
