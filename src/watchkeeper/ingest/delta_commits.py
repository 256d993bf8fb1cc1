"""Delta tables that grow: at which version one is, and which rows later commits brought."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from watchkeeper.core.columns import columns_named
from watchkeeper.core.errors import STOPS, SourceError, in_short
from watchkeeper.ingest.contents import row_hashes
from watchkeeper.ingest.tables import TableFile, first_line

__all__ = ["Commit", "DeltaVersion", "commits_between", "delta_table", "is_local_delta", "local_version"]

_KIND = "delta"
_CHANGE = "_change_type"
_OWN = (_CHANGE, "_commit_version", "_commit_timestamp")
"""Columns that the feed of changes adds to those of the table."""


@dataclass(frozen=True)
class DeltaVersion:
    """One version of one Delta table.

    Attributes
    ----------
    table
        The table's own identity, which a table that was made anew does not share.
    number
        Of the version.
    """

    table: str
    number: int

    @property
    def mark(self) -> str:
        """How it is remembered."""
        return f"{_KIND}:{self.table}:{self.number}"

    def precedes(self, other: DeltaVersion) -> bool:
        """Return whether the other is a later version of the same table."""
        return self.table == other.table and self.number < other.number

    @classmethod
    def of(cls, mark: str) -> DeltaVersion | None:
        """Read what was remembered; None where it is the mark of another kind of file."""
        kind, _, rest = mark.partition(":")
        table, _, number = rest.rpartition(":")
        return cls(table, int(number)) if kind == _KIND and table and number.isdecimal() else None


@dataclass(frozen=True)
class Commit:
    """What one commit did to the rows of a table.

    Attributes
    ----------
    version
        The version it made.
    rows
        Those it brought, without those it only wrote anew.
    removed
        How many rows it took away or changed.
    """

    version: DeltaVersion
    rows: TableFile
    removed: int


def is_local_delta(path: Path) -> bool:
    """Return whether a folder is a Delta table."""
    return path.is_dir() and (path / "_delta_log").is_dir()


def local_version(path: str) -> DeltaVersion | None:
    """Return the newest version of the Delta table in a folder; None where there is none, or it cannot be read."""
    if "://" in path or not is_local_delta(Path(path)):
        return None
    with suppress(DeltaError, OSError):
        return _version(DeltaTable(path))
    return None


def _version(table: DeltaTable) -> DeltaVersion:
    return DeltaVersion(str(table.metadata().id), table.version())


def delta_table(url: str) -> TableFile:
    """Return the newest version of a Delta table as one piece, which later commits do not change.

    Raises
    ------
    SourceError
        When it is missing, damaged, or has features that cannot be read.
    """
    try:
        table = DeltaTable(url)
        return TableFile(url, pl.scan_delta(table), seeks=True, mark=_version(table).mark)
    except (pl.exceptions.PolarsError, DeltaError, OSError) as error:
        raise SourceError(f"the Delta table {url} cannot be read: {first_line(error)}") from error


def commits_between(url: str, known: DeltaVersion, newest: DeltaVersion) -> Iterator[Commit]:
    """Return what each commit after a known version did, up to the newest, in order.

    Commits that move rows between files and change none, such as those of OPTIMIZE, bring nothing. A commit is held in
    memory.

    Raises
    ------
    SourceError
        When a commit, or a file that it wrote, is gone: removed by vacuum or by the retention of the table's own log.
    """
    table = None
    for number in range(known.number + 1, newest.number + 1):
        try:
            table = table or DeltaTable(url)
            feed = table.load_cdf(starting_version=number, ending_version=number)
            changed = pl.DataFrame(feed.read_all())
        except STOPS:
            raise
        except Exception as error:
            # The feed's reader raises a plain exception where a file is gone.
            raise SourceError(
                f"the commit {number} of the Delta table {url} cannot be read: {in_short(error)}"
            ) from error
        kinds = changed.get_column(_CHANGE)
        rows = changed.select(columns_named([name for name in changed.columns if name not in _OWN]))
        came = rows.filter(kinds.is_in(["insert", "update_postimage"]))
        went = rows.filter(kinds.is_in(["delete", "update_preimage"]))
        brought, removed = _net(came, went)
        yield Commit(DeltaVersion(known.table, number), TableFile(url, brought, brought.height), removed)


def _net(came: pl.DataFrame, went: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the rows that came and did not go in the same commit, and how many only went."""
    if went.is_empty():
        return came, 0
    hashes, gone = row_hashes(came), row_hashes(went)
    values, counts = np.unique(gone, return_counts=True)
    left = dict(zip(values.tolist(), counts.tolist(), strict=True))
    fresh = np.ones(came.height, bool)
    for i, value in enumerate(hashes.tolist()):
        if left.get(value, 0):
            left[value] -= 1
            fresh[i] = False
    return came.filter(pl.Series(fresh, dtype=pl.Boolean)), sum(left.values())
