"""A store that reads another one and writes nothing to it: what a rehearsed run works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Protocol, TypeVar, cast

import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import ConflictError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.lease import Lease
from watchkeeper.core.query import Query
from watchkeeper.core.schema import Schema
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Appended, AuditEvent, Changes, Noun, Replaces, SetsAside, Store, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.admission import admit
from watchkeeper.store.columns import ARRIVAL, DATE, ORIGIN, Layout
from watchkeeper.store.erasure import rows_of
from watchkeeper.store.log import appended, origin_of, pack
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.nouns import identity, kind_named, span_of
from watchkeeper.store.pointers import Moves, check_moves, conflict
from watchkeeper.store.quarantine import missed, set_aside
from watchkeeper.store.snapshot import Bounds, Snapshot, changes_since, read_window, version_of

__all__ = ["Readable", "RehearsalStore"]

T = TypeVar("T")

_BY_TIME = ("measurement", "signal", "memory")


class Readable(Store, SetsAside, Replaces, Protocol):
    """A store that shows its log, so that rows which only seem to be appended can be read together with it."""

    def snapshots(self, model: str) -> tuple[Snapshot, Snapshot]:
        """Return the predictions and the labels of a model as they are now."""

    def log_version(self, model: str) -> str:
        """Return the versions that the two tables of a log would have."""
        return version_of(*self.snapshots(model))

    def appended(self, model: str, table: Table, source: str) -> bool:
        """Return whether a source was appended before."""

    def close(self) -> None:
        """Let go of what is open."""


class RehearsalStore:
    """Shows what another store holds and, over it, what a run would have written; all of that is gone in the end.

    It takes no lease and forgets nothing. Appended rows are held in memory.
    """

    def __init__(self, store: Readable) -> None:
        self._store = store
        self._own = MemoryStore()
        self._rows: dict[tuple[str, Table], list[pl.DataFrame]] = {}
        self._sources: set[tuple[str, Table, str]] = set()
        self._aside: dict[str, list[pl.DataFrame]] = {}
        self._removed: dict[str, list[tuple[str, int]]] = {}
        self._put: set[tuple[str, Window | None]] = set()
        self._pointers: dict[tuple[str, str], str | None] = {}
        self._identities: dict[tuple[str, str], set[str]] = {}

    def close(self) -> None:
        """Close the other store, which is as it was."""
        self._store.close()

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
        """Hold predictions or labels in memory; a ``source`` named before holds nothing."""
        if source and ((model, table, source) in self._sources or self._store.appended(model, table, source)):
            return Appended(known=True)
        admitted = admit(rows, table, schema, limits, self._snapshot(model, Table.PREDICTIONS).dates)
        before = self._snapshot(model, table)
        if admitted.aside.height:
            aside = set_aside(admitted, table, source, self._snapshot(model, Table.PREDICTIONS).dates)
            self._aside.setdefault(model, []).append(aside)
        packed = pack(admitted.rows, schema, table, before.version + 1, before.layout, origin_of(source))
        self._rows.setdefault((model, table), []).append(packed)
        self._sources.add((model, table, source))
        return appended(admitted)

    def read(self, model: str, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels, one row per id."""
        return read_window(*self.snapshots(model), schema, window)

    def changes(self, model: str, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return which stored windows have new rows or labels since ``cursor``."""
        return changes_since(*self.snapshots(model), schema, windows, cursor)

    def snapshots(self, model: str) -> tuple[Snapshot, Snapshot]:
        """Return the predictions and the labels of a model as they would be now."""
        return self._snapshot(model, Table.PREDICTIONS), self._snapshot(model, Table.LABELS)

    def appended(self, model: str, table: Table, source: str) -> bool:
        """Return whether a source was appended, or would have been."""
        return (model, table, source) in self._sources or self._store.appended(model, table, source)

    def rows_of(self, model: str, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
        """Return the newest arrival there is, or would be, and the stored windows that rows of a file lie in."""
        return rows_of(self._snapshot(model, Table.PREDICTIONS), schema, rule, origin)

    def remove_rows(self, model: str, origin: str, until: int) -> int:
        """Leave out the predictions of a file that arrived up to ``until``; return how many there were."""
        before = self._count(model)
        self._removed.setdefault(model, []).append((origin, until))
        return before - self._count(model)

    def _count(self, model: str) -> int:
        scan = self._snapshot(model, Table.PREDICTIONS).scan
        return 0 if scan is None else int(scan({}).select(pl.len()).collect().item())

    def _snapshot(self, model: str, table: Table) -> Snapshot:
        before = self._store.snapshots(model)[table is Table.LABELS]
        held = self._rows.get((model, table), [])
        removed = self._removed.get(model, []) if table is Table.PREDICTIONS else []
        if removed and before.scan:
            before = replace(before, scan=partial(_without, before.scan, removed))
        if not held:
            return before
        rows = pl.concat(held, how="diagonal")
        rows = _without(lambda _: rows.lazy(), removed, {}).collect() if removed else rows
        stored = before.scan({}).collect_schema() if before.scan else {}
        dates = dict(before.dates)
        if DATE in rows.columns:
            for day, count in rows[DATE].value_counts().iter_rows():
                dates[day] = dates.get(day, 0) + count
        return Snapshot(
            before.version + len(held),
            Layout({**stored, **rows.schema}),
            partial(_together, before, rows),
            dict(sorted(dates.items())),
        )

    def put_states(
        self, model: str, states: Mapping[Window | None, Iterable[State]], *, lease: Lease | None = None
    ) -> None:
        """Hold all states of each stored window given (None: the reference) in the place of those before."""
        self._own.put_states(model, states)
        self._put |= {(model, window) for window in states}

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window``, of all or some columns."""
        before = self._store.states(model, window, columns)
        kept = {key: state for key, state in before.items() if (model, key.window if window else None) not in self._put}
        return {**kept, **self._own.states(model, window, columns)}

    def record(
        self, model: str, nouns: Sequence[Noun], pointers: Moves | None = None, *, lease: Lease | None = None
    ) -> None:
        """Hold nouns and move pointers, all or nothing."""
        moves = pointers or {}
        check_moves(moves)
        for name, (old, _) in moves.items():
            held = self.pointer(model, name)
            if held != old:
                raise ConflictError(conflict(model, name, old, held))
        self._own.record(model, nouns)
        for noun in nouns:
            self._identities.setdefault((model, kind_named(type(noun))), set()).add(identity(noun))
        self._pointers |= {(model, name): new for name, (_, new) in moves.items()}

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return the recorded nouns of a kind that a query asks for, oldest first."""
        query, name = query or Query(), kind_named(kind)
        own = self._identities.get((model, name), set())
        if kind is AuditEvent or not own:
            return self._store.recorded(model, kind, query)
        limit = None if query.limit is None else query.limit + len(own)
        before = self._store.recorded(model, kind, replace(query, limit=limit))
        after = self._own.recorded(model, kind, replace(query, limit=None))
        if query.newest_first:
            before, after = before[::-1], after[::-1]
        found = _merged(before, after, own, by_time=name in _BY_TIME)
        return list(islice(reversed(found) if query.newest_first else iter(found), query.limit))

    def quarantine_size(self, model: str) -> int:
        """Return how many rows are in quarantine, or would be."""
        return self._store.quarantine_size(model) + sum(rows.height for rows in self._aside.get(model, []))

    def set_aside(self, model: str) -> pl.DataFrame:
        """Return of each prediction in quarantine, or that would be there, when it came, why, and for which moment."""
        before, own = self._store.set_aside(model), self._aside.get(model, [])
        first = self._store.quarantine_size(model)
        frames = [part.with_columns(pl.lit(first + place, pl.Int64).alias(ARRIVAL)) for place, part in enumerate(own)]
        return pl.concat([before, missed(pl.concat(frames).lazy())], how="diagonal_relaxed") if frames else before

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""
        own = (model, name)
        return self._pointers[own] if own in self._pointers else self._store.pointer(model, name)


def _together(before: Snapshot, rows: pl.DataFrame, bounds: Bounds) -> pl.LazyFrame:
    within = [column_named(name).is_between(pl.lit(low), pl.lit(high)) for name, (low, high) in bounds.items()]
    own = rows.lazy().filter(*within) if within else rows.lazy()
    return pl.concat([before.scan(bounds), own], how="diagonal") if before.scan else own


def _without(
    scan: Callable[[Bounds], pl.LazyFrame], removed: Sequence[tuple[str, int]], bounds: Bounds
) -> pl.LazyFrame:
    """Return rows without those of some files that arrived up to a number."""
    rows = scan(bounds)
    if ORIGIN in rows.collect_schema():
        for origin, until in removed:
            gone = (pl.col(ORIGIN) == origin) & (pl.col(ARRIVAL) <= until)
            rows = rows.filter(gone.fill_null(value=False).not_())
    return rows


def _merged(before: Sequence[T], after: Sequence[T], own: set[str], *, by_time: bool) -> list[T]:
    """Return records of both, oldest first; of those with one identity the newer, in the place of the older."""
    newer = {identity(cast(Noun, noun)): noun for noun in after}
    kept: list[T] = []
    for noun in before:
        same = identity(cast(Noun, noun))
        if same not in own:
            kept.append(noun)
        elif same in newer and not by_time:
            kept.append(newer.pop(same))
    kept += newer.values()
    return sorted(kept, key=_time) if by_time else kept


def _time(noun: Any) -> tuple[float, ...]:
    span = span_of(noun)
    return (0.0,) if span.starts is None or span.ends is None else (1.0, span.starts.timestamp(), span.ends.timestamp())
