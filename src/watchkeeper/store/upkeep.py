"""Looking after what a store keeps: how large it is, whether it is whole, and what can be made smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, func, select, text

from watchkeeper.store.database import place_of
from watchkeeper.store.delta import Delta
from watchkeeper.store.faults import reported
from watchkeeper.store.tables import METADATA

__all__ = ["Compacted", "TableSize", "Upkeep"]

_LEAST_HOURS = 1
"""Files younger than this may belong to a commit or a reader that is still at work."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """How large a table is.

    Attributes
    ----------
    files
        Data files of a Delta table; None of a table of the database.
    bytes
        None where the database does not tell.
    versions
        Commits of a Delta table.
    """

    name: str
    rows: int
    bytes: int | None
    files: int | None = None
    versions: int | None = None


@dataclass(frozen=True, slots=True)
class Compacted:
    """The files of a Delta table before and after small ones were merged."""

    name: str
    before: int
    after: int


class Upkeep:
    """The Delta tables of one model and the database of all.

    Parameters
    ----------
    tables
        The Delta tables by name.
    """

    def __init__(self, tables: Mapping[str, Delta], engine: Engine) -> None:
        self._tables, self._engine = dict(tables), engine
        self._place = place_of(engine.url)

    def sizes(self) -> list[TableSize]:
        """Return how large the Delta tables are that exist."""
        found = []
        for name, delta in self._tables.items():
            table = delta.table()
            if table is not None:
                files = delta.files()
                rows, size = int(files["num_records"].sum()), int(files["size_bytes"].sum())
                found.append(TableSize(name, rows, size, files.height, table.version() + 1))
        return found

    def compact(self) -> Iterator[Compacted]:
        """Merge small files within their partitions; yield how many files each table had and has.

        It is one commit that changes no row: readers go on with the files they began with, and whoever commits at the
        same time makes it try again.
        """
        for name, delta in self._tables.items():
            if delta.table() is not None:
                before = delta.files().height
                delta.compact()
                yield Compacted(name, before, delta.files().height)

    def vacuum(self, hours: int, *, dry_run: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Remove files that no version of the last hours needs; yield each table with their names.

        Parameters
        ----------
        hours
            At least 1: a reader or writer that takes longer than this would lose its files.
        dry_run
            Whether to name them only.
        """
        for name, delta in self._tables.items():
            if delta.table() is not None:
                yield name, delta.vacuum(max(hours, _LEAST_HOURS), dry_run=dry_run)

    def purge(self) -> int:
        """Remove every file that the newest version does not need; return how many there were.

        Whoever reads an older version meanwhile loses its files.
        """
        return sum(len(delta.vacuum(0, dry_run=False)) for delta in self._tables.values())

    def faults(self) -> Iterator[str]:
        """Yield, in words, what is missing or damaged in the tables and in the database."""
        for name, delta in self._tables.items():
            if delta.table() is not None:
                yield from (f"{name}: {fault}" for fault in delta.faults())
        yield from self._database_faults()

    def database_sizes(self) -> list[TableSize]:
        """Return how large the tables of the database are."""
        with reported(self._place, "read"), self._engine.connect() as connection:
            sizes: dict[str, int] = {}
            if self._engine.dialect.name == "postgresql":
                query = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
                sizes = {name: int(size) for name, size in connection.execute(text(query))}
            elif connection.scalar(text("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')")):
                query = (
                    "SELECT s.tbl_name, SUM(d.pgsize) FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name "
                    "GROUP BY s.tbl_name"
                )
                sizes = {name: int(size) for name, size in connection.execute(text(query))}
            return [
                TableSize(str(table.name), connection.scalar(select(func.count()).select_from(table)) or 0,
                          sizes.get(table.name))
                for table in METADATA.sorted_tables
            ]  # fmt: skip

    def vacuum_database(self) -> None:
        """Give the room of removed rows back; others who write wait until it is done."""
        with reported(self._place, "vacuum"):
            raw = self._engine.execution_options(isolation_level="AUTOCOMMIT").raw_connection()
            try:
                if self._engine.dialect.name == "postgresql":
                    raw.driver_connection.autocommit = True  # type: ignore[union-attr]
                cursor = raw.cursor()
                cursor.execute("VACUUM")
                cursor.close()
            finally:
                raw.close()

    def _database_faults(self) -> Iterator[str]:
        if self._engine.dialect.name == "sqlite":
            with reported(self._place, "check"), self._engine.connect() as connection:
                for (fault,) in connection.execute(text("PRAGMA integrity_check")):
                    if fault != "ok":
                        yield f"database: {fault}"
