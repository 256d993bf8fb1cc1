"""Taking in files that services and label feeds leave behind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec
import polars as pl
from msgspec import structs

from watchkeeper.core.errors import STOPS, LeaseLostError, SourceError, in_short
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Appended, Replaces, Store, Table
from watchkeeper.core.values import ValueNote
from watchkeeper.core.window import WindowRule
from watchkeeper.ingest.contents import Contents, Known, StoredRows
from watchkeeper.ingest.date_forms import door_of_files, refuse_unusable, remember_forms
from watchkeeper.ingest.delta_commits import DeltaVersion, commits_between, local_version
from watchkeeper.ingest.door import OPEN, Door, enter
from watchkeeper.ingest.sources import ROWS, Source, new_tables, table_of
from watchkeeper.ingest.spool import Spooled
from watchkeeper.ingest.value_notes import note_of
from watchkeeper.store.again import summarise_again
from watchkeeper.store.nouns import from_json
from watchkeeper.store.pointers import Moves

__all__ = ["FileIntake", "Taken", "mark_of", "near", "take_files", "take_segments"]

_MOST_ALIKE = 20
"""Files of one size that are remembered as such."""

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
    known
        Rows without an id that are in the log already, and were left out.
    copy_of
        The file of which this is a copy; nothing was taken in of it.
    replaced
        Whether the file was replaced by another since its rows were taken in, and they stay as they were.
    notes, values
        What is odd about how a file is written, and about how its values were read.
    """

    source: str
    table: Table
    appended: Appended = field(default_factory=Appended)
    problem: str = ""
    lost: int = 0
    unnamed: int = 0
    known: int = 0
    copy_of: str = ""
    replaced: bool = False
    notes: tuple[str, ...] = ()
    values: tuple[ValueNote, ...] = ()


