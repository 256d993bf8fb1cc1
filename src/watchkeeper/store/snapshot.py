"""Reading the two tables of a log as they are at one moment; the same for every kind of store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import column_named, columns_named, series_named
from watchkeeper.core.errors import StoreError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Changes
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.columns import ARRIVAL, DATE, PLACE, Layout

__all__ = ["BATCH_ROWS", "Bounds", "Snapshot", "changes_since", "grains_in", "read_window", "version_of"]

BATCH_ROWS = 262_144
"""Most rows of a batch."""

Bounds = Mapping[str, tuple[Any, Any]]
"""The least and the greatest value, both included, that is asked for, by stored column."""

_CALENDAR = (datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC))
_KEY = "watchkeeper_key"
_GRAIN = "watchkeeper_grain"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One table of a log as it is at one moment.

    Parameters
    ----------
    version
        Number of the last commit, -1 before the first.
    layout
        Which stored column holds what.
    scan
        Returns the rows, with the columns of the store itself; rows whose stored columns lie outside the bounds may be
        left out, and rows outside bounds on the date are. None before the first commit.
    dates
        The UTC dates of the rows in order, with the number of rows of each (predictions only).
    """

    version: int = -1
    layout: Layout = field(default_factory=Layout)
    scan: Callable[[Bounds], pl.LazyFrame] | None = None
    dates: Mapping[date, int] = field(default_factory=dict)


def version_of(predictions: Snapshot, labels: Snapshot) -> str:
    """Return the versions of the two tables of a log, as ``p:12,l:9``."""
    return f"p:{predictions.version},l:{labels.version}"


def read_window(predictions: Snapshot, labels: Snapshot, schema: Schema, window: Window) -> Iterator[Batch]:
    """Return the predictions of a window with their newest labels, one row per id.

    Of predictions with the same id in the window the first appended counts. Rows of small dates come together in the
    order of their arrival, those of a date with more than ``BATCH_ROWS`` rows in the order of the files. Memory holds
    one batch, its labels, and 8 bytes for each row of the window. The batches name no window, so that one read may
    span several stored windows.
    """
    time = _time(predictions, schema)
    if predictions.scan is None or time is None:
        return
    last = (window.end - timedelta(microseconds=1)).date()
    dates = {d: n for d, n in predictions.dates.items() if window.start.date() <= d <= last}
    key = _keys(predictions, labels, schema)
    inside = (column_named(time) >= window.start, column_named(time) < window.end)
    dropped = None
    if key:
        dropped = _later_doubles(predictions.scan({DATE: (window.start.date(), last)}).filter(*inside), key.ours)
    names = [c.name for c in schema]
    wanted = [column_named(name) for name in (*predictions.layout.columns(names), ARRIVAL, PLACE)]
    for part, large in _parts(predictions.scan, dates):
        rows = part.filter(*inside).select(*wanted, *([key.ours.alias(_KEY)] if key else []))
        for frame in _collected(rows, large):
            kept = frame
            if dropped is not None:
                kept = frame.join(dropped, on=[ARRIVAL, PLACE], how="anti", maintain_order="left")
            if kept.height:
                restored = predictions.layout.restore(kept, names)
                yield Batch(_with_labels(restored, kept[_KEY] if key else None, labels, key, schema), schema)


def _parts(scan: Callable[[Bounds], pl.LazyFrame], dates: Mapping[date, int]) -> Iterator[tuple[pl.LazyFrame, bool]]:
    """Scan small dates together, and a large one alone; say whether it is large."""
    together: list[date] = []
    for day, count in dates.items():
        if together and sum(dates[d] for d in together) + count > BATCH_ROWS:
            yield scan({DATE: (together[0], together[-1])}), False
            together = []
        if count > BATCH_ROWS:
            yield scan({DATE: (day, day)}), True
        else:
            together.append(day)
    if together:
        yield scan({DATE: (together[0], together[-1])}), False


def _collected(rows: pl.LazyFrame, large: bool) -> Iterator[pl.DataFrame]:
    if large:
        yield from rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
    else:
        yield rows.collect().sort(ARRIVAL, PLACE)


