"""The log of one model: predictions, late labels and what was refused, each in a Delta table of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import series_named
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Appended, Changes, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.admission import Admitted, admit
from watchkeeper.store.columns import ARRIVAL, DATE, ORIGIN, PLACE, Layout
from watchkeeper.store.delta import Delta
from watchkeeper.store.faults import reported
from watchkeeper.store.quarantine import set_aside
from watchkeeper.store.snapshot import Snapshot, changes_since, read_window

__all__ = ["StoredLog", "appended", "origin_of", "pack"]


class StoredLog:
    """The prediction log of one model.

    Parameters
    ----------
    root
        Folder of the model, or its address in an object store.
    options
        Storage options of the object store.
    """

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        self._root = root
        self._tables = {
            Table.PREDICTIONS: Delta(f"{root}/predictions", options, DATE),
            Table.LABELS: Delta(f"{root}/labels", options),
        }
        self._aside = Delta(f"{root}/quarantine", options)

    @property
    def tables(self) -> dict[str, Delta]:
        """The Delta tables by name."""
        return {**{table.value: delta for table, delta in self._tables.items()}, "quarantine": self._aside}

    def append(
        self, table: Table, rows: pl.DataFrame, schema: Schema, source: str, limits: TimeLimits | None = None
    ) -> Appended:
        """Append rows; those that may not enter go to quarantine first, so that a crash between cannot lose them."""
        target = self._tables[table]
        if source and target.appended(source):
            return Appended(known=True)
        dates = self._tables[Table.PREDICTIONS].snapshot().dates
        admitted = admit(rows, table, schema, limits, dates)
        if admitted.aside.height:
            mark = f"{table.value}:{source}" if source else ""
            aside = set_aside(admitted, table, source, dates)
            self._aside.append(lambda version, _: _numbered(aside, version), source=mark)
        if admitted.rows.height or source:
            written = target.append(
                lambda version, layout: pack(admitted.rows, schema, table, version, layout, origin_of(source)),
                source=source,
            )
            if not written:
                return Appended(known=True)
        return appended(admitted)

    def snapshots(self) -> tuple[Snapshot, Snapshot]:
        """Return the predictions and the labels as they are now."""
        return self._tables[Table.PREDICTIONS].snapshot(), self._tables[Table.LABELS].snapshot()

    def appended(self, table: Table, source: str) -> bool:
        """Return whether a source was appended before."""
        return self._tables[table].appended(source)

    def read(self, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels."""
        predictions, labels = self.snapshots()
        with reported(self._root, "read"):
            yield from read_window(predictions, labels, schema, window)

    def changes(self, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return the stored windows touched since ``cursor``."""
        predictions, labels = self.snapshots()
        with reported(self._root, "read"):
            return changes_since(predictions, labels, schema, windows, cursor)


def origin_of(source: str) -> str:
    """Return the file that a source is a part of; empty for one that is no part of a file."""
    return source.rpartition("#")[0]


def pack(
    rows: pl.DataFrame, schema: Schema, table: Table, version: int, layout: Layout, origin: str = ""
) -> pl.DataFrame:
    """Return admitted rows as they are stored, with the columns of the store itself first.

    Delta keeps statistics of the first columns of a table, and reading prunes files by arrival, time and id.
    """
    roles = [name for role in (Role.TIME, Role.ID) if (name := schema.name_of(role)) in rows.columns and name]
    ordered = rows[[*roles, *(c for c in rows.columns if c not in roles)]]
    packed = _numbered(layout.pack(ordered, schema), version)
    if table is Table.LABELS:
        return packed
    if origin:
        packed = packed.with_columns(pl.lit(origin).alias(ORIGIN))
    return packed.insert_column(0, series_named(rows, schema.name_of(Role.TIME) or "").dt.date().alias(DATE))


def _numbered(rows: pl.DataFrame, version: int) -> pl.DataFrame:
    place = pl.int_range(rows.height, dtype=pl.Int64, eager=True).alias(PLACE)
    arrival = pl.repeat(version, rows.height, dtype=pl.Int64, eager=True).alias(ARRIVAL)
    return pl.DataFrame([arrival, place]).hstack(rows)


def appended(admitted: Admitted) -> Appended:
    """Return what became of rows that were written."""
    a = admitted
    return Appended(a.rows.height, a.doubled, a.refused, a.reason, unusable=a.unusable)
