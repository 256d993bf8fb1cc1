"""Reading the two tables of a log as they are at one moment; the same for every kind of store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import StoreError
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Changes
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.columns import ARRIVAL, DATE, PLACE, Layout

__all__ = ["BATCH_ROWS", "Snapshot", "changes_since", "read_window"]

BATCH_ROWS = 262_144
"""Most rows of a batch."""

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
    rows
        All rows, with the columns of the store itself; None before the first commit.
    dates
        The UTC dates of the rows, in order (predictions only).
    """

    version: int = -1
    layout: Layout = field(default_factory=Layout)
    rows: pl.LazyFrame | None = None
    dates: tuple[date, ...] = ()


def read_window(predictions: Snapshot, labels: Snapshot, schema: Schema, window: Window) -> Iterator[Batch]:
    """Return the predictions of a window with their newest labels, one row per id.

    Of predictions with the same id in the window the first appended counts. The order is that of dates, and within a
    date that of the table. Memory holds one batch, its labels, the ids of one date and 8 bytes for each row of the
    window. The batches name no window, so that one read may span several stored windows.
    """
    rows = _inside(predictions, schema, window)
    if rows is None:
        return
    last = (window.end - timedelta(microseconds=1)).date()
    dates = [d for d in predictions.dates if window.start.date() <= d <= last]
    key = _keys(predictions, labels, schema)
    dropped = _later_doubles(rows, dates, key[0]) if key else None
    names = [c.name for c in schema]
    wanted = [pl.col(name) for name in (*predictions.layout.columns(names), ARRIVAL, PLACE)]
    if key:
        wanted.append(key[0].alias(_KEY))
    for day in dates:
        piece = rows.filter(pl.col(DATE) == day).select(wanted)
        for frame in piece.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
            kept = frame if dropped is None else frame.join(dropped, on=[ARRIVAL, PLACE], how="anti")
            if kept.height:
                restored = predictions.layout.restore(kept, names)
                ids = kept[_KEY] if key else None
                yield Batch(_with_labels(restored, ids, labels, key[1] if key else None, schema), schema)


def changes_since(
    predictions: Snapshot, labels: Snapshot, schema: Schema, windows: WindowRule, cursor: str
) -> Changes:
    """Return the stored windows that rows or labels were appended to since ``cursor``.

    Raises
    ------
    StoreError
        When the cursor is none of this log.
    """
    seen, labelled = _positions(cursor, predictions, labels)
    time = _time(predictions, schema)
    grains: set[int] = set()
    if predictions.rows is not None and time and seen < predictions.version:
        grains |= _grains(predictions.rows.filter(pl.col(ARRIVAL) > seen), time, windows)
    orphans = 0
    key = _keys(predictions, labels, schema)
    if labels.rows is not None and key and labelled < labels.version:
        new = labels.rows.filter(pl.col(ARRIVAL) > labelled).select(key[1].alias(_KEY)).unique()
        ids = new.collect(engine="streaming")
        orphans = ids.height
        if predictions.rows is not None and time and ids.height:
            asked = predictions.rows.filter(_between(key[0], ids[_KEY])).select(key[0].alias(_KEY), pl.col(time))
            met = asked.join(ids.lazy(), on=_KEY, how="semi")
            grains |= _grains(met, time, windows)
            orphans -= met.select(pl.col(_KEY).n_unique()).collect(engine="streaming").item()
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


def _inside(predictions: Snapshot, schema: Schema, window: Window) -> pl.LazyFrame | None:
    time = _time(predictions, schema)
    if predictions.rows is None or time is None:
        return None
    return predictions.rows.filter(pl.col(time) >= window.start, pl.col(time) < window.end)


def _keys(predictions: Snapshot, labels: Snapshot, schema: Schema) -> tuple[pl.Expr, pl.Expr] | None:
    """Return the prediction id in both tables in one type: its own if it never changed, text otherwise."""
    name = schema.name_of(Role.ID)
    ours, theirs = predictions.layout.kinds(name or ""), labels.layout.kinds(name or "")
    if not ours:
        return None
    if len(ours) == 1 and (not theirs or theirs.keys() == ours.keys()):
        return pl.col(*ours.values()), pl.col(*theirs.values()) if theirs else pl.lit(None)
    return _text(ours), _text(theirs) if theirs else pl.lit(None)