def take_segments(
    store: Store,
    model: str,
    schema: Schema,
    segments: Iterable[Spooled],
    limits: TimeLimits | None = None,
    door: Door = OPEN,
) -> Iterator[Taken]:
    """Append what was logged, segment by segment; one that cannot be appended stays where it is, and is named."""
    for source, table, frame, done in segments:
        try:
            entered, readings = enter(frame, door.expecting(schema, door.known))
            appended = store.append(model, table, entered, schema, source=source, limits=limits)
            done()
        except (*STOPS, LeaseLostError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one segment
            why = f"the segment {source}: {in_short(error)}. It stays in the spool; move it away if it is not wanted"
            yield Taken(source, table, problem=why)
        else:
            notes = (note_of(name, [reading]) for name, reading in readings.items())
            yield Taken(source, table, appended, values=tuple(note for note in notes if note is not None))


def take_files(intake: FileIntake, place: str) -> Iterator[Taken]:
    """Append the files behind a path, folder, glob or URL that are new or have changed.

    A file is known by its path as seen from the project's folder, its size and its time of change, and then by its
    rows: one that was merely copied, under its own name or another, brings none, and of one that has grown only the new
    rows come. One that was replaced by another is told, and replaces its rows where that is asked for; where rows have
    ids, those with new ids come in any case. One that cannot be read does not keep the others out.
    """
    try:
        door = door_of_files(intake.door, intake.store, intake.model, intake.schema, intake.table, place)
        for source in new_tables(place, intake.is_new, door):
            if isinstance(source, SourceError):
                yield Taken(place, intake.table, problem=str(source))
            else:
                yield from intake.take(source)
    except SourceError as error:
        # Labels come late: that there are none yet is nothing to report.
        if intake.table is Table.PREDICTIONS or intake.store.pointer(intake.model, _LABELLED):
            yield Taken(place, intake.table, problem=str(error))


@dataclass(frozen=True)
class FileIntake:
    """How the files of one table of a model are taken in.

    Attributes
    ----------
    folder
        The project's, which paths are seen from.
    limits
        Which times of rows can be.
    rule
        How time is cut into stored windows.
    replaces
        Whether a file that was replaced by another replaces its rows.
    """

    store: Store
    model: str
    schema: Schema
    table: Table
    folder: Path
    limits: TimeLimits | None = None
    rule: WindowRule = field(default_factory=WindowRule)
    replaces: bool = False
    door: Door = OPEN

    def is_new(self, file: str) -> bool:
        """Return whether there may be something new in a file, or something to tell of it."""
        mark, known = mark_of(file), self._known(file)
        return not mark or known.mark != mark or known.replaced

    def take(self, source: Source) -> Iterator[Taken]:
        """Append what is new in a file, and remember it last: killed in between, its batches are known."""
        try:
            refuse_unusable(source, self.schema)
            yield from self._take(source)
            remember_forms(source, self.store, self.model, self.table)
        except (*STOPS, LeaseLostError):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one file
            yield Taken(source.name, self.table, problem=_named(source.name, in_short(error)))

    def _take(self, source: Source) -> Iterator[Taken]:
        mark, known = source.mark or mark_of(source.name), self._known(source.name)
        if known.replaced and known.mark == mark and not self.replaces:
            yield Taken(source.name, self.table, replaced=True)
        elif not known.digest:
            yield from self._take_new(source, mark)
        else:
            since, newest = DeltaVersion.of(known.mark), DeltaVersion.of(mark)
            if since and newest and since.precedes(newest) and not (known.replaced and self.replaces):
                try:
                    yield from self._follow(source, since, newest)
                    return
                except SourceError:
                    # A commit is gone: the table itself is still there, and rows that are in the log are known.
                    known = self._known(source.name)
            yield from self._take_changed(source, mark, known)

    def _take_changed(self, source: Source, mark: str, known: Known) -> Iterator[Taken]:
        """Take in a file of a known name, as far as its rows are new."""
        contents, batches = Contents(known), list[int]()
        for frame in source.batches():
            contents.add(frame)
            batches.append(_hash(frame))
        if known.digest in (contents.digest, _digest(batches)):
            self._remember(source.name, structs.replace(known, mark=mark, replaced=False))
            return
        new = Known(mark, contents.digest, contents.rows)
        rewritten = known.replaced if DeltaVersion.of(mark) else known.rows >= 0 and Path(source.name).is_file()
        if contents.grown:
            yield from self._append(source, known.rows)
            self._remember(source.name, new)
        elif self.table is Table.PREDICTIONS and rewritten:
            yield from self._replaced(source, known, new)
        else:
            yield from self._append(source, stamp=mark if self.table is Table.LABELS else "")
            # What version 0.1.0 took in does not say which file it came from.
            self._remember(source.name, new if known.rows >= 0 else Known(mark, _digest(batches)))

    def _follow(self, source: Source, since: DeltaVersion, newest: DeltaVersion) -> Iterator[Taken]:
        """Take in what each commit brought to a Delta table; whoever dies in between goes on with the same commit.

        Commits that took rows away or changed them are told, and have the table replace its rows where that is asked.
        """
        for commit in commits_between(source.name, since, newest):
            known = self._known(source.name)
            rewritten = self.table is Table.PREDICTIONS and commit.removed > 0
            if rewritten and self.replaces:
                yield from self._replaced(source, known, Known(newest.mark, known.digest))
                return
            if self._has_ids or not rewritten:
                rows, stamp = table_of(commit.rows, self.door), commit.version.mark
                # The batches of a commit are known by themselves where there is no order in which they might come.
                yield from self._append(rows, stamp=stamp, again=not rewritten and commit.rows.rows() <= ROWS)
            replaced = known.replaced or rewritten
            self._remember(source.name, Known(commit.version.mark, known.digest, replaced=replaced))
            if rewritten:
                yield Taken(source.name, self.table, replaced=True)

    def _take_new(self, source: Source, mark: str) -> Iterator[Taken]:
        """Take in a file of a name that is new; one that holds what another holds brings nothing."""
        if self.table is Table.PREDICTIONS:
            original = self._original(source, mark)
            if original is not None:
                yield Taken(source.name, self.table, copy_of=original[0])
                self._remember(source.name, structs.replace(original[1], mark=mark))
                return
        contents = Contents(Known())
        yield from self._append(source, contents=contents, stamp=mark if self.table is Table.LABELS else "")
        self._remember(source.name, Known(mark, contents.digest, contents.rows))

    def _replaced(self, source: Source, known: Known, new: Known) -> Iterator[Taken]:
        """Take in a file that holds other rows than those that were taken in of it."""
        if self.replaces and isinstance(self.store, Replaces):
            origin, pointer = near(source.name, self.folder), f"replacing/{near(source.name, self.folder)}"
            # Said before anything goes: whoever dies in between leaves it to the next run.
            until, windows = self.store.rows_of(self.model, self.schema, self.rule, origin)
            begun = self.store.pointer(self.model, pointer)
            if begun is None:
                begun = str(until)
                self.store.record(self.model, [], {pointer: (None, begun)})
            summarise_again(self.store, self.model, windows)
            yield from self._append(source, stamp=new.mark, again=True)
            self.store.remove_rows(self.model, origin, int(begun))
            self._remember(source.name, new, {pointer: (begun, None)})
            return
        if self._has_ids:
            yield from self._append(source)
        # Without ids nobody can tell which of its rows are new.
        self._remember(source.name, structs.replace(known, mark=new.mark, replaced=True))
        yield Taken(source.name, self.table, replaced=True)

    def _append(
        self, source: Source, start: int = 0, *, contents: Contents | None = None, stamp: str = "", again: bool = False
    ) -> Iterator[Taken]:
        """Append the rows of a file from one on; without ids, those that are in the log already are left out.

        Parameters
        ----------
        contents
            Is told what the file holds.
        stamp
            Makes the batches differ from those of the same file before: labels that are put back to what they were are
            news, and so are rows that replace others.
        again
            Whether rows are taken in though the like of them are there.
        """
        stored = None if again or self._has_ids or self.table is Table.LABELS else StoredRows(self.store, self.model)
        row, notes, values = 0, tuple(source.problems), source.value_notes
        for number, whole in enumerate(source.batches()):
            if contents is not None:
                contents.add(whole)
            frame, row = whole.slice(max(0, start - row)), row + whole.height
            if frame.is_empty() and start:
                continue
            position = f"{number}" if not start else f"r{row - frame.height}"
            name = f"{near(source.name, self.folder)}#{position}@{_hash(frame)}{stamp}"
            unknown = frame if stored is None else stored.without(frame, self.schema)
            appended = self.store.append(self.model, self.table, unknown, self.schema, source=name, limits=self.limits)
            known = 0 if appended.known else frame.height - unknown.height
            yield Taken(source.name, self.table, appended, known=known, notes=notes, values=values)
            notes, values = (), ()

    @property
    def _has_ids(self) -> bool:
        return self.schema.name_of(Role.ID) is not None

    def _original(self, source: Source, mark: str) -> tuple[str, Known] | None:
        """Return the file of which another is a copy; None where it is none."""
        alike = [] if DeltaVersion.of(mark) else self._same_size(mark)
        if not alike:
            return None
        contents = Contents(Known())
        for frame in source.batches():
            contents.add(frame)
        for name in alike:
            known = self._known_as(name)
            if (known.digest, known.rows) == (contents.digest, contents.rows) and name != near(
                source.name, self.folder
            ):
                return name, known
        return None

    def _same_size(self, mark: str) -> list[str]:
        """Return the files of a size that were taken in; only they are looked into for a copy."""
        text = self.store.pointer(self.model, f"size/{self.table.value}/{mark.partition(':')[0]}") if mark else None
        return from_json(text, list[str]) if text else []

    def _pointer(self, name: str) -> str:
        return f"taken/{self.table.value}/{name}"

    def _known(self, file: str) -> Known:
        return self._known_as(near(file, self.folder))

    def _known_as(self, name: str) -> Known:
        return Known.of(self.store.pointer(self.model, self._pointer(name)) or "")

    def _remember(self, file: str, known: Known, moves: Moves | None = None) -> None:
        name = near(file, self.folder)
        wanted = {self._pointer(name): known.text, _LABELLED: "yes" if self.table is Table.LABELS else ""}
        if known.mark and self.table is Table.PREDICTIONS and not DeltaVersion.of(known.mark):
            alike = self._same_size(known.mark)
            names = [*(one for one in alike if one != name), name][-_MOST_ALIKE:]
            size = known.mark.partition(":")[0]
            wanted[f"size/{self.table.value}/{size}"] = msgspec.json.encode(names).decode()
        before = {pointer: self.store.pointer(self.model, pointer) for pointer in wanted}
        changed = {pointer: (before[pointer], new) for pointer, new in wanted.items() if new and before[pointer] != new}
        if changed or moves:
            self.store.record(self.model, [], {**changed, **(moves or {})})


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
    """Return the size and time of change of a local file, the version of a Delta table; empty for anything else."""
    version = local_version(file)
    if version is not None:
        return version.mark
    try:
        held = Path(file).stat()
    except (OSError, ValueError):
        return ""
    return f"{held.st_size}:{held.st_mtime_ns}"
