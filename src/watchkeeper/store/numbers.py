"""Measurements and signals in the database: a row holds what its window, its series and its neighbour do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, insert, select, update

from watchkeeper.core.measurement import Measurement
from watchkeeper.core.query import Query
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.store.nouns import brief_json, from_json
from watchkeeper.store.packed import pack, unpack
from watchkeeper.store.queries import conditions
from watchkeeper.store.tables import MEASUREMENTS, SERIES, SIGNALS, WINDOWS

__all__ = ["moment_in_utc", "numbers", "put_numbers", "window_identity", "window_numbers"]

T = TypeVar("T")

_CHUNK = 500
_ELSEWHERE = ("model", "version", "window", "family", "name", "segment", "column", "against", "status")
"""Fields of a measurement that its window, its series or a column of its own hold."""

_GONE = '{"n":0,"reason":"what was measured is not recorded any more","status":"failed","value":null}'

_ABOUT = (SERIES.c.version, SERIES.c.family, SERIES.c.name, SERIES.c.segment, SERIES.c.column_name, SERIES.c.against)

About = tuple[str, str, str, str, str, str]
Place = tuple[int, int]
"""The numbers of a window and a series."""


def put_numbers(connection: Connection, model: str, nouns: Sequence[Measurement | Signal]) -> None:
    """Write measurements and signals; those of the same window, series and chart are replaced."""
    measurements = [noun.measurement if isinstance(noun, Signal) else noun for noun in nouns]
    windows = window_numbers(connection, model, (m.window for m in measurements))
    series = _series_numbers(connection, model, map(_about, measurements))
    at = [(windows[m.window], series[_about(m)]) for m in measurements]
    judged = [(place, noun) for place, noun in zip(at, nouns, strict=True) if isinstance(noun, Signal)]
    measured = {
        place: (noun.status.value, pack(_body(noun, model)))
        for place, noun in zip(at, nouns, strict=True)
        if isinstance(noun, Measurement)
    }
    before = _recorded(connection, MEASUREMENTS, windows.values())
    known = {(row.window, row.series): (row.status, row.body) for row in before}
    altered = {place: known[place] for place, row in measured.items() if place in known and known[place] != row}
    if altered:
        _part(connection, altered, {(*place, signal.chart) for place, signal in judged})
    _put(connection, MEASUREMENTS, {place: dict(zip(("status", "body"), row, strict=True))
                                    for place, row in measured.items()}, set(known))  # fmt: skip
    rows = {(*place, signal.chart): _signal_row(signal, model, {**known, **measured}.get(place))
            for place, signal in judged}  # fmt: skip
    if rows:
        there = {(row.window, row.series, row.chart) for row in _recorded(connection, SIGNALS, windows.values())}
        _put(connection, SIGNALS, rows, there)


def numbers(connection: Connection, model: str, kind: str, query: Query) -> list[Any]:
    """Return the measurements or signals that a query asks for, oldest first."""
    rows = connection.execute(_asked(kind, query).where(SERIES.c.model == model))
    return [_measurement(row, model) if kind == "measurement" else _signal(row, model) for row in rows]


def window_numbers(connection: Connection, model: str, windows: Iterable[Window | None]) -> dict[Window | None, int]:
    """Return the numbers of windows; one that is new gets a number."""
    rows = {window_identity(window): window for window in windows}
    fields = {
        identity: {"starts": window and window.start, "ends": window and window.end}
        for identity, window in rows.items()
    }
    found = _numbered(connection, WINDOWS, model, fields)
    return {window: found[identity] for identity, window in rows.items()}


def moment_in_utc(moment: datetime) -> datetime:
    """Return a moment as the database gave it, in UTC: SQLite knows no zones."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def window_identity(window: Window | None) -> str:
    """Return what a window is known by."""
    return f"{window.start.isoformat()}/{window.end.isoformat()}" if window else ""


def _about(m: Measurement) -> About:
    return (m.version, m.family.value, m.name, m.segment, m.column, m.against)


def _series_numbers(connection: Connection, model: str, abouts: Iterable[About]) -> dict[About, int]:
    rows = {sha256(msgspec.json.encode(about)).hexdigest(): about for about in dict.fromkeys(abouts)}
    names = [column.name for column in _ABOUT]
    fields = {identity: dict(zip(names, about, strict=True)) for identity, about in rows.items()}
    found = _numbered(connection, SERIES, model, fields)
    return {about: found[identity] for identity, about in rows.items()}