def _text(kinds: dict[str, str]) -> pl.Expr:
    return pl.coalesce([pl.col(stored).cast(pl.String) for stored in kinds.values()])


def _between(key: pl.Expr, ids: pl.Series) -> pl.Expr:
    """Bound the ids, so that files whose statistics lie outside are not read."""
    return key.is_between(pl.lit(ids.min(), ids.dtype), pl.lit(ids.max(), ids.dtype))


def _later_doubles(rows: pl.LazyFrame, dates: list[date], key: pl.Expr) -> pl.DataFrame | None:
    """Return the places of rows whose id came before in the window; None when there are none."""
    pieces = [rows.filter(pl.col(DATE) == day).select(key.alias(_KEY)) for day in dates]
    marks = [piece.collect()[_KEY].hash().to_numpy() for piece in pieces]
    if not marks:
        return None
    ordered = np.sort(np.concatenate(marks))
    doubled = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(doubled):
        return None
    suspects = []
    for day in dates:
        piece = rows.filter(pl.col(DATE) == day).select(key.alias(_KEY), ARRIVAL, PLACE).collect()
        suspects.append(piece.filter(np.isin(piece[_KEY].hash().to_numpy(), doubled)))
    found = pl.concat(suspects).sort(ARRIVAL, PLACE)
    return found.filter(~pl.col(_KEY).is_first_distinct() & pl.col(_KEY).is_not_null()).select(ARRIVAL, PLACE)


def _with_labels(
    frame: pl.DataFrame, ids: pl.Series | None, labels: Snapshot, key: pl.Expr | None, schema: Schema
) -> pl.DataFrame:
    """Put the newest late label in its column; a label that was logged with the prediction stands where none came."""
    name = schema.name_of(Role.LABEL)
    if name is None:
        return frame
    if ids is not None and key is not None and labels.rows is not None:
        late, came = _late_labels(ids, labels.rows, labels.layout, key, name)
        if name in frame.columns:
            late = _either(came, late, frame[name])
    elif name in frame.columns:
        return frame
    else:
        late = pl.Series(name, [None] * frame.height, pl.Null)
    whole = frame.with_columns(late)
    return whole.select(c.name for c in schema if c.name in whole.columns)


def _late_labels(
    ids: pl.Series, labels: pl.LazyFrame, layout: Layout, key: pl.Expr, name: str
) -> tuple[pl.Series, pl.Series]:
    """Return the newest label of each id, and whether there is one."""
    wanted = ids.to_frame(_KEY)
    stored = layout.columns([name])
    near = labels.filter(_between(key, ids)).select(key.alias(_KEY), ARRIVAL, PLACE, *stored)
    found = near.join(wanted.lazy(), on=_KEY, how="semi").collect(engine="streaming")
    newest = found.sort(ARRIVAL, PLACE).unique(_KEY, keep="last", maintain_order=True)
    value = layout.restore(newest, [name])
    if name not in value.columns:
        value = value.with_columns(pl.lit(None).alias(name))
    known = pl.DataFrame([newest[_KEY], value[name].alias("label")]).with_columns(came=pl.lit(True))
    joined = wanted.join(known, on=_KEY, how="left", maintain_order="left")
    return joined["label"].alias(name), joined["came"].fill_null(False)


def _either(came: pl.Series, late: pl.Series, logged: pl.Series) -> pl.Series:
    if late.dtype != logged.dtype:
        numbers = all(s.dtype.is_numeric() or s.dtype == pl.Null for s in (late, logged))
        common = pl.Float64() if numbers else pl.String()
        late, logged = late.cast(common), logged.cast(common)
    return late.zip_with(came, logged)


def _grains(rows: pl.LazyFrame, time: str, windows: WindowRule) -> set[int]:
    origin = (windows.origin - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    length = windows.grain // timedelta(microseconds=1)
    grain = (pl.col(time).dt.epoch("us") - origin) // length
    found = rows.filter(pl.col(time).is_not_null()).select(grain.alias(_GRAIN)).unique().collect(engine="streaming")
    return set(found[_GRAIN].to_list())
