"""Tables from files, folders, object stores and frames, read in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import STOPS, SchemaError, SourceError, WatchkeeperError, in_short, near_miss
from watchkeeper.core.values import ValueNote
from watchkeeper.ingest.door import OPEN, Beside, Door, forms_in, readings_of
from watchkeeper.ingest.foreign import frame_of
from watchkeeper.ingest.places import new_pieces, pieces_of
from watchkeeper.ingest.tables import TableFile, common_schema
from watchkeeper.ingest.value_notes import note_of
from watchkeeper.schema.event_time import MOMENT, mixed_units, offsets, to_utc
from watchkeeper.schema.reading import Reading
from watchkeeper.schema.text_evidence import added

__all__ = ["ROWS", "Source", "new_tables", "normalise_time", "open_table", "table_of"]

ROWS = 262_144
"""Rows of a batch."""

_SLICES = 8


@dataclass(frozen=True)
class Source:
    """A table that can be read again and again, from one frame or from one or more files.

    Attributes
    ----------
    name
        What to call it in a message: the path as it was given, or the type of the frame.
    schema
        Type by column over all files: numbers are widened, and a column that a file lacks is null there.
    time
        The time column, which batches and samples carry as microseconds in UTC; None where there is none.
    problems
        What a person should know about the reading so far, in words.
    """

    name: str
    pieces: tuple[TableFile, ...] = field(repr=False)
    schema: Mapping[str, pl.DataType] = field(repr=False)
    time: str | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """What tells this version of a Delta table from another; empty for anything else."""
        return self.pieces[0].mark if len(self.pieces) == 1 else ""

    @property
    def readings(self) -> dict[str, tuple[Reading, ...]]:
        """How the columns are read that needed reading, by column; one for each file."""
        found: dict[str, list[Reading]] = {}
        for piece in self.pieces:
            for name, reading in piece.readings.items():
                found.setdefault(name, []).append(reading)
        return {name: tuple(some) for name, some in found.items()}

    @property
    def value_notes(self) -> tuple[ValueNote, ...]:
        """What a person should know about how its values are read, for each column that is not plain."""
        made = (note_of(name, readings) for name, readings in self.readings.items())
        return tuple(note for note in made if note is not None)

    @property
    def first_readings(self) -> dict[str, Reading]:
        """How the columns are read that needed reading, as in the first file that has them."""
        return {name: readings[0] for name, readings in self.readings.items()}

    @property
    def columns(self) -> list[str]:
        """The column names in order."""
        return list(self.schema)

    @cached_property
    def rows(self) -> int:
        """Number of rows; counted once."""
        return sum(piece.rows() for piece in self.pieces)

    def batches(self, rows: int = ROWS, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Return the rows in order, exactly ``rows`` at a time but for the last, holding a few batches in memory.

        The same table gives the same batches each time, so that what was taken in already can be recognised.

        Raises
        ------
        SourceError
            When a file turns out to be damaged, with its name.
        SchemaError
            When one of ``columns`` does not exist.
        """
        wanted = self._wanted(columns)
        waiting: list[pl.DataFrame] = []
        height = 0
        for piece in self.pieces:
            for frame in piece.batches(rows, wanted):
                waiting.append(frame)
                height += frame.height
                if height >= rows:
                    joined = pl.concat(waiting)
                    whole = height - height % rows
                    for start in range(0, whole, rows):
                        yield self._read(joined.slice(start, rows))
                    height -= whole
                    waiting = [joined.slice(whole)] if height else []
        if height:
            yield self._read(pl.concat(waiting))

    def sample(self, n: int = 100_000, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return up to ``n`` rows in order, spread evenly over the whole table; the same rows each time.

        Parquet, Arrow and frames give evenly spaced slices, the first of which is the head; CSV gives every k-th row.
        """
        wanted = self._wanted(columns)
        if self.rows <= n:
            return self._whole(wanted)
        found = [
            piece.sample(max(1, round(n * piece.rows() / self.rows)), wanted, _SLICES)
            for piece in self.pieces
            if piece.rows()
        ]
        return self._read(pl.concat(found).head(n))

    def _whole(self, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
        found = [frame for piece in self.pieces for frame in piece.batches(ROWS, wanted)]
        return self._read(pl.concat(found)) if found else pl.DataFrame(schema=dict(wanted))

    def _wanted(self, columns: Sequence[str] | None) -> Mapping[str, pl.DataType]:
        for name in columns or ():
            if name not in self.schema:
                raise SchemaError(f"{self.name} has no column {name!r}; {near_miss(name, self.schema)}")
        return self.schema if columns is None else {name: self.schema[name] for name in columns}

    def _read(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.time is None or self.time not in frame.columns:
            return frame
        frame, problems = normalise_time(frame, self.time)
        self.problems.extend(p for p in problems if p not in self.problems)
        return frame


def open_table(source: Any, *, time: str | None = None, door: Door = OPEN) -> Source:
    """Open a table for reading: its columns of text are looked through, to know what they mean.

    Parameters
    ----------
    source
        A path, a folder, a glob or an object-store URL of Parquet, CSV (also ``.csv.gz``), Arrow IPC or Delta; or a
        Polars, pandas or Arrow frame, or anything else that speaks the Arrow PyCapsule interface.
    time
        The time column, to be read as UTC.
    door
        How columns are read: what is declared of them, and what a schema expects.

    Raises
    ------
    SourceError
        When it is missing, empty, truncated, of an unknown format, or its files do not fit together.
    SchemaError
        When the time column does not exist.
    """
    if isinstance(source, Source):
        return _checked(replace(source, time=time))
    if isinstance(source, str | Path):
        name, notes, pieces = str(source), list[str](), pieces_of(source)
    else:
        (pieces, notes), name = _framed(source), f"the {type(source).__name__}"
    pieces = read_by(pieces, door)
    schema, more = common_schema(pieces)
    return _checked(Source(name, pieces, schema, time, [*notes, *more, *notes_of_files(pieces)]))


def read_by(pieces: Sequence[TableFile], door: Door) -> tuple[TableFile, ...]:
    """Return the pieces of a table with the readings of their columns."""
    pieces = [piece.plainly_named() for piece in pieces]
    return tuple(replace(piece, readings=found) for piece, found in zip(pieces, readings_of(pieces, door), strict=True))


def rows_beside(*sources: Any) -> Beside:
    """Return what other rows say of the order of day and month, for rows that leave it open.

    Parameters
    ----------
    sources
        Anything ``open_table`` reads; what cannot be read says nothing.
    """
    counted: dict[tuple[str, tuple[str, ...]], dict[str, int]] = {}

    def beside(name: str, forms: tuple[str, ...]) -> dict[str, int]:
        if (name, forms) not in counted:
            found = []
            for source in sources:
                for piece in _readable(source):
                    with suppress(WatchkeeperError, pl.exceptions.PolarsError):
                        found.append(forms_in(piece, name, forms))
            counted[name, forms] = dict(added(one for one in found if one is not None).counts)
        return counted[name, forms]

    return beside


def _readable(source: Any) -> list[TableFile]:
    try:
        if not isinstance(source, str | Path):
            return list(_framed(source)[0])
        pieces = new_pieces(source, lambda _: True)
        return [piece.plainly_named() for piece in pieces if isinstance(piece, TableFile)]
    except (WatchkeeperError, pl.exceptions.PolarsError):
        return []


def _framed(source: Any) -> tuple[tuple[TableFile, ...], list[str]]:
    frame, notes = frame_of(source)
    name = f"the {type(source).__name__}"
    if not frame.collect_schema():
        raise SourceError(f"{name} has no columns; nothing can be learned from it")
    return (TableFile(name, frame, len(frame) if isinstance(frame, pl.DataFrame) else None),), notes


def notes_of_files(pieces: Sequence[TableFile]) -> list[str]:
    """Return what is odd about how files are written, each named."""
    return [note for piece in pieces if piece.csv is not None for note in piece.csv.notes()]


def new_tables(source: str | Path, wanted: Callable[[str], bool], door: Door = OPEN) -> Iterator[Source | SourceError]:
    """Return the files behind a path, folder, glob or URL whose names are wanted, each as a table of its own.

    Files keep their own types, so that one that differs from the others is no hindrance. One that cannot be read is
    returned as what is wrong with it.

    Raises
    ------
    SourceError
        When there is nothing.
    """
    for piece in new_pieces(source, wanted):
        if isinstance(piece, SourceError):
            yield piece
            continue
        try:
            yield table_of(piece, door)
        except SourceError as error:
            yield error
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever is raised, a panic included, costs one file
            yield SourceError(f"{piece.name} cannot be read: {in_short(error)}")


def table_of(piece: TableFile, door: Door) -> Source:
    """Return one file as a table of its own.

    Raises
    ------
    SourceError
        When it cannot be read.
    """
    pieces = read_by((piece,), door)
    return Source(piece.name, pieces, pieces[0].types(), None, notes_of_files(pieces))


def _checked(source: Source) -> Source:
    if source.time is not None and source.time not in source.schema:
        raise SchemaError(f"{source.name} has no time column {source.time!r}; {near_miss(source.time, source.schema)}")
    return source


def normalise_time(frame: pl.DataFrame, column: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the frame with its time column as microseconds in UTC, and what a person should know about it.

    Times without a zone count as UTC; what cannot be read becomes null, and is counted.

    Raises
    ------
    SchemaError
        When the column does not exist or holds no times.
    """
    if column not in frame.columns:
        raise SchemaError(f"there is no time column {column!r}; {near_miss(column, frame.columns)}")
    given = series_named(frame, column)
    if given.dtype == MOMENT:
        return frame, ()
    read = to_utc(given)
    problems = []
    lost = read.is_null() & given.is_not_null()
    count = int(lost.sum())
    if count:
        first = given.filter(lost)[0]
        problems.append(f"{count:,} values of the time column {column!r} cannot be read as times, such as {first!r}")
    units = mixed_units(given)
    if units:
        problems.append(f"the time column {column!r} mixes {' and '.join(units)}; each value was read by its size")
    zones = offsets(given)
    if len(zones) > 1:
        shown = ", ".join(zone or "none" for zone in zones[:5])
        problems.append(f"the time column {column!r} mixes UTC offsets ({shown}); all were converted to UTC")
    return frame.with_columns(read.alias(column)), tuple(problems)
