"""One CSV file: how it is written, how it is read, and where it is at fault."""

from __future__ import annotations

import csv
import io
import os
import tempfile
import weakref
import zlib
from functools import cached_property
from pathlib import Path
from typing import TextIO

import polars as pl

from watchkeeper.core.columns import column_named, doubled_name
from watchkeeper.core.errors import SourceError
from watchkeeper.ingest.compressed import DAMAGED
from watchkeeper.ingest.csv_encoding import Encoding, encoding_of, plain_copy
from watchkeeper.ingest.csv_frame import CsvFrame, frame_of, names_again, write_table
from watchkeeper.ingest.csv_shape import CsvShape, shape_of

__all__ = ["CsvFile"]

_LONGEST_VALUE = 1 << 28
_UNREADABLE = (*DAMAGED, UnicodeDecodeError, OSError, zlib.error, csv.Error, ValueError)

csv.field_size_limit(_LONGEST_VALUE)


class CsvFile:
    """A CSV file, plain or compressed by gzip or zstd, whose first line names the columns.

    It may be written in UTF-8, UTF-16 or what Windows writes in the west. What separates values is told by CleverCSV
    from the first lines. All values are read as text, and what they mean is for all of them together to tell.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def encoding(self) -> Encoding:
        """How its bytes are to be read."""
        try:
            return encoding_of(self.path)
        except _UNREADABLE as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error

    @cached_property
    def _body(self) -> Path:
        """The table alone in UTF-8, from the line on that names the columns."""
        if self.frame.plain:
            return self._text
        handle, name = tempfile.mkstemp(prefix="watchkeeper-", suffix=".csv")
        weakref.finalize(self, Path(name).unlink, missing_ok=True)
        with os.fdopen(handle, "wb") as target:
            write_table(self._text, self.frame, target)
        return Path(name)

    @cached_property
    def frame(self) -> CsvFrame:
        """Where in the file the table is."""
        try:
            return frame_of(self._text)
        except _UNREADABLE as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error

    @cached_property
    def _text(self) -> Path:
        """The file in UTF-8: itself where it is that already."""
        if self.encoding.plain:
            return self.path
        try:
            return plain_copy(self.path, self.encoding, self)
        except _UNREADABLE as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error

    @cached_property
    def _tidy(self) -> Path:
        """The file with every value in quotes that has one: Polars takes a quote within a value for the end of one."""
        handle, name = tempfile.mkstemp(prefix="watchkeeper-", suffix=".csv")
        weakref.finalize(self, Path(name).unlink, missing_ok=True)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as target, self._open() as stream:
            writer = csv.writer(target, delimiter=self.separator, lineterminator="\n")
            writer.writerows(row for row in csv.reader(stream, delimiter=self.separator) if row)
        return Path(name)

    @property
    def separator(self) -> str:
        """The character between two values."""
        return self.frame.separator

    @cached_property
    def header(self) -> list[str]:
        """The column names.

        Raises
        ------
        SourceError
            When the first line cannot be read or names a column twice.
        """
        try:
            with self._open() as stream:
                names = next(csv.reader(stream, delimiter=self.separator), [])
        except _UNREADABLE as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error
        twice = doubled_name(names)
        if twice is not None:
            raise SourceError(f"{self.path} has the column {twice!r} twice; rename one")
        return names

    @cached_property
    def shape(self) -> CsvShape:
        """How many values its lines have."""
        found = shape_of(self._body, self.separator, len(self.header))
        amiss = found.open_quote or found.short or found.long or found.stray_quotes
        return self._by_records(found) if amiss else found

    @cached_property
    def _again(self) -> tuple[int, int]:
        """How many lines name the columns again, as where files were put one after the other, and the first of them."""
        return names_again(self._body)

    def has_rows(self) -> bool:
        """Return whether anything follows the line that names the columns."""
        with self._open() as stream:
            stream.readline()
            return any(line.strip() for line in stream)

    def scan(self) -> pl.LazyFrame:
        """Return the plan that reads the file, each column as text.

        Raises
        ------
        SourceError
            When a line has more values than there are columns, or a quote is opened and never closed; names the line.
        """
        names = self.header
        if not names or not any(name.strip() for name in names):
            raise SourceError(f"{self.path} has no line that names the columns")
        shape = self.shape
        if shape.open_quote:
            raise SourceError(
                f"{self.path} cannot be read as CSV: line {self.frame.line(shape.open_quote)} opens a quote that is "
                "never closed; the file may be truncated: write it again, or repair that line"
            )
        if shape.long:
            raise SourceError(f"{self.path} cannot be read as CSV: {self._long_line(shape.long_line)}")
        plan = pl.scan_csv(
            self._tidy if shape.stray_quotes else self._body,
            separator=self.separator,
            infer_schema=False,
            glob=False,
            with_column_names=lambda _: names,
        )
        if shape.blank and len(names) > 1:
            # Polars makes a row of nulls of a blank line.
            plan = plan.filter(~pl.all_horizontal(pl.all().is_null()))
        if self._again[0]:
            named = [column_named(name).eq_missing(pl.lit(name)) for name in names]
            plan = plan.filter(~pl.all_horizontal(named))
        return plan

    def notes(self) -> list[str]:
        """Return what is odd about how the file is written, in words that name it."""
        encoding, shape, found = self.encoding, self.shape, list[str]()
        if encoding.name not in ("utf-8", "utf-8-sig"):
            told = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}.get(encoding.name, encoding.name.upper()[:6])
            found.append(f"{self.path} is not UTF-8; it was read as {told}")
        if encoding.damaged:
            found.append(
                f"{self.path} has {encoding.damaged:,} places that are no UTF-8, the first in line "
                f"{encoding.damaged_line}; they were read as \ufffd"
            )
        if shape.cut:
            line = self.frame.line(shape.short_line)
            found.append(f"{self.path} ends in the middle of its last line ({line}): it may be truncated")
        elif shape.short:
            lines = "line has" if shape.short == 1 else "lines have"
            found.append(
                f"{self.path}: {shape.short:,} {lines} fewer values than there are columns, the first is line "
                f"{self.frame.line(shape.short_line)}; what lacks is null"
            )
        count, first = self._again
        if count:
            lines = "names" if count == 1 else f"and {count - 1} more name"
            left = "it was" if count == 1 else "they were"
            found.append(f"{self.path}: line {self.frame.line(first)} {lines} the columns again; {left} left out")
        return [*found, *self.frame.notes(self.path)]

    def fault(self, message: str) -> str:
        """Return in words where the file is at fault, and what to do about it."""
        return message.strip().split("\n", 1)[0]

    def _long_line(self, line: int) -> str:
        with self._open() as stream:
            reader, before = csv.reader(stream, delimiter=self.separator), 0
            count = 0
            for row in reader:
                if before + 1 >= line and len(row) > len(self.header):
                    count = len(row)
                    break
                before = reader.line_num
        return (
            f"line {self.frame.line(line)} has {count} values, line {self.frame.before + 1} names {len(self.header)} "
            "columns; quote values that contain the separator, or repair that line"
        )

    def _by_records(self, counted: CsvShape) -> CsvShape:
        """Return the shape by reading every record, where counting signs has found something amiss."""
        width, before = len(self.header), 0
        short = long = short_line = long_line = blank = 0
        last_short = False
        with self._open() as stream:
            reader = csv.reader(stream, delimiter=self.separator, strict=True)
            try:
                for row in reader:
                    line, before = before + 1, reader.line_num
                    blank += not row
                    last_short = bool(row) and len(row) < width
                    if last_short:
                        short, short_line = short + 1, short_line or line
                    elif len(row) > width:
                        long, long_line = long + 1, long_line or line
            except csv.Error:
                line = counted.open_quote or before + 1
                return CsvShape(counted.records, short, short_line, long, long_line, blank, line)
        cut = last_short and not self._ends_in_feed()
        stray = counted.open_quote > 0 or counted.stray_quotes
        return CsvShape(counted.records, short, short_line, long, long_line, blank, 0, cut, stray)

    def _ends_in_feed(self) -> bool:
        with self._body.open("rb") as stream:
            stream.seek(0, io.SEEK_END)
            size = stream.tell()
            stream.seek(max(0, size - 1))
            return stream.read(1) == b"\n"

    def _open(self) -> TextIO:
        return self._body.open(encoding="utf-8-sig", errors="replace", newline="")


def _why(error: BaseException) -> str:
    """Return what went wrong and what to do about it."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is no {error.encoding.upper()} text, as its first bytes say, or is truncated; save it as UTF-8"
    if isinstance(error, csv.Error):
        return f"{error}; repair or delete that line"
    if isinstance(error, (*DAMAGED, zlib.error)):
        return "it ends too early; it may be truncated or still being written"
    return str(getattr(error, "strerror", None) or error)
