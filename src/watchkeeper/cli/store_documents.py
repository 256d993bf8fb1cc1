"""What the commands about a store write with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion

__all__ = [
    "CompactedDocument",
    "FaultDocument",
    "StoreCheckDocument",
    "StoreCompactDocument",
    "StoreInfoDocument",
    "StoreVacuumDocument",
    "TableDocument",
    "VacuumedDocument",
]


@dataclass(frozen=True, slots=True)
class TableDocument:
    """How large a table is: of a model's log, or of the database where ``model`` is empty.

    Attributes
    ----------
    bytes
        Null where the database does not tell.
    files, versions
        Of Delta tables: data files, and commits.
    """

    model: str
    table: str
    rows: int
    bytes: int | None
    files: int | None
    versions: int | None


@dataclass(frozen=True, slots=True)
class StoreInfoDocument:
    """How large the store is."""

    schema_version: SchemaVersion
    tables: tuple[TableDocument, ...]


@dataclass(frozen=True, slots=True)
class CompactedDocument:
    """What became smaller: data files of the log, and records that are not kept any longer."""

    model: str
    files_before: int
    files_after: int
    measurements: int
    alerts: int


@dataclass(frozen=True, slots=True)
class StoreCompactDocument:
    """What compacting did to each model."""

    schema_version: SchemaVersion
    models: tuple[CompactedDocument, ...]


@dataclass(frozen=True, slots=True)
class VacuumedDocument:
    """The files of a table that went, or would go."""

    model: str
    table: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoreVacuumDocument:
    """What vacuuming removed; with ``dry_run`` what it would."""

    schema_version: SchemaVersion
    dry_run: bool
    tables: tuple[VacuumedDocument, ...]


@dataclass(frozen=True, slots=True)
class FaultDocument:
    """What is missing, damaged or altered, in words."""

    model: str
    fault: str


@dataclass(frozen=True, slots=True)
class StoreCheckDocument:
    """Whether the store is whole."""

    schema_version: SchemaVersion
    whole: bool
    faults: tuple[FaultDocument, ...]
