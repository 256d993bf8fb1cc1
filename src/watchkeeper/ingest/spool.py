"""What serving processes have logged, as tables for the store."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.errors import SourceError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.ingest.sources import normalise_time
from watchkeeper.log.segment import SEALED, abandoned, open_trusted, seal_abandoned, spool_folder, trusted_users
from watchkeeper.schema.names import without

__all__ = ["SpoolFaults", "Spooled", "peek", "spooled"]

Spooled = tuple[str, Table, pl.DataFrame, Callable[[], None]]
"""Name, table and rows of what was logged, and what to call once the rows are appended."""

_DAMAGED = ".damaged"
_LOST = "lost"
_PEEKED = 100_000
_ROLES = (Role.ID, Role.TIME, Role.PREDICTION, Role.SCORE, Role.LATENCY, Role.VERSION)
_TABLES = {"prediction": Table.PREDICTIONS, "label": Table.LABELS}


@dataclass
class SpoolFaults:
    """What is wrong with a spool.

    Attributes
    ----------
    unread
        Files that are not taken, each with the reason.
    lost
        Rows that a serving process could not keep.
    """

    unread: list[str] = field(default_factory=list)
    lost: int = 0


def spooled(
    folder: str | Path,
    model: str,
    schema: Schema | None = None,
    *,
    now: float | None = None,
    faults: SpoolFaults | None = None,
    kept: bool = False,
) -> Iterator[Spooled]:
    """Return what was logged of a model and not yet taken: per finished segment its predictions, then its labels.

    Each tuple is a name, a table, its rows, and a function to call once they are appended: a segment is deleted when
    all its tables are, so a failure leaves it for the next time. The names make taking it twice harmless: they are the
    ``source`` of ``Store.append``. Segments of processes that died are finished first; half a line at their end was
    never promised to anybody and is left out. Lines that are damaged otherwise are kept in ``<segment>.damaged``.

    Parameters
    ----------
    folder, model
        As they were given to ``watchkeeper.log.Log``.
    schema
        Gives the names of the columns; without it they are named id, time, prediction, score, latency, version and
        label. A feature that has such a name comes as ``features.<name>``.
    now
        Seconds since 1970, for systems without file locks; see ``seal_abandoned``.
    faults
        Is told of files that cannot be taken, and of rows that were lost before they got here.
    kept
        Whether everything is left as it lies: nothing is finished, deleted or set aside.

    Raises
    ------
    SourceError
        When the spool cannot be read, or a segment cannot be deleted.
    """
    faults = SpoolFaults() if faults is None else faults
    for path, rest in _segments(Path(spool_folder(folder, model)), now, faults, kept=kept):
        try:
            found, lost = _read(path, rest, kept=kept)
        except OSError as error:
            faults.unread.append(f"{path} cannot be read: {error.strerror or error}")
            continue
        faults.lost += lost
        tables = {table: rows for table, rows in found.items() if rows}
        left = set(tables)
        if not left and not kept:
            _delete(path)
        for table, rows in tables.items():
            frame = _predictions(rows, schema) if table is Table.PREDICTIONS else _labels(rows, schema)
            done = _leave if kept else partial(_taken, path, table, left)
            yield f"{path.stem}.{table.value}", table, frame, done


def _leave() -> None:
    """Leave a segment as it lies."""


def _segments(spool: Path, now: float | None, faults: SpoolFaults, *, kept: bool = False) -> list[tuple[Path, bytes]]:
    """Return the finished segments, after those of processes that died were finished.

    Where everything is kept as it lies, those of processes that died come too, each with the lines it lacks.
    """
    try:
        if kept:
            rests = {Path(path): rest for path, rest in abandoned(str(spool), now=now).items()}
            return sorted({**dict.fromkeys(spool.glob(f"*{SEALED}"), b""), **rests}.items())
        faults.unread.extend(seal_abandoned(str(spool), now=now))
        return [(path, b"") for path in sorted(spool.glob(f"*{SEALED}"))]
    except OSError as error:
        raise SourceError(f"the spool {spool} cannot be read: {error.strerror or error}") from error


def _taken(path: Path, table: Table, left: set[Table]) -> None:
    left.discard(table)
    if not left:
        _delete(path)


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(f"{path} was taken but cannot be deleted: {error.strerror or error}") from error


def peek(folder: str | Path, model: str, *, kept: bool = False) -> pl.DataFrame | None:
    """Return predictions that wait in the spool with the labels that wait too, leaving everything there.

    A column that nobody logged is left out, but for the label: labels come late, and the schema must have a place for
    them. None where no prediction waits.
    """
    spool = Path(spool_folder(folder, model))
    found: dict[Table, list[dict[str, Any]]] = {table: [] for table in Table}
    for path, rest in _segments(spool, None, SpoolFaults(), kept=kept):
        try:
            waiting, _ = _read(path, rest, kept=kept)
        except OSError:
            continue  # the run says so
        for table, rows in waiting.items():
            found[table].extend(rows[: max(0, _PEEKED - len(found[table]))])
    if not found[Table.PREDICTIONS]:
        return None
    frame = _predictions(found[Table.PREDICTIONS], None)
    empty = [role.value for role in _ROLES if frame[role.value].null_count() == len(frame)]
    frame = without(frame, empty)
    known = {str(row.get("id")): row.get("label") for row in found[Table.LABELS]}
    labels = [known.get(str(row.get("id"))) for row in found[Table.PREDICTIONS]]
    return frame.with_columns(_series(Role.LABEL.value, labels))


def _read(path: Path, rest: bytes, *, kept: bool) -> tuple[dict[Table, list[dict[str, Any]]], int]:
    """Return the rows of a segment and of the lines it lacks by table, and how many its process lost."""
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in Table}
    damaged: list[bytes] = []
    lost = 0
    lines = [*(_content(path).split(b"\n")[:-1] if not rest or path.exists() else ()), *rest.split(b"\n")]
    # Every whole line ends in a line feed, so what follows the last one is half a line or nothing.
    for line in lines[:-1]:
        try:
            row = json.loads(line)
            if row["kind"] == _LOST:
                lost += int(row["rows"])
            else:
                rows[_TABLES[row["kind"]]].append(row)
        except (ValueError, KeyError, TypeError, OverflowError):
            damaged.append(line)
    if damaged and not kept:
        _keep_damaged(path.with_suffix(_DAMAGED), b"\n".join(damaged) + b"\n")
    return rows, lost


def _content(path: Path) -> bytes:
    with os.fdopen(open_trusted(str(path), os.O_RDONLY, trusted_users(str(path.parent))), "rb") as opened:
        return opened.read()


def _keep_damaged(path: Path, lines: bytes) -> None:
    """Write lines for a person to look at, into a file of its own that is no link to another."""
    fresh = path.with_name(f".{secrets.token_hex(16)}.part")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(lines)
    fresh.replace(path)


def _name(schema: Schema | None, role: Role) -> str:
    return (schema.name_of(role) if schema else None) or role.value


def _predictions(rows: Sequence[dict[str, Any]], schema: Schema | None) -> pl.DataFrame:
    columns: dict[str, list[Any]] = {_name(schema, role): [row.get(role.value) for row in rows] for role in _ROLES}
    taken = {*columns, _name(schema, Role.LABEL)}
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row.get("features") or ()))
    for name in names:
        values = [(row.get("features") or {}).get(name) for row in rows]
        columns[f"features.{name}" if name in taken else name] = values
    return _frame(columns, schema)


def _labels(rows: Sequence[dict[str, Any]], schema: Schema | None) -> pl.DataFrame:
    roles = (Role.ID, Role.LABEL, Role.TIME)
    frame = _frame({_name(schema, role): [row.get(role.value) for row in rows] for role in roles}, schema)
    known_at = schema.name_of(Role.LABEL_TIME) if schema else None
    # A label is logged with the moment at which it became known.
    return frame.with_columns(frame[_name(schema, Role.TIME)].alias(known_at)) if known_at else frame


def _frame(columns: dict[str, list[Any]], schema: Schema | None) -> pl.DataFrame:
    frame = pl.DataFrame([_series(name, values) for name, values in columns.items()])
    return normalise_time(frame, _name(schema, Role.TIME))[0]


def _series(name: str, values: list[Any]) -> pl.Series:
    """Return values of mixed types as text rather than lose some."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 or kinds == {int, float}:
        try:
            return pl.Series(values=values, strict=kinds != {int, float}).alias(name)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            pass
    return pl.Series(name, [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values])
