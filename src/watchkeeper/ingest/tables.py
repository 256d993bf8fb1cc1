"""The files of a table: how each is read, and whether they fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from watchkeeper.core.columns import column_named, columns_named
from watchkeeper.core.errors import SourceError
from watchkeeper.ingest.csv_file import CsvFile
from watchkeeper.schema.event_time import MOMENT
from watchkeeper.schema.names import plain_names
from watchkeeper.schema.reading import Reading, read

__all__ = ["TableFile", "common_schema", "first_line"]

_SPAN = 262_144
_ROW = "__watchkeeper_row__"
_COUNTED = 50
"""Columns whose texts are counted at a time."""

_REMEDY = "It may be truncated or still being written: write it again, or leave it out"


@dataclass(frozen=True)
class TableFile:
    """One file or frame of a table.

    Attributes
    ----------
    name
        What to call it in a message.
    frame
        The frame, or the plan that reads the file.
    height
        Its number of rows where that is known.
    seeks
        Whether rows in the middle can be read without reading those before.
    local
        Whether seeking costs next to nothing, so that it may be read in spans.
    csv
        The CSV file behind it, which can say where it is at fault.
    typed
        Whether its columns have types: text is text on purpose, and no number that a CSV file writes.
    readings
        How the columns are read that need reading.
    mark
        What tells this version of a table that grows from another; empty for anything else.
    """

    name: str
    frame: pl.DataFrame | pl.LazyFrame
    height: int | None = None
    seeks: bool = False
    local: bool = False
    csv: CsvFile | None = None
    typed: bool = True
    readings: Mapping[str, Reading] = field(default_factory=dict, repr=False)
    mark: str = ""

    def plainly_named(self) -> TableFile:
        """Return the piece with names that every later step can hold."""
        renamed = plain_names(self.raw_types())
        return replace(self, frame=self.frame.rename(renamed)) if renamed else self

    def raw_types(self) -> dict[str, pl.DataType]:
        """Return the type by column as the file has it."""
        with self.reading():
            return dict(self.frame.collect_schema())

    def types(self) -> dict[str, pl.DataType]:
        """Return the type by column, once it is read."""
        own = self.raw_types()
        return {name: self.readings[name].dtype if name in self.readings else dtype for name, dtype in own.items()}

    def rows(self) -> int:
        """Return the number of rows."""
        if self.height is None:
            with self.reading():
                count = self.frame.lazy().select(pl.len()).collect(engine="streaming").item()
            # Frozen, but counting a CSV file twice would read it twice.
            object.__setattr__(self, "height", count)
        return self.height or 0

    def batches(self, rows: int, wanted: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
        """Return the wanted columns in the wanted types, about ``rows`` rows at a time."""
        for frame in self._raw_batches(rows, wanted):
            yield self._read(frame, wanted)

    def _raw_batches(self, rows: int, wanted: Mapping[str, pl.DataType]) -> Iterator[pl.DataFrame]:
        plan = self._select(wanted)
        if isinstance(plan, pl.DataFrame):
            yield from plan.iter_slices(rows)
            return
        with self.reading():
            if not self.local:
                yield from plan.collect_batches(chunk_size=rows, maintain_order=True)
                return
            # A stream reads ahead by several row groups, which for wide tables is much memory; a span does not.
            for start in range(0, self.rows(), _SPAN):
                yield plan.slice(start, _SPAN).collect()

    def sample(self, n: int, wanted: Mapping[str, pl.DataType], slices: int) -> pl.DataFrame:
        """Return about ``n`` rows spread over the piece, never more."""
        return self._read(self._spread(self._select(wanted).lazy(), n, slices), wanted)

    def raw_sample(self, n: int, names: Sequence[str]) -> pl.DataFrame:
        """Return about ``n`` rows of some columns as they are written."""
        return self._spread(self.frame.lazy().select(columns_named(names)), n, 8)

    def counted(self, wanted: Mapping[str, Mapping[str, pl.Expr]]) -> dict[str, dict[str, Any]]:
        """Return numbers over all rows by column and name, some columns at a time."""
        found: dict[str, dict[str, Any]] = {name: {} for name in wanted}
        names = [name for name in wanted if wanted[name]]
        for start in range(0, len(names), _COUNTED):
            some = names[start : start + _COUNTED]
            keys = {f"{i}:{key}": (name, key) for i, name in enumerate(some) for key in wanted[name]}
            exprs = [wanted[name][key].alias(alias) for alias, (name, key) in keys.items()]
            with self.reading():
                row = self.frame.lazy().select(exprs).collect(engine="streaming").row(0, named=True)
            for alias, (name, key) in keys.items():
                found[name][key] = row[alias]
        return found

    def _spread(self, plan: pl.LazyFrame, n: int, slices: int) -> pl.DataFrame:
        total = self.rows()
        with self.reading():
            if total <= n:
                return plan.collect()
            if self.seeks or isinstance(self.frame, pl.DataFrame):
                count = max(1, min(slices, n))
                length = n // count
                last = total - length
                starts = [last * i // max(1, count - 1) for i in range(count)]
                # One by one: collect_all would read what the slices share, which is the whole file, into memory.
                return pl.concat([plan.slice(start, length).collect(engine="streaming") for start in starts])
            every = -(-total // n)
            kept = plan.with_row_index(_ROW).filter(pl.col(_ROW) % every == 0).drop(_ROW)
            return kept.collect(engine="streaming")

    def _select(self, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame | pl.LazyFrame:
        own = self.frame.collect_schema()
        columns = [
            _cast(name, own.get(name), dtype)
            for name, dtype in wanted.items()
            if own.get(name) != dtype and name not in self.readings
        ]
        return self.frame.with_columns(columns).select(columns_named(wanted))

    def _read(self, frame: pl.DataFrame, wanted: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """Return columns as what they mean, in the type that all pieces have in common."""
        changed = [read(frame[name], self.readings[name]) for name in wanted if name in self.readings]
        if not changed:
            return frame
        values = frame.with_columns(changed)
        casts = [_cast(c.name, c.dtype, wanted[c.name]) for c in changed if c.dtype != wanted[c.name]]
        return values.with_columns(casts) if casts else values

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what goes wrong while reading into a SourceError that names the piece."""
        try:
            yield
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise _fault(self, error) from error