def changes_since(predictions: Snapshot, labels: Snapshot, schema: Schema, windows: WindowRule, cursor: str) -> Changes:
    """Return the stored windows that rows or labels were appended to since ``cursor``.

    Raises
    ------
    StoreError
        When the cursor is none of this log.
    """
    seen, labelled = _positions(cursor, predictions, labels)
    time = _time(predictions, schema)
    grains: set[int] = set()
    if predictions.scan and time and seen < predictions.version:
        new = predictions.scan({ARRIVAL: (seen + 1, predictions.version)}).filter(pl.col(ARRIVAL) > seen)
        grains |= grains_in(new, time, windows)
    orphans = 0
    key = _keys(predictions, labels, schema)
    if labels.scan and key and labelled < labels.version:
        new = labels.scan({ARRIVAL: (labelled + 1, labels.version)}).filter(pl.col(ARRIVAL) > labelled)
        ids = new.select(key.theirs.alias(_KEY)).unique().collect(engine="streaming")
        orphans = ids.height
        if predictions.scan and time and ids.height:
            low, high = ids[_KEY].min(), ids[_KEY].max()
            asked = predictions.scan({key.our_column: (low, high)} if key.our_column else {})
            met = asked.select(key.ours.alias(_KEY), column_named(time)).join(ids.lazy(), on=_KEY, how="semi").unique()
            found = met.collect(engine="streaming")
            grains |= grains_in(found.lazy(), time, windows)
            orphans -= found[_KEY].n_unique()
    touched = [windows.origin + grain * windows.grain for grain in sorted(grains)]
    return Changes(
        f"p:{predictions.version},l:{labels.version}",
        tuple(Window(start, start + windows.grain) for start in touched),
        orphans,
    )


def _positions(cursor: str, predictions: Snapshot, labels: Snapshot) -> tuple[int, int]:
    if not cursor:
        return -1, -1
    match = re.fullmatch(r"p:(-1|\d+),l:(-1|\d+)", cursor)
    if not match:
        raise StoreError(f"cursor {cursor!r} is none that changes() returned, such as 'p:12,l:7'; use '' to start over")
    seen, labelled = int(match[1]), int(match[2])
    if seen > predictions.version or labelled > labels.version:
        raise StoreError(
            f"cursor {cursor!r} is ahead of the log, which is at p:{predictions.version},l:{labels.version}: "
            f"the log was replaced; use '' to start over"
        )
    return seen, labelled


def _time(predictions: Snapshot, schema: Schema) -> str | None:
    return predictions.layout.kinds(schema.name_of(Role.TIME) or "").get("time")


@dataclass(frozen=True, slots=True)
class _Keys:
    """The prediction id in both tables, in one type: its own where that never changed, text otherwise."""

    ours: pl.Expr
    theirs: pl.Expr
    our_column: str | None = None
    their_column: str | None = None


def _keys(predictions: Snapshot, labels: Snapshot, schema: Schema) -> _Keys | None:
    name = schema.name_of(Role.ID)
    ours, theirs = predictions.layout.kinds(name or ""), labels.layout.kinds(name or "")
    if not ours:
        return None
    if len(ours) == 1 and (not theirs or theirs.keys() == ours.keys()):
        mine, other = next(iter(ours.values())), next(iter(theirs.values()), None)
        return _Keys(column_named(mine), column_named(other) if other else pl.lit(None), mine, other)
    return _Keys(_text(ours), _text(theirs) if theirs else pl.lit(None))


def _text(kinds: dict[str, str]) -> pl.Expr:
    return pl.coalesce([column_named(stored).cast(pl.String) for stored in kinds.values()])


