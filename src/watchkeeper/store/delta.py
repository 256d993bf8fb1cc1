"""One Delta table: atomic appends that know the number of their commit, and atomic replacement of a part."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import StoreError
from watchkeeper.store.columns import DATE, UTC_TIME, Layout
from watchkeeper.store.durable import begin, leave_out_torn, settle_all, settle_since
from watchkeeper.store.faults import reported
from watchkeeper.store.snapshot import BATCH_ROWS, Bounds, Snapshot

__all__ = ["Delta"]

_TYPES: Mapping[str, pl.DataType] = {
    "long": pl.Int64(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "string": pl.String(),
    "date": pl.Date(),
    "timestamp": UTC_TIME,
    "timestamp_ntz": pl.Datetime("us"),
    "binary": pl.Binary(),
}
"""The types a Watchkeeper table has; a column of another type is somebody else's and is left alone."""

_ATTEMPTS = 60
_COMPRESSION = WriterProperties(compression="ZSTD")


class Delta:
    """A Delta table in a folder or an object store; it comes into being with the first commit.

    Parameters
    ----------
    uri
        Folder, or address in an object store.
    options
        Storage options of the object store, as both deltalake and Polars take them.
    partition
        The column whose values split the files.
    """

    def __init__(self, uri: str, options: Mapping[str, str], partition: str | None = None) -> None:
        self.uri = uri
        self._options = dict(options)
        self._partition = partition
        self._lock = threading.RLock()
        self._handle: DeltaTable | None = None
        self._local = None if "://" in uri else Path(uri)
        self._settled = False

    def table(self) -> DeltaTable | None:
        """Return the table as it is now; None before the first commit.

        The handle is kept, since opening replays the whole log.
        """
        with self._lock, reported(self.uri, "read"):
            if self._handle is None:
                if self._local is not None:
                    leave_out_torn(self._local)
                if DeltaTable.is_deltatable(self.uri, self._options):
                    self._handle = DeltaTable(self.uri, storage_options=self._options)
            else:
                self._handle.update_incremental()
            return self._handle

    def scan(self, bounds: Bounds | None = None) -> pl.LazyFrame | None:
        """Return the rows as they are now, without the files that hold nothing within ``bounds``."""
        with self._lock:
            table = self.table()
            if table is None:
                return None
            with reported(self.uri, "read"):
                return self._scan(_files(table, self.uri), _types(table), bounds or {})

    def snapshot(self) -> Snapshot:
        """Return the table as it is now; what is committed later does not show in it."""
        with self._lock:
            table = self.table()
            if table is None:
                return Snapshot()
            with reported(self.uri, "read"):
                files, types = _files(table, self.uri), _types(table)
                dates = _dates(files) if self._partition == DATE else {}
                return Snapshot(table.version(), Layout(types), lambda bounds: self._scan(files, types, bounds), dates)

    def _scan(self, files: pl.DataFrame, types: Mapping[str, pl.DataType], bounds: Bounds) -> pl.LazyFrame:
        """Scan the files themselves: Polars' own reader of Delta tables takes '=' and blanks in a path amiss."""
        stored = {name: dtype for name, dtype in types.items() if name != self._partition}
        paths = [self._file(path) for path in files.filter(_within(files.columns, bounds))["path"]]
        if not paths:
            return pl.LazyFrame(schema=stored)
        return pl.scan_parquet(
            paths, schema=stored, hive_partitioning=False, missing_columns="insert", extra_columns="ignore",
            glob=False, storage_options=self._options or None,
        )  # fmt: skip

    def _file(self, path: str) -> str:
        return path if "://" in path or path.startswith("/") else f"{self.uri}/{path}"

    def appended(self, source: str) -> bool:
        """Return whether a source was appended before."""
        table = self.table()
        with self._lock, reported(self.uri, "read"):
            known = table is not None and table.transaction_version(source) is not None
            if known and self._local is not None and not self._settled:
                # Whoever committed it may have died before it was on the disk; the source is let go of now.
                settle_all(self._local)
                self._settled = True
            return known

    def append(self, make: Callable[[int, Layout], pl.DataFrame], *, source: str = "") -> bool:
        """Append rows in one commit; return False, with nothing written, when the source was appended before.

        ``make`` gets the number of the commit and the layout of the table. When somebody else commits first it is asked
        again, so that the numbers it writes are those of its own commit.
        """

        def attempt(table: DeltaTable | None) -> bool:
            if table is not None and source and table.transaction_version(source) is not None:
                return False
            version = 0 if table is None else table.version() + 1
            rows = make(version, Layout(None if table is None else _types(table)))
            marks = [Transaction(source, 1)] if source else None
            once = CommitProperties(max_commit_retries=0, app_transactions=marks)
            if table is None:
                self._create(rows, once)
            else:
                write_deltalake(
                    table, rows, mode="append", schema_mode="merge",
                    writer_properties=_COMPRESSION, commit_properties=once,
                )  # fmt: skip
            return True

        return self._until_committed(attempt)

    def replace(self, rows: pl.DataFrame, predicate: str, *, fence: tuple[str, int] | None = None) -> bool:
        """Replace the rows that meet ``predicate`` in one commit.

        Parameters
        ----------
        fence
            A name and a number: after a commit with a higher number of that name nothing is written, and the answer is
            False.
        """

        def attempt(table: DeltaTable | None) -> bool:
            last = table.transaction_version(fence[0]) if table is not None and fence else None
            if fence and last is not None and last > fence[1]:
                return False
            # Delta itself would commit again after others without asking for the fence.
            retries, marks = (0, [Transaction(*fence)]) if fence else (None, None)
            properties = CommitProperties(max_commit_retries=retries, app_transactions=marks)
            if table is not None:
                write_deltalake(
                    table, rows, mode="overwrite", predicate=predicate,
                    writer_properties=_COMPRESSION, commit_properties=properties,
                )  # fmt: skip
            elif not rows.is_empty():
                self._create(rows, CommitProperties(max_commit_retries=0, app_transactions=marks))
            return True

        return self._until_committed(attempt)

    def delete(self, predicate: str) -> int:
        """Remove the rows that meet a condition in SQL, in one commit; return how many."""
        removed = 0

        def attempt(table: DeltaTable | None) -> bool:
            nonlocal removed
            if table is not None:
                once = CommitProperties(max_commit_retries=0)
                done = table.delete(predicate, writer_properties=_COMPRESSION, commit_properties=once)
                removed = int(done["num_deleted_rows"] or 0)
            return True

        self._until_committed(attempt)
        return removed

    def columns(self) -> set[str]:
        """Return the names of the stored columns; none before the first commit."""
        with self._lock, reported(self.uri, "read"):
            table = self.table()
            return set() if table is None else set(_types(table))

    def files(self) -> pl.DataFrame:
        """Return the data files of the newest version with their statistics; none before the first commit."""
        with self._lock, reported(self.uri, "read"):
            table = self.table()
            return pl.DataFrame({"path": []}) if table is None else _files(table, self.uri)

    def compact(self) -> None:
        """Merge small files of one partition in a commit that changes no row, and mark a point to open the table at."""

        def attempt(table: DeltaTable | None) -> bool:
            if table is not None:
                table.optimize.compact(writer_properties=_COMPRESSION)
                table.create_checkpoint()
            return True

        self._until_committed(attempt)

    def vacuum(self, hours: int, *, dry_run: bool) -> tuple[str, ...]:
        """Remove the files that no version of the last hours needs, or only name them."""
        gone: dict[str, None] = {}

        def attempt(table: DeltaTable | None) -> bool:
            if table is not None:
                # Who commits at the same time makes the removal fail after the files have gone: they are named before.
                gone.update(dict.fromkeys(table.vacuum(hours, dry_run=True, enforce_retention_duration=False)))
                if not dry_run:
                    table.vacuum(hours, dry_run=False, enforce_retention_duration=False)
            return True

        if dry_run:
            with self._lock, reported(self.uri, "vacuum"):
                attempt(self.table())
        else:
            self._until_committed(attempt)
        return tuple(gone)

    def faults(self) -> Iterator[str]:
        """Yield, in words, which data files are missing or cannot be read."""
        files = self.files()
        for path, rows in files.select("path", "num_records").iter_rows():
            fault = _fault(self._file(path), rows, self._options)
            if fault:
                yield f"{path}: {fault}"

    def _create(self, rows: pl.DataFrame, properties: CommitProperties) -> None:
        if self._local is not None:
            begin(self._local)
        write_deltalake(
            self.uri, rows, mode="error", partition_by=[self._partition] if self._partition else None,
            storage_options=self._options or None, writer_properties=_COMPRESSION, commit_properties=properties,
        )  # fmt: skip

    def _until_committed(self, attempt: Callable[[DeltaTable | None], bool]) -> bool:
        """Try again on the newest version for as long as others commit first."""
        for number in range(_ATTEMPTS):
            with self._lock, reported(self.uri, "write to"):
                table = self.table()
                before = -1 if table is None else table.version()
                try:
                    done = attempt(table)
                except DeltaError:
                    now = self.table()
                    if now is None or now.version() == before:
                        raise
                else:
                    if self._local is not None:
                        settle_since(self._local, before)
                    return done
            time.sleep(min(0.005 * 2**number, 0.1))
        raise StoreError(f"cannot write to {self.uri}: others committed first {_ATTEMPTS} times in a row; run again")