def _numbered(
    connection: Connection, table: Table, model: str, fields: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    """Return the number of each identity; those that are new are written in their order."""
    found = _look_up(connection, table, model, list(fields))
    new = [identity for identity in fields if identity not in found]
    if new:
        connection.execute(insert(table), [{"model": model, "identity": one, **fields[one]} for one in new])
        found |= _look_up(connection, table, model, new)
    return found


def _look_up(connection: Connection, table: Table, model: str, identities: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(identities), _CHUNK):
        asked = identities[start : start + _CHUNK]
        query = select(table.c.identity, table.c.number).where(table.c.model == model, table.c.identity.in_(asked))
        found.update((row.identity, row.number) for row in connection.execute(query))
    return found


def _recorded(connection: Connection, table: Table, windows: Iterable[int]) -> Iterable[Row[Any]]:
    return connection.execute(select(table).where(table.c.window.in_(list(windows))))


def _put(connection: Connection, table: Table, rows: Mapping[tuple[Any, ...], dict[str, Any]], known: set[Any]) -> None:
    """Replace the rows that are there, by their primary key, and add the others."""
    keys = [column.name for column in table.primary_key]
    new = [dict(zip(keys, key, strict=True)) | row for key, row in rows.items() if key not in known]
    old = [
        {f"same_{name}": part for name, part in zip(keys, key, strict=True)} | row
        for key, row in rows.items()
        if key in known
    ]
    if old:
        same = and_(*(table.c[name] == bindparam(f"same_{name}") for name in keys))
        connection.execute(update(table).where(same), old)
    if new:
        connection.execute(insert(table), new)


def _part(connection: Connection, altered: Mapping[Place, tuple[str, bytes]], judged: set[Any]) -> None:
    """Let signals that stay keep the measurement they judged, which is about to be replaced."""
    left = [
        row
        for row in _recorded(connection, SIGNALS, {window for window, _ in altered})
        if (row.window, row.series) in altered and (row.window, row.series, row.chart) not in judged
    ]
    for row in left:
        status, body = altered[row.window, row.series]
        kept = msgspec.json.decode(unpack(row.body))
        kept.setdefault("measurement", {"status": status, **msgspec.json.decode(unpack(body))})
        own = (SIGNALS.c.window == row.window, SIGNALS.c.series == row.series, SIGNALS.c.chart == row.chart)
        text = msgspec.json.encode(kept, order="deterministic").decode()
        connection.execute(update(SIGNALS).where(*own).values(body=pack(text)))


def _body(measurement: Measurement, model: str) -> str:
    """Return what stands in the row of a measurement as JSON; the model is told where it is another one."""
    text = brief_json(measurement, _ELSEWHERE)
    from_json(_opened(_opening_of(measurement, model), text), Measurement)
    if measurement.model == model:
        return text
    return _opened({"model": measurement.model}, text)


def _signal_row(signal: Signal, model: str, beside: tuple[str, bytes] | None) -> dict[str, Any]:
    measurement, text = signal.measurement, brief_json(signal, ("measurement", "chart"))
    own = (measurement.status.value, pack(_body(measurement, model)))
    if own != beside:
        judged = _opened({"status": measurement.status.value}, _body(measurement, model))
        text = _opened({"measurement": msgspec.Raw(judged.encode())}, text)
    return {"fired": signal.fired, "status": measurement.status.value, "body": pack(text)}


def _opening_of(m: Measurement, model: str) -> dict[str, Any]:
    window = {"start": m.window.start, "end": m.window.end} if m.window else None
    return _opening(model, window, _about(m), m.status.value)


def _opening(model: str, window: Mapping[str, datetime] | None, about: Sequence[str], status: str) -> dict[str, Any]:
    """Return the fields of a measurement that do not stand in its body."""
    version, family, name, segment, column, against = about
    return {
        "model": model, "version": version, "window": window, "family": family, "name": name,
        "segment": segment, "column": column, "against": against, "status": status,
    }  # fmt: skip


def _opened(opening: Mapping[str, Any], body: str) -> str:
    """Return the JSON of a mapping whose first fields are given; a field that ``body`` has too is that of the body."""
    first = msgspec.json.encode(opening).decode()
    return first if body == "{}" else f"{first[:-1]},{body[1:]}"


def _asked(kind: str, query: Query) -> Select[Any]:
    """Return what a query asks for in SQL, for all models."""
    table = MEASUREMENTS if kind == "measurement" else SIGNALS
    columns: list[Any] = [WINDOWS.c.starts, WINDOWS.c.ends, *_ABOUT]
    source = table.join(WINDOWS, WINDOWS.c.number == table.c.window).join(SERIES, SERIES.c.number == table.c.series)
    order: list[Any] = [WINDOWS.c.starts, WINDOWS.c.ends, SERIES.c.number]
    if kind == "signal":
        beside = and_(MEASUREMENTS.c.window == SIGNALS.c.window, MEASUREMENTS.c.series == SIGNALS.c.series)
        source = source.outerjoin(MEASUREMENTS, beside)
        columns += [SIGNALS.c.chart, SIGNALS.c.body.label("judged")]
        order.append(SIGNALS.c.chart)
    wanted = select(*columns, MEASUREMENTS.c.status, MEASUREMENTS.c.body).select_from(source)
    for name, values in conditions(kind, query).items():
        wanted = wanted.where((table.c[name] if name in table.c else SERIES.c[name]).in_(values))
    if query.window is not None:
        wanted = wanted.where(WINDOWS.c.starts >= query.window.start, WINDOWS.c.ends <= query.window.end)
    ordered = [column.desc() for column in order] if query.newest_first else order
    # What has no window comes before everything else, in every database.
    ordered[0] = ordered[0].nulls_last() if query.newest_first else ordered[0].nulls_first()
    return wanted.order_by(*ordered).limit(query.limit)


def _opening_of_row(row: Row[Any], model: str) -> dict[str, Any]:
    window = {"start": moment_in_utc(row.starts), "end": moment_in_utc(row.ends)} if row.starts else None
    return _opening(model, window, row[2:8], row.status or "ok")


def _measurement(row: Row[Any], model: str) -> Measurement:
    return from_json(_opened(_opening_of_row(row, model), unpack(row.body)), Measurement)


def _signal(row: Row[Any], model: str) -> Signal:
    judged, opening = unpack(row.judged), _opening_of_row(row, model)
    own = msgspec.json.decode(judged).get("measurement") if '"measurement":' in judged else None
    if own is not None:
        fields = {**msgspec.json.decode(judged), "measurement": {**opening, **own}}
        judged = msgspec.json.encode(fields).decode()
        return from_json(_opened({"chart": row.chart}, judged), Signal)
    measurement = _opened(opening, unpack(row.body) if row.body is not None else _GONE)
    return from_json(_opened({"chart": row.chart, "measurement": msgspec.Raw(measurement.encode())}, judged), Signal)
