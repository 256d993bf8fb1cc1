"""One Delta table: atomic appends that know the number of their commit, and atomic replacement of a part."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from watchkeeper.core.errors import StoreError
from watchkeeper.store.columns import DATE, Layout
from watchkeeper.store.faults import reported
from watchkeeper.store.snapshot import Snapshot

__all__ = ["Delta"]

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
        self._partition = [partition] if partition else None

    def table(self) -> DeltaTable | None:
        """Return the table as it is now; None before the first commit."""
        with reported(self.uri, "read"):
            if not DeltaTable.is_deltatable(self.uri, self._options):
                return None
            return DeltaTable(self.uri, storage_options=self._options)

    def scan(self, table: DeltaTable) -> pl.LazyFrame:
        """Return the rows of the table as it was when it was opened."""
        with reported(self.uri, "read"):
            return pl.scan_delta(table, storage_options=self._options or None)

    def snapshot(self) -> Snapshot:
        """Return the table as it is now."""
        table = self.table()
        if table is None:
            return Snapshot()
        with reported(self.uri, "read"):
            rows = self.scan(table)
            dates: list[date] = []
            if self._partition == [DATE]:
                dates = sorted({date.fromisoformat(str(part[DATE])) for part in table.partitions()})
            return Snapshot(table.version(), Layout(rows.collect_schema()), rows, tuple(dates))

    def appended(self, source: str) -> bool:
        """Return whether a source was appended before."""
        table = self.table()
        with reported(self.uri, "read"):
            return table is not None and table.transaction_version(source) is not None

    def append(self, make: Callable[[int, Layout], pl.DataFrame], *, source: str = "") -> bool:
        """Append rows in one commit; return False, with nothing written, when the source was appended before.

        ``make`` gets the number of the commit and the layout of the table. When somebody else commits first it is asked
        again, so that the numbers it writes are those of its own commit.
        """

        def attempt(table: DeltaTable | None) -> bool:
            if table is not None and source and table.transaction_version(source) is not None:
                return False
            version = 0 if table is None else table.version() + 1
            rows = make(version, Layout(None if table is None else self.scan(table).collect_schema()))
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

    def replace(self, rows: pl.DataFrame, predicate: str) -> None:
        """Replace the rows that meet ``predicate`` in one commit."""

        def attempt(table: DeltaTable | None) -> bool:
            if table is not None:
                write_deltalake(table, rows, mode="overwrite", predicate=predicate, writer_properties=_COMPRESSION)
            elif not rows.is_empty():
                self._create(rows, CommitProperties(max_commit_retries=0))
            return True

        self._until_committed(attempt)

    def _create(self, rows: pl.DataFrame, properties: CommitProperties) -> None:
        write_deltalake(
            self.uri, rows, mode="error", partition_by=self._partition,
            storage_options=self._options or None, writer_properties=_COMPRESSION, commit_properties=properties,
        )  # fmt: skip

    def _until_committed(self, attempt: Callable[[DeltaTable | None], bool]) -> bool:
        """Try again on the newest version for as long as others commit first."""
        for number in range(_ATTEMPTS):
            table = self.table()
            with reported(self.uri, "write to"):
                try:
                    return attempt(table)
                except DeltaError:
                    now = self.table()
                    if now is None or (table is not None and now.version() == table.version()):
                        raise
            time.sleep(min(0.005 * 2**number, 0.1))
        raise StoreError(f"cannot write to {self.uri}: others committed first {_ATTEMPTS} times in a row; run again")