def _types(table: DeltaTable) -> dict[str, pl.DataType]:
    found = {field.name: _TYPES.get(str(getattr(field.type, "type", ""))) for field in table.schema().fields}
    return {name: dtype for name, dtype in found.items() if dtype is not None}


def _files(table: DeltaTable, uri: str) -> pl.DataFrame:
    """Return the files of the table with their statistics, in the order of their names."""
    if "deletionVectors" in (table.protocol().reader_features or []):
        raise StoreError(
            f"cannot read {uri}: another program has switched deletion vectors on, under which deleted rows would come "
            f"back; rewrite the table without them (delta.enableDeletionVectors = false, then REORG ... APPLY (PURGE))"
        )
    return pl.DataFrame(table.get_add_actions(flatten=True)).sort("path")


def _within(columns: list[str], bounds: Bounds) -> pl.Expr:
    """Keep the files that may hold rows within the bounds; without statistics a file may hold any."""
    kept = pl.lit(True)
    for name, (low, high) in bounds.items():
        if f"partition.{name}" in columns:
            kept &= column_named(f"partition.{name}").is_between(pl.lit(low), pl.lit(high))
        elif f"min.{name}" in columns and not isinstance(low, str):
            # Statistics of long texts are cut off, so they do not bound what the file holds.
            kept &= ((column_named(f"max.{name}") >= low) & (column_named(f"min.{name}") <= high)).fill_null(True)
    return kept


def _dates(files: pl.DataFrame) -> dict[date, int]:
    """Return the rows of each date; a file that does not say how many it has counts as large."""
    if files.is_empty():
        return {}
    day, rows = column_named(f"partition.{DATE}").alias("day"), pl.col("num_records").fill_null(BATCH_ROWS + 1)
    return dict(files.select(day, rows.alias("rows")).group_by("day").sum().sort("day").iter_rows())


def _fault(path: str, rows: int | None, options: Mapping[str, str]) -> str:
    """Return, in words, what is wrong with a data file; empty where it can be read and has its rows."""
    try:
        counted = pl.scan_parquet(path, storage_options=dict(options) or None, glob=False).select(pl.len()).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        said = str(error).strip().splitlines()
        return said[0] if said else type(error).__name__
    held = counted.item()
    return f"it holds {held} rows and not {rows}" if rows is not None and held != rows else ""
