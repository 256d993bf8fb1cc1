"""One CSV file: how it is written, how it is read, and where it is at fault."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TextIO

import polars as pl

from watchkeeper.core.columns import doubled_name
from watchkeeper.core.errors import SourceError

__all__ = ["CsvFile"]

_SEPARATORS = ",;\t|"
_INFERRED_ROWS = 10_000
_FIRST_ROWS = 200
_FRACTION = re.compile(r"[-+]?\d+([.,])\d+")
_MISSING = "NA"


class CsvFile:
    """A CSV file, plain or compressed by gzip, whose first line names the columns.

    The separator is the commonest of comma, semicolon, tab and bar in the first line; where it is no comma, commas may
    mark decimals. In columns of numbers and times ``NA`` is a null; in columns of text it is a text, because it may
    well mean Namibia.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

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
        except (UnicodeDecodeError, OSError, EOFError, zlib.error, csv.Error) as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error
        twice = doubled_name(names)
        if twice is not None:
            raise SourceError(f"{self.path} has the column {twice!r} twice; rename one")
        return names

    @cached_property
    def separator(self) -> str:
        """The character between two values."""
        try:
            with self._open() as stream:
                line = stream.readline()
        except (UnicodeDecodeError, OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self.path} cannot be read as CSV: {_why(error)}") from error
        return max(_SEPARATORS, key=line.count)

    @cached_property
    def decimal_comma(self) -> bool:
        """Whether numbers are written as in 1,5: where no comma separates values, and none of the first has a point."""
        if self.separator == ",":
            return False
        try:
            with self._open() as stream:
                rows = list(islice(csv.reader(stream, delimiter=self.separator), _FIRST_ROWS))
        except (UnicodeDecodeError, OSError, EOFError, zlib.error, csv.Error):
            return False
        signs = {found[1] for row in rows for text in row if (found := _FRACTION.fullmatch(text.strip()))}
        return signs == {","}

    def has_rows(self) -> bool:
        """Return whether anything follows the line that names the columns."""
        try:
            with self._open() as stream:
                stream.readline()
                return any(line.strip() for line in stream)
        except (UnicodeDecodeError, OSError, EOFError, zlib.error):
            # There is something; reading it says what is wrong with it.
            return True

    def scan(self) -> pl.LazyFrame:
        """Return the plan that reads the file, with the type of each column fixed."""
        if not self.header:
            raise SourceError(f"{self.path} has no line that names the columns")
        inferred = self._scan(null_values=[_MISSING]).collect_schema()
        typed = {name: _MISSING for name, dtype in inferred.items() if dtype != pl.String}
        return self._scan(null_values=typed, schema_overrides=dict(inferred))

    def fault(self, message: str) -> str:
        """Return in words where the file is at fault, and what to do about it."""
        try:
            found = self._first_fault()
        except (UnicodeDecodeError, OSError, EOFError, zlib.error, csv.Error) as error:
            return _why(error)
        return found or message.strip().split("\n", 1)[0]

    def _scan(
        self, *, null_values: list[str] | dict[str, str], schema_overrides: dict[str, pl.DataType] | None = None
    ) -> pl.LazyFrame:
        return pl.scan_csv(
            self.path,
            separator=self.separator,
            decimal_comma=self.decimal_comma,
            null_values=null_values,
            schema_overrides=schema_overrides,
            infer_schema_length=_INFERRED_ROWS,
            try_parse_dates=True,
            glob=False,
        )

    def _first_fault(self) -> str:
        schema = list(self._scan(null_values=[_MISSING]).collect_schema().values())
        with self._open() as stream:
            reader = csv.reader(stream, delimiter=self.separator, strict=True)
            next(reader)
            for row in reader:
                if len(row) > len(self.header):
                    return (
                        f"line {reader.line_num} has {len(row)} values, the first line names {len(self.header)} "
                        "columns; quote values that contain the separator, or repair that line"
                    )
                for name, dtype, text in zip(self.header, schema, row, strict=False):
                    expected = _expected(dtype, text.replace(",", ".") if self.decimal_comma else text)
                    if expected:
                        return (
                            f"line {reader.line_num} holds {text!r} in column {name!r}, where {expected} stood before; "
                            "repair that line, or convert the file to Parquet with types of your choice"
                        )
        return ""

    @contextmanager
    def _open(self) -> Iterator[TextIO]:
        if self.path.name.lower().endswith(".gz"):
            with gzip.open(self.path, "rt", encoding="utf-8-sig", newline="") as stream:
                yield stream
        else:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                yield stream


def _why(error: Exception) -> str:
    """Return what went wrong and what to do about it."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text; save it as UTF-8"
    if isinstance(error, csv.Error):
        return f"{error}; repair or delete that line"
    if isinstance(error, gzip.BadGzipFile):
        return "it is not compressed by gzip, as its name says; rename it"
    if isinstance(error, EOFError | zlib.error):
        return "it ends too early; it may be truncated or still being written"
    return str(getattr(error, "strerror", None) or error)


def _expected(dtype: pl.DataType, text: str) -> str:
    """Return what ``text`` should have been for its column; empty when it fits."""
    if text in ("", _MISSING) or not dtype.is_numeric():
        return ""
    kind = int if dtype.is_integer() else float
    try:
        kind(text)
    except ValueError:
        return "whole numbers" if kind is int else "numbers"
    return ""
