"""Forms of dates that files of a model have proven, and columns that its rows cannot do without."""

from __future__ import annotations

import json
from dataclasses import replace

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Store, Table
from watchkeeper.ingest.door import Door, known_by
from watchkeeper.ingest.sources import Source, rows_beside
from watchkeeper.schema.kinds import unusable_reason
from watchkeeper.schema.moment_forms import swapped

__all__ = ["door_of_files", "refuse_unusable", "remember_forms"]


def door_of_files(door: Door, store: Store, model: str, schema: Schema, table: Table, place: str) -> Door:
    """Return the door for the files behind a path: what one of them proves of dates, or one before, holds for all."""
    held = json.loads(store.pointer(model, _pointer(table)) or "{}")
    return replace(door.expecting(schema, {**door.known, **known_by(held)}), beside=rows_beside(place))


def remember_forms(source: Source, store: Store, model: str, table: Table) -> None:
    """Remember the order of day and month that a file has proven, for files that leave it open."""
    held = store.pointer(model, _pointer(table))
    known: dict[str, str] = json.loads(held or "{}")
    proven = {
        name: reading.pattern
        for name, reading in source.first_readings.items()
        if reading.pattern and swapped(reading.pattern) and not reading.either and name not in known
    }
    if proven:
        store.record(model, [], {_pointer(table): (held, json.dumps(known | proven, sort_keys=True))})


def refuse_unusable(source: Source, schema: Schema) -> None:
    """Raise where a column that rows cannot do without cannot be used; a feature costs itself.

    Raises
    ------
    SchemaError
        Says how to declare its form.
    """
    for role in (Role.TIME, Role.ID, Role.LABEL):
        name = schema.name_of(role)
        reason = unusable_reason(source.schema[name]) if name in source.schema and name else None
        if reason is not None:
            raise SchemaError(
                f"the {role.value} column {name!r} holds {reason}; say how it is written, under columns.types: "
                f"{{{name}: 'time %m/%d/%Y'}}"
            )


def _pointer(table: Table) -> str:
    return f"forms/{table.value}"
