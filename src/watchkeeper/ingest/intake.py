"""Taking in files that services and label feeds leave behind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import polars as pl

from watchkeeper.core.errors import STOPS, LeaseLostError, SourceError, in_short
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Schema
from watchkeeper.core.store import Appended, Store, Table
from watchkeeper.ingest.sources import Source, new_tables
from watchkeeper.ingest.spool import Spooled

__all__ = ["Taken", "mark_of", "near", "take_files", "take_segments"]

_LABELLED = "labelled"
"""The pointer that says that labels have come from a table of their own."""


@dataclass(frozen=True)
class Taken:
    """What was taken in from one source, or why nothing could be.

    Attributes
    ----------
    lost
        Rows that were lost before they got there.
    unnamed
        Rows whose features had no names, and were taken in without.
    """

    source: str
    table: Table
    appended: Appended = field(default_factory=Appended)
    problem: str = ""
    lost: int = 0
    unnamed: int = 0


def take_segments(
    store: Store, model: str, schema: Schema, segments: Iterable[Spooled], limits: TimeLimits | None = None
) -> Iterator[Taken]:
    """Append what was logged, segment by segment; one that cannot be appended stays where it is, and is named."""
    for source, table, frame, done in segments:
        try:
            appended = store.append(model, table, frame, schema, source=source, limits=limits)
            done()
        except (*STOPS, LeaseLostError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one segment
            why = f"the segment {source}: {in_short(error)}. It stays in the spool; move it away if it is not wanted"
            yield Taken(source, table, problem=why)
        else:
            yield Taken(source, table, appended)


def take_files(
    store: Store,
    model: str,
    schema: Schema,
    table: Table,
    place: str,
    folder: Path,
    limits: TimeLimits | None = None,
) -> Iterator[Taken]:
    """Append the files behind a path, folder, glob or URL that are new or have changed.

    A file is known by its path as seen from ``folder``, its size and its time of change; one that was merely copied
    anew is known by its content. Of predictions that have changed, the batches that have not do not come twice; where
    rows have ids, no row does. One that cannot be read does not keep the others out.
    """
    intake = _Intake(store, model, schema, table, folder, limits)
    try:
        for source in new_tables(place, intake.is_new):
            if isinstance(source, SourceError):
                yield Taken(place, table, problem=str(source))
            else:
                yield from intake.take(source)
    except SourceError as error:
        # Labels come late: that there are none yet is nothing to report.
        if table is Table.PREDICTIONS or store.pointer(model, _LABELLED):
            yield Taken(place, table, problem=str(error))


@dataclass(frozen=True)
class _Intake:
    store: Store
    model: str
    schema: Schema
    table: Table
    folder: Path
    limits: TimeLimits | None = None

    def is_new(self, file: str) -> bool:
        mark = mark_of(file)
        return not mark or self._held(file).split(" ")[0] != mark

    def take(self, source: Source) -> Iterator[Taken]:
        """Append a file batch by batch, and remember it last: killed in between, its batches are known."""
        mark, held, hashes = mark_of(source.name), self._held(source.name), list[int]()
        try:
            if held and held == f"{held.split(' ')[0]} {_digest([_hash(frame) for frame in source.batches()])}":
                self._remember(source.name, f"{mark} {held.split(' ')[1]}")
                return
            for number, frame in enumerate(source.batches()):
                hashes.append(_hash(frame))
                # Labels that are put back to what they were are news.
                stamp = mark if self.table is Table.LABELS else ""
                name = f"{near(source.name, self.folder)}#{number}@{hashes[-1]}{stamp}"
                appended = self.store.append(
                    self.model, self.table, frame, self.schema, source=name, limits=self.limits
                )
                yield Taken(source.name, self.table, appended)
        except (*STOPS, LeaseLostError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one file
            yield Taken(source.name, self.table, problem=_named(source.name, in_short(error)))
        else:
            self._remember(source.name, f"{mark} {_digest(hashes)}" if mark else "")

    def _pointer(self, file: str) -> str:
        return f"taken/{self.table.value}/{near(file, self.folder)}"

    def _held(self, file: str) -> str:
        return self.store.pointer(self.model, self._pointer(file)) or ""

    def _remember(self, file: str, what: str) -> None:
        wanted = {self._pointer(file): what, _LABELLED: "yes" if self.table is Table.LABELS else ""}
        held = {pointer: self.store.pointer(self.model, pointer) for pointer in wanted}
        moves = {pointer: (held[pointer], new) for pointer, new in wanted.items() if new and held[pointer] != new}
        if moves:
            self.store.record(self.model, [], moves)


def _named(file: str, why: str) -> str:
    """Return a message that names the file, however it came about."""
    return why if file in why else f"{file}: {why}"


def _hash(frame: pl.DataFrame) -> int:
    return int(frame.hash_rows().sum())


def _digest(hashes: list[int]) -> str:
    return sha256(json.dumps(hashes).encode()).hexdigest()[:16]


def near(file: str, folder: Path) -> str:
    """Return a path as seen from the project's folder, which may be moved as a whole."""
    return str(Path(file).relative_to(folder)) if Path(file).is_relative_to(folder) else file


def mark_of(file: str) -> str:
    """Return the size and time of change of a local file; empty for anything else."""
    try:
        held = Path(file).stat()
    except (OSError, ValueError):
        return ""
    return f"{held.st_size}:{held.st_mtime_ns}"
