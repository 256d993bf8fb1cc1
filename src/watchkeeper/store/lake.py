"""The store for work: Delta tables for the log and the states, a SQL database for everything recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import StoreError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.lease import Lease
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Appended, Changes, Noun, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.leases import check_model
from watchkeeper.store.ledger import Ledger
from watchkeeper.store.pointers import Moves

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import URL

    from watchkeeper.store.erasure import Erased
    from watchkeeper.store.log import StoredLog
    from watchkeeper.store.snapshot import Snapshot
    from watchkeeper.store.states import StateTable
    from watchkeeper.store.upkeep import Upkeep

__all__ = ["LakeStore"]

T = TypeVar("T")

QUARANTINE = "quarantine"
"""The table, and its folder, of rows that may not enter the log."""


class LakeStore:
    """A log in Delta tables and a ledger in SQL; what reads Delta tables is imported once one is asked for.

    Parameters
    ----------
    log_url
        Folder or address in an object store; each model has a folder in it.
    sql_url
        SQLAlchemy URL of the database.
    encode, decode
        Turn a state into bytes and back.
    storage_options
        Storage options of the object store, as deltalake and Polars take them.
    """

    def __init__(
        self,
        log_url: str,
        sql_url: str | URL,
        *,
        encode: Callable[[State], bytes],
        decode: Callable[[bytes], State],
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        self._root = log_url.rstrip("/")
        self._options = dict(storage_options or {})
        self._encode, self._decode = encode, decode
        self._logs: dict[str, StoredLog] = {}
        self._tables: dict[str, StateTable] = {}
        self._ledger = Ledger(sql_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database; Delta tables need no closing."""
        self._ledger.close()

    def append(
        self,
        model: str,
        table: Table,
        rows: pl.DataFrame,
        schema: Schema,
        *,
        source: str = "",
        limits: TimeLimits | None = None,
    ) -> Appended:
        """Append predictions or labels in one atomic commit; a ``source`` named before writes nothing."""
        return self._log(model).append(table, rows, schema, source, limits)

    def read(self, model: str, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels, one row per id, in bounded memory."""
        return self._log(model).read(schema, window)

    def changes(self, model: str, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return which stored windows have new rows or labels since ``cursor``."""
        return self._log(model).changes(schema, windows, cursor)

    def snapshots(self, model: str) -> tuple[Snapshot, Snapshot]:
        """Return the predictions and the labels of a model as they are now."""
        return self._log(model).snapshots()

    def log_version(self, model: str) -> str:
        """Return the versions of the two tables of a log."""
        from watchkeeper.store.snapshot import version_of

        return version_of(*self.snapshots(model))

    def appended(self, model: str, table: Table, source: str) -> bool:
        """Return whether a source was appended before."""
        return self._log(model).appended(table, source)

    def put_states(
        self, model: str, states: Mapping[Window | None, Iterable[State]], *, lease: Lease | None = None
    ) -> None:
        """Replace all states of each stored window given (None: the reference) in one atomic commit."""
        check_model(lease, model)
        if lease is not None:
            self._ledger.check_lease(lease)
        self._states(model).put(states, lease)

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window``, of all or some columns."""
        return self._states(model).get(window, columns)

    def record(
        self, model: str, nouns: Sequence[Noun], pointers: Moves | None = None, *, lease: Lease | None = None
    ) -> None:
        """Write nouns and move pointers in one transaction."""
        self._ledger.record(model, nouns, pointers or {}, lease)

    def models(self) -> list[str]:
        """Return the models that something was done about, whether or not they are watched today."""
        return self._ledger.models()

    def lease(self, model: str, length: timedelta, *, host: str, process: int) -> Lease:
        """Take a model for a worker, by the clock of the database."""
        return self._ledger.lease(model, length, host=host, process=process)

    def renew(self, lease: Lease, length: timedelta) -> Lease:
        """Return the lease with ``length`` to go from now on."""
        return self._ledger.renew(lease, length)

    def release(self, lease: Lease) -> None:
        """Let the next worker have the model at once."""
        self._ledger.release(lease)

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return the recorded nouns of a kind that a query asks for, oldest first."""
        return self._ledger.recorded(model, kind, query or Query())

    def forget(
        self,
        model: str,
        kind: type[Any],
        before: datetime | None = None,
        keep: Collection[Window] = (),
        *,
        lease: Lease | None = None,
    ) -> int:
        """Remove records of a kind that end by a moment, but for those of the windows to keep."""
        check_model(lease, model)
        return self._ledger.forget(model, kind, before, keep, lease)

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""
        return self._ledger.pointer(model, name)

    def quarantined(self, model: str) -> pl.DataFrame:
        """Return the rows in quarantine, each with a key to name it by."""
        from watchkeeper.store.erasure import quarantined

        return quarantined(self._log(model).tables[QUARANTINE])

    def quarantine_size(self, model: str) -> int:
        """Return how many rows are in quarantine."""
        if "://" not in self._root and not Path(self._folder(model), QUARANTINE).is_dir():
            return 0
        files = self._log(model).tables[QUARANTINE].files()
        return int(files["num_records"].sum()) if files.height else 0

    def set_aside(self, model: str) -> pl.DataFrame:
        """Return when predictions in quarantine came, why they are there, and the moment each is filed under."""
        from watchkeeper.store.quarantine import missed

        return missed(self._log(model).tables[QUARANTINE].scan())

    def remove_quarantined(self, model: str, keys: Collection[str]) -> int:
        """Remove rows from quarantine by their keys; return how many there were."""
        from watchkeeper.store.erasure import remove_quarantined

        return remove_quarantined(self._log(model).tables[QUARANTINE], keys)

    def windows_of(self, model: str, schema: Schema, rule: WindowRule, ids: Collection[str]) -> list[Window]:
        """Return the stored windows that predictions with these ids lie in."""
        from watchkeeper.store.erasure import windows_of

        return windows_of(self._log(model).tables["predictions"], schema, rule, ids)

    def rows_of(self, model: str, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
        """Return the newest arrival there is, and the stored windows that rows of a file lie in."""
        from watchkeeper.store.erasure import rows_of

        return rows_of(self._log(model).tables["predictions"].snapshot(), schema, rule, origin)

    def remove_rows(self, model: str, origin: str, until: int) -> int:
        """Remove the predictions of a file that arrived up to ``until``; return how many there were."""
        from watchkeeper.store.erasure import remove_rows

        return remove_rows(self._log(model).tables["predictions"], origin, until)

    def erase(self, model: str, schema: Schema, ids: Collection[str]) -> Erased:
        """Remove the rows with these ids; the files that held them stay until they are vacuumed."""
        from watchkeeper.store.erasure import erase

        return erase(self._log(model).tables, schema, ids)

    def upkeep(self, model: str) -> Upkeep:
        """Return what looks after the tables of a model and the database."""
        from watchkeeper.store.upkeep import Upkeep

        tables = {**self._log(model).tables, "states": self._states(model).table}
        return Upkeep(tables, self._ledger.engine)

    def _log(self, model: str) -> StoredLog:
        from watchkeeper.store.log import StoredLog

        if model not in self._logs:
            self._logs.setdefault(model, StoredLog(self._folder(model), self._options))
        return self._logs[model]

    def _states(self, model: str) -> StateTable:
        from watchkeeper.store.states import StateTable

        if model not in self._tables:
            table = StateTable(f"{self._folder(model)}/states", self._options, self._encode, self._decode)
            self._tables.setdefault(model, table)
        return self._tables[model]

    def _folder(self, model: str) -> str:
        """Return the folder of a model; names that are no safe file names are written with "!" and hex digits."""
        if not model:
            raise StoreError("a model needs a name")
        safe = quote(model, safe="").replace("%", "!")
        if safe.startswith("."):
            safe = "!2E" + safe[1:]
        return f"{self._root}/{safe}"