def _cast(name: str, own: pl.DataType | None, wanted: pl.DataType) -> pl.Expr:
    column = column_named(name)
    if own is None:
        return pl.lit(None, dtype=wanted).alias(name)
    if wanted == MOMENT and isinstance(own, pl.Datetime) and own.time_zone:
        return column.dt.convert_time_zone("UTC").cast(MOMENT)
    if wanted == MOMENT and own.is_temporal():
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return column.cast(wanted)


def _fault(piece: TableFile, error: BaseException) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{piece.name} does not exist any more")
    if isinstance(error, OSError):
        return SourceError(f"{piece.name} cannot be read: {error.strerror or first_line(error)}")
    if piece.csv is not None:
        return SourceError(f"{piece.name} cannot be read as CSV: {piece.csv.fault(str(error))}")
    return SourceError(f"{piece.name} cannot be read: {first_line(error)}. {_REMEDY}")


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return str(error).strip().split("\n", 1)[0].rstrip(".")


def common_schema(pieces: Sequence[TableFile]) -> tuple[dict[str, pl.DataType], list[str]]:
    """Return the schema all pieces can be read in, and which columns some of them lack."""
    common: dict[str, pl.DataType] = {}
    first: dict[str, str] = {}
    lacking: dict[str, list[str]] = {}
    for number, piece in enumerate(pieces):
        own = piece.types()
        for name in common.keys() - own.keys():
            lacking.setdefault(name, []).append(piece.name)
        for name, dtype in own.items():
            if name not in common:
                common[name], first[name] = dtype, piece.name
                if number:
                    lacking.setdefault(name, []).extend(p.name for p in pieces[:number])
                continue
            wide = _wider(common[name], dtype)
            if wide is None:
                raise SourceError(
                    f"{piece.name}: column {name!r} holds {dtype}, but {common[name]} in {first[name]}; "
                    "the files of one table must agree"
                )
            common[name] = wide
    notes = [
        f"column {name!r} is missing from {len(names)} of {len(pieces)} files, such as {names[0]}; it is null there"
        for name, names in lacking.items()
    ]
    return common, notes


def _wider(a: pl.DataType, b: pl.DataType) -> pl.DataType | None:
    """Return the type that holds both, None where there is none that keeps their meaning."""
    if b in (a, pl.Null):
        return a
    if a == pl.Null:
        return b
    if a.is_numeric() and b.is_numeric():
        empty = [pl.Series("x", [], dtype=t).to_frame() for t in (a, b)]
        return pl.concat(empty, how="vertical_relaxed").schema["x"]
    moments = (pl.Date, pl.Datetime)
    if a in moments and b in moments:
        return MOMENT
    texts = (pl.String, pl.Categorical, pl.Enum)
    return pl.String() if a in texts and b in texts else None
