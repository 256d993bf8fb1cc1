"""What serving processes have logged, as tables for the store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.errors import SourceError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.ingest.logged_rows import LOGGED, label_frame, prediction_frame, read_row, series_of, unnamed
from watchkeeper.log.segment import SEALED, abandoned, seal_abandoned, spool_folder
from watchkeeper.log.trusted import open_trusted, trusted_users
from watchkeeper.schema.names import without

__all__ = ["SpoolFaults", "Spooled", "peek", "spooled"]

Spooled = tuple[str, Table, pl.DataFrame, Callable[[], None]]
"""Name, table and rows of what was logged, and what to call once the rows are appended."""

_DAMAGED = ".damaged"
_LOST = "lost"
_PEEKED = 100_000
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
    unnamed
        Rows whose features came without names, as a list or an array: they are taken without features.
    """

    unread: list[str] = field(default_factory=list)
    lost: int = 0
    unnamed: int = 0


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
        faults.unnamed += unnamed(found[Table.PREDICTIONS])
        tables = {table: rows for table, rows in found.items() if rows}
        left = set(tables)
        if not left and not kept:
            _delete(path)
        for table, rows in tables.items():
            make = prediction_frame if table is Table.PREDICTIONS else label_frame
            done = _leave if kept else partial(_taken, path, table, left)
            yield f"{path.stem}.{table.value}", table, make(rows, schema), done


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
    frame = prediction_frame(found[Table.PREDICTIONS], None)
    empty = [role.value for role in LOGGED if frame[role.value].null_count() == len(frame)]
    frame = without(frame, empty)
    known = {str(row.get("id")): row.get("label") for row in found[Table.LABELS]}
    labels = [known.get(str(row.get("id"))) for row in found[Table.PREDICTIONS]]
    return frame.with_columns(series_of(Role.LABEL.value, labels))


def _read(path: Path, rest: bytes, *, kept: bool) -> tuple[dict[Table, list[dict[str, Any]]], int]:
    """Return the rows of a segment and of the lines it lacks by table, and how many its process lost."""
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in Table}
    damaged: list[bytes] = []
    lost = 0
    lines = [*(_content(path).split(b"\n")[:-1] if not rest or path.exists() else ()), *rest.split(b"\n")]
    # Every whole line ends in a line feed, so what follows the last one is half a line or nothing.
    for line in lines[:-1]:
        try:
            row = read_row(line)
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
    with os.fdopen(open_trusted(str(path), os.O_RDONLY, trusted_users(str(path.parent), 2)), "rb") as opened:
        return opened.read()


def _keep_damaged(path: Path, lines: bytes) -> None:
    """Write lines for a person to look at, into a file of its own that is no link to another."""
    fresh = path.with_name(f".{secrets.token_hex(16)}.part")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(lines)
    fresh.replace(path)
