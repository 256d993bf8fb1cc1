"""A store that lives as long as the process: for notebooks, trials and tests."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import polars as pl

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import column_named
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.errors import ConflictError, LeasedError, LeaseLostError
from watchkeeper.core.intake import TimeLimits
from watchkeeper.core.lease import Lease
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.provenance import Tenure
from watchkeeper.core.query import Query
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.schema import Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import Appended, AuditEvent, Changes, Noun, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.admission import admit
from watchkeeper.store.audit import HEAD, next_event
from watchkeeper.store.columns import ARRIVAL, DATE, ORIGIN, Layout
from watchkeeper.store.erasure import rows_of
from watchkeeper.store.forgetting import check_forgettable
from watchkeeper.store.leases import check_model, lost, taken
from watchkeeper.store.log import appended, origin_of, pack
from watchkeeper.store.nouns import from_json, identity, kind_named, span_of, to_json
from watchkeeper.store.pointers import CHANGES, Moves, check_moves, conflict
from watchkeeper.store.quarantine import missed, set_aside
from watchkeeper.store.queries import conditions
from watchkeeper.store.snapshot import Bounds, Snapshot, changes_since, read_window, version_of
from watchkeeper.store.states import check_windows
from watchkeeper.store.tables import searched
from watchkeeper.store.tenures import deed_time, role_moves

__all__ = ["MemoryStore"]

T = TypeVar("T")


class _Pile:
    """One append-only table."""

    def __init__(self) -> None:
        self.frames: list[pl.DataFrame] = []
        self.sources: set[str] = set()
        self.layout = Layout()

    def snapshot(self) -> Snapshot:
        if not self.frames:
            return Snapshot()
        rows = pl.concat(self.frames, how="diagonal")
        dates = dict(rows[DATE].value_counts().sort(DATE).iter_rows()) if DATE in rows.columns else {}
        return Snapshot(len(self.frames) - 1, Layout(rows.schema), partial(_scan, rows), dates)


def _scan(rows: pl.DataFrame, bounds: Bounds) -> pl.LazyFrame:
    within = [column_named(name).is_between(pl.lit(low), pl.lit(high)) for name, (low, high) in bounds.items()]
    return rows.lazy().filter(*within) if within else rows.lazy()


class MemoryStore:
    """The prediction log and everything derived from it, in memory; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._piles: dict[tuple[str, Table], _Pile] = {}
        self._aside: dict[str, list[pl.DataFrame]] = {}
        self._states: dict[tuple[str, Window | None], list[State]] = {}
        self._nouns: dict[tuple[str, str], dict[str, str]] = {}
        self._audit: dict[str, list[AuditEvent]] = {}
        self._series: dict[str, dict[tuple[str, ...], int]] = {}
        self._changes: dict[tuple[str, str], int] = {}
        self._pointers: dict[tuple[str, str], str] = {}
        self._tenures: dict[str, list[Tenure]] = {}
        self._leases: dict[str, Lease] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

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
        """Append predictions or labels; a ``source`` named before writes nothing."""
        with self._lock:
            pile = self._pile(model, table)
            if source and source in pile.sources:
                return Appended(known=True)
            dates = self._pile(model, Table.PREDICTIONS).snapshot().dates
            admitted = admit(rows, table, schema, limits, dates)
            if admitted.aside.height:
                aside = set_aside(admitted, table, source, dates)
                self._aside.setdefault(model, []).append(aside)
            if admitted.rows.height or source:
                origin = origin_of(source)
                pile.frames.append(pack(admitted.rows, schema, table, len(pile.frames), pile.layout, origin))
                pile.sources.add(source)
            return appended(admitted)

    def read(self, model: str, schema: Schema, window: Window) -> Iterator[Batch]:
        """Return the predictions of a window with their newest labels, one row per id."""
        return read_window(*self.snapshots(model), schema, window)

    def changes(self, model: str, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
        """Return which stored windows have new rows or labels since ``cursor``."""
        return changes_since(*self.snapshots(model), schema, windows, cursor)

    def snapshots(self, model: str) -> tuple[Snapshot, Snapshot]:
        """Return the predictions and the labels of a model as they are now."""
        with self._lock:
            return self._pile(model, Table.PREDICTIONS).snapshot(), self._pile(model, Table.LABELS).snapshot()

    def appended(self, model: str, table: Table, source: str) -> bool:
        """Return whether a source was appended before."""
        with self._lock:
            return source in self._pile(model, table).sources

    def put_states(
        self, model: str, states: Mapping[Window | None, Iterable[State]], *, lease: Lease | None = None
    ) -> None:
        """Replace all states of each stored window given (None: the reference)."""
        kept = {(model, window): check_windows(window, found) for window, found in states.items()}
        with self._lock:
            self._check_lease(lease, model)
            self._states.update(kept)

    def states(self, model: str, window: Window | None, columns: Sequence[str] = ()) -> dict[StateKey, State]:
        """Return the states whose window lies in ``window``, of all or some columns."""
        with self._lock:
            places = [place for place in self._states if place[0] == model and _lies_in(place[1], window)]
            found = [state for place in places for state in self._states[place]]
        return {state.key: state for state in found if not columns or state.key.column in columns}

    def record(
        self, model: str, nouns: Sequence[Noun], pointers: Moves | None = None, *, lease: Lease | None = None
    ) -> None:
        """Write nouns and move pointers, all or nothing."""
        moves = pointers or {}
        check_moves(moves)
        rows = [(kind_named(type(noun)), noun, identity(noun), to_json(noun)) for noun in nouns]
        for _, noun, _, body in rows:
            from_json(body, type(noun))
        with self._lock:
            self._check_lease(lease, model)
            for name, (old, _) in moves.items():
                held = self.pointer(model, name)
                if held != old:
                    raise ConflictError(conflict(model, name, old, held))
            for name, (_, new) in moves.items():
                self._move(model, name, new)
            since = deed_time(nouns) or datetime.now(UTC)
            served = [Tenure(role, version, since) for role, version in role_moves(moves).items()]
            self._tenures.setdefault(model, []).extend(served)
            altered: list[str] = []
            for kind, noun, same, body in rows:
                kept = self._nouns.setdefault((model, kind), {})
                if kind == "spec" and same in kept and list(kept)[-1] != same:
                    del kept[same]
                if kind == "alert" and kept.get(same) != body:
                    altered.append(same)
                kept[same] = body
                if isinstance(noun, (Measurement, Signal)):
                    series = self._series.setdefault(model, {})
                    series.setdefault(_series_of(noun), len(series))
                if isinstance(noun, Action):
                    self._chain(model, noun)
            if altered:
                number = int(self.pointer(model, CHANGES) or 0) + 1
                self._changes.update(((model, same), number) for same in altered)
                self._move(model, CHANGES, str(number))

    def recorded(self, model: str, kind: type[T], query: Query | None = None) -> list[T]:
        """Return the recorded nouns of a kind that a query asks for, oldest first."""
        name, query = kind_named(kind), query or Query()
        wanted = conditions(name, query)
        with self._lock:
            if name == "audit":
                records: list[tuple[Any, Noun]] = [(event, event.action) for event in self._audit.get(model, [])]
            elif name == "tenure":
                records = [(tenure, cast(Noun, tenure)) for tenure in self._tenures.get(model, [])]
            else:
                kept = self._nouns.get((model, name), {})
                if query.changed_after is not None:
                    kept = {s: body for s, body in kept.items() if self._changes[model, s] > query.changed_after}
                nouns = [from_json(body, kind) for body in kept.values()]
                records = [(noun, cast(Noun, noun)) for noun in nouns]
            series = dict(self._series.get(model, {}))
        if name in ("measurement", "signal", "memory"):
            records.sort(key=lambda pair: _order(pair[1], series))
        records = [pair for pair in records if _belongs(pair[1], name, query.window)]
        met = [record for record, noun in records if _meets(noun, wanted, query.prefix)]
        return met[::-1][: query.limit] if query.newest_first else met[: query.limit]

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
        name = kind_named(kind)
        check_forgettable(name)
        with self._lock:
            self._check_lease(lease, model)
            gone = self._remove(model, kind, before, keep)
            if name == "measurement":
                self._remove(model, Signal, before, keep)
        return gone

    def _remove(self, model: str, kind: type[Any], before: datetime | None, keep: Collection[Window]) -> int:
        kept = self._nouns.get((model, kind_named(kind)), {})
        gone = [same for same, body in kept.items() if _is_over(from_json(body, kind), before, keep)]
        for same in gone:
            del kept[same]
            if kind is Alert:
                # A diagnosis has the identity of its alert.
                self._nouns.get((model, "diagnosis"), {}).pop(same, None)
        return len(gone)

    def pointer(self, model: str, name: str) -> str | None:
        """Return what a pointer holds."""
        return self._pointers.get((model, name))

    def rows_of(self, model: str, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
        """Return the newest arrival there is, and the stored windows that rows of a file lie in."""
        with self._lock:
            return rows_of(self._pile(model, Table.PREDICTIONS).snapshot(), schema, rule, origin)

    def remove_rows(self, model: str, origin: str, until: int) -> int:
        """Remove the predictions of a file that arrived up to ``until``; return how many there were."""
        with self._lock:
            pile = self._pile(model, Table.PREDICTIONS)
            kept = [
                frame.filter((pl.col(ORIGIN) != origin).fill_null(True))
                if ORIGIN in frame.columns and n <= until
                else frame
                for n, frame in enumerate(pile.frames)
            ]
            removed = sum(frame.height for frame in pile.frames) - sum(frame.height for frame in kept)
            pile.frames = kept
            return removed

    def log_version(self, model: str) -> str:
        """Return the versions of the two tables of a log."""
        with self._lock:
            return version_of(*(self._pile(model, table).snapshot() for table in (Table.PREDICTIONS, Table.LABELS)))

    def quarantine_size(self, model: str) -> int:
        """Return how many rows are in quarantine."""
        return sum(rows.height for rows in self._aside.get(model, []))

    def set_aside(self, model: str) -> pl.DataFrame:
        """Return when predictions in quarantine came, why they are there, and the moment each is filed under."""
        parts = self._aside.get(model, [])
        frames = [part.with_columns(pl.lit(place, pl.Int64).alias(ARRIVAL)) for place, part in enumerate(parts)]
        return missed(pl.concat(frames).lazy() if frames else None)

    def lease(self, model: str, length: timedelta, *, host: str, process: int) -> Lease:
        """Take a model for a worker, which may be another thread."""
        with self._lock:
            before, now = self._leases.get(model), datetime.now(UTC)
            if before is not None and now < before.until:
                raise LeasedError(taken(before))
            lease = Lease(model, before.number + 1 if before else 1, host, process, now, now + length)
            self._leases[model] = lease
            return lease

    def renew(self, lease: Lease, length: timedelta) -> Lease:
        """Return the lease with ``length`` to go from now on."""
        with self._lock:
            self._check_lease(lease, lease.model)
            self._leases[lease.model] = replace(lease, until=datetime.now(UTC) + length)
            return self._leases[lease.model]

    def release(self, lease: Lease) -> None:
        """Let the next worker have the model at once."""
        with self._lock:
            held = self._leases.get(lease.model)
            if held is not None and held.number == lease.number:
                self._leases[lease.model] = replace(held, number=held.number + 1, until=datetime.now(UTC))

    def _check_lease(self, lease: Lease | None, model: str) -> None:
        check_model(lease, model)
        if lease is not None and self._leases[model].number != lease.number:
            raise LeaseLostError(lost(lease))

    def _pile(self, model: str, table: Table) -> _Pile:
        return self._piles.setdefault((model, table), _Pile())

    def _move(self, model: str, name: str, new: str | None) -> None:
        if new is None:
            self._pointers.pop((model, name), None)
        else:
            self._pointers[model, name] = new

    def _chain(self, model: str, action: Action) -> None:
        events = self._audit.setdefault(model, [])
        event = next_event(action, len(events), events[-1].hash if events else "")
        if all(known.action != event.action for known in events):
            events.append(event)
            self._move(model, HEAD, event.hash)


def _lies_in(kept: Window | None, window: Window | None) -> bool:
    if kept is None or window is None:
        return kept is window
    return window.start <= kept.start and kept.end <= window.end


def _meets(noun: Noun, wanted: Mapping[str, tuple[str | bool, ...]], prefix: str) -> bool:
    about = {**searched(noun), "fired": isinstance(noun, Signal) and noun.fired}
    return all(about[name] in values for name, values in wanted.items()) and (
        not prefix or str(about["id"]).startswith(prefix)
    )


def _belongs(noun: Noun, kind: str, window: Window | None) -> bool:
    return window is None or span_of(noun).meets(kind, window)


def _order(noun: Noun, series: Mapping[tuple[str, ...], int]) -> tuple[Any, ...]:
    span = span_of(noun)
    times = (span.starts is not None, *(t.timestamp() if t else 0.0 for t in (span.starts, span.ends)))
    if isinstance(noun, Signal):
        return (*times, series[_series_of(noun)], noun.chart)
    return (*times, series[_series_of(noun)]) if isinstance(noun, Measurement) else times


def _series_of(noun: Measurement | Signal) -> tuple[str, ...]:
    measurement = noun.measurement if isinstance(noun, Signal) else noun
    return (measurement.version, *measurement.series)


def _is_over(noun: Noun, before: datetime | None, keep: Collection[Window]) -> bool:
    if isinstance(noun, Alert) and noun.state is not AlertState.ENDED:
        return False
    if isinstance(noun, Delivery) and noun.state is DeliveryState.WAITING:
        return False
    measured = noun.measurement if isinstance(noun, Signal) else noun
    if isinstance(measured, (Measurement, Remembered)) and measured.window in keep:
        return False
    ends = span_of(noun).ends
    return before is None or (ends is not None and ends <= before)