def _later_doubles(rows: pl.LazyFrame, key: pl.Expr) -> pl.DataFrame | None:
    """Return the places of rows whose id came before in the window; None when there are none."""
    ids = rows.select(key.alias(_KEY))
    marks = [part[_KEY].hash().to_numpy() for part in ids.collect_batches(chunk_size=BATCH_ROWS, maintain_order=False)]
    if not marks:
        return None
    ordered = np.sort(np.concatenate(marks))
    doubled = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(doubled):
        return None
    placed = rows.select(key.alias(_KEY), ARRIVAL, PLACE)
    parts = placed.collect_batches(chunk_size=BATCH_ROWS, maintain_order=False)
    suspects = [part.filter(np.isin(part[_KEY].hash().to_numpy(), doubled)) for part in parts]
    found = pl.concat(suspects).sort(ARRIVAL, PLACE)
    return found.filter(~pl.col(_KEY).is_first_distinct() & pl.col(_KEY).is_not_null()).select(ARRIVAL, PLACE)


def _with_labels(
    frame: pl.DataFrame, ids: pl.Series | None, labels: Snapshot, key: _Keys | None, schema: Schema
) -> pl.DataFrame:
    """Put the newest late label, and when it was known, in its columns; what was logged stands where none came."""
    name, known_at = schema.name_of(Role.LABEL), schema.name_of(Role.LABEL_TIME)
    if name is None:
        return frame
    if ids is not None and key is not None and labels.scan is not None:
        bounds = {key.their_column: (ids.min(), ids.max())} if key.their_column else {}
        names = [name, known_at] if known_at else [name]
        found, came = _late_labels(ids, labels.scan(bounds), labels.layout, key.theirs, names)
        late = [
            _either(came, one, series_named(frame, one.name)) if one.name in frame.columns else one for one in found
        ]
    elif name in frame.columns:
        return frame
    else:
        late = [pl.Series(name, [None] * frame.height, pl.Null)]
    whole = frame.with_columns(late)
    return whole[[c.name for c in schema if c.name in whole.columns]]


def _late_labels(
    ids: pl.Series, labels: pl.LazyFrame, layout: Layout, key: pl.Expr, names: list[str]
) -> tuple[list[pl.Series], pl.Series]:
    """Return columns of the newest label of each id, and whether there is one."""
    wanted = ids.to_frame(_KEY)
    stored = layout.columns(names)
    between = key.is_between(pl.lit(ids.min()), pl.lit(ids.max()))
    near = labels.filter(between).select(key.alias(_KEY), ARRIVAL, PLACE, columns_named(stored))
    found = near.join(wanted.lazy(), on=_KEY, how="semi").collect(engine="streaming")
    newest = found.sort(ARRIVAL, PLACE).unique(_KEY, keep="last", maintain_order=True)
    value = layout.restore(newest, names)
    lost = [pl.lit(None).alias(name) for name in names if name not in value.columns]
    value = value.with_columns(lost)
    places = [str(place) for place in range(len(names))]
    columns = [value[name].alias(place) for name, place in zip(names, places, strict=True)]
    known = pl.DataFrame([newest[_KEY], *columns]).with_columns(came=pl.lit(True))
    joined = wanted.join(known, on=_KEY, how="left", maintain_order="left")
    late = [joined[place].alias(name) for name, place in zip(names, places, strict=True)]
    return late, joined["came"].fill_null(False)


def _either(came: pl.Series, late: pl.Series, logged: pl.Series) -> pl.Series:
    if late.dtype != logged.dtype:
        numbers = all(s.dtype.is_numeric() or s.dtype == pl.Null for s in (late, logged))
        common = pl.Float64() if numbers else pl.String()
        late, logged = late.cast(common), logged.cast(common)
    return late.zip_with(came, logged)


def grains_in(rows: pl.LazyFrame, time: str, windows: WindowRule) -> set[int]:
    """Return the numbers of the stored windows that rows lie in, counted from the origin of the windows.

    Parameters
    ----------
    time
        The stored column of times.
    """
    origin = (windows.origin - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    length = windows.grain // timedelta(microseconds=1)
    grain = (column_named(time).dt.epoch("us") - origin) // length
    # Stores of 0.1.0 may hold times at the ends of the calendar, beyond which a window would reach.
    held = column_named(time).is_between(pl.lit(_CALENDAR[0]), pl.lit(_CALENDAR[1]))
    found = rows.filter(held).select(grain.alias(_GRAIN)).unique().collect(engine="streaming")
    return set(found[_GRAIN].to_list())
