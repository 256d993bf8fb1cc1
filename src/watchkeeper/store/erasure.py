"""Removing rows from a log for good, wherever they lie in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.columns import ARRIVAL, ORIGIN, PLACE
from watchkeeper.store.delta import Delta
from watchkeeper.store.snapshot import Snapshot, grains_in

__all__ = ["Erased", "erase", "quarantined", "remove_quarantined", "remove_rows", "rows_of", "windows_of"]

_IDS_A_COMMIT = 2_000

_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("key", "table", "source", "code", "reason"), pl.String), "filed": pl.Datetime("us", "UTC"),
    "row": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows of each table were removed."""

    predictions: int = 0
    labels: int = 0
    quarantine: int = 0


def windows_of(predictions: Delta, schema: Schema, rule: WindowRule, ids: Collection[str]) -> list[Window]:
    """Return the stored windows that predictions with these ids lie in."""
    found = predictions.snapshot()
    time = found.layout.kinds(schema.name_of(Role.TIME) or "").get("time")
    kinds = found.layout.kinds(schema.name_of(Role.ID) or "")
    if found.scan is None or time is None or not kinds:
        return []
    wanted = pl.Series(sorted(ids), dtype=pl.String).implode()
    same = pl.any_horizontal([column_named(stored).cast(pl.String).is_in(wanted) for stored in kinds.values()])
    return _windows(found.scan({}).filter(same), time, rule)


def rows_of(predictions: Snapshot, schema: Schema, rule: WindowRule, origin: str) -> tuple[int, list[Window]]:
    """Return the newest arrival there is, and the stored windows that rows of a file lie in."""
    time = predictions.layout.kinds(schema.name_of(Role.TIME) or "").get("time")
    if predictions.scan is None or time is None:
        return predictions.version, []
    rows = predictions.scan({})
    if ORIGIN not in rows.collect_schema():
        return predictions.version, []
    return predictions.version, _windows(rows.filter(pl.col(ORIGIN) == origin), time, rule)


def _windows(rows: pl.LazyFrame, time: str, rule: WindowRule) -> list[Window]:
    starts = [rule.origin + grain * rule.grain for grain in sorted(grains_in(rows, time, rule))]
    return [Window(start, start + rule.grain) for start in starts]


def remove_rows(predictions: Delta, origin: str, until: int) -> int:
    """Remove the rows of a file that arrived up to ``until``; return how many there were."""
    if ORIGIN not in predictions.columns():
        return 0
    named = origin.replace("'", "''")
    return predictions.delete(f"{ORIGIN} = '{named}' AND {ARRIVAL} <= {until}")


def erase(tables: Mapping[str, Delta], schema: Schema, ids: Collection[str]) -> Erased:
    """Remove the rows with these ids, compared as text, from predictions, labels and quarantine.

    The files that held them are rewritten; the old ones stay until they are vacuumed.
    """
    name = schema.name_of(Role.ID) or ""
    removed = {}
    for table in ("predictions", "labels"):
        delta = tables[table]
        kinds = delta.snapshot().layout.kinds(name)
        removed[table] = sum(delta.delete(condition) for condition in _conditions(kinds, sorted(ids))) if kinds else 0
    held = quarantined(tables["quarantine"])
    own = [str(json.loads(row).get(name)) in ids for row in held["row"]]
    keys = held.filter(pl.Series(own, dtype=pl.Boolean))["key"].to_list()
    return Erased(removed["predictions"], removed["labels"], remove_quarantined(tables["quarantine"], keys))


def _conditions(kinds: Mapping[str, str], ids: Sequence[str]) -> Iterator[str]:
    for part in _parts(ids):
        texts = ", ".join("'" + one.replace("'", "''") + "'" for one in part)
        yield " OR ".join(f"CAST({_quoted(stored)} AS VARCHAR) IN ({texts})" for stored in kinds.values())


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _IDS_A_COMMIT] for start in range(0, len(names), _IDS_A_COMMIT))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quarantined(delta: Delta) -> pl.DataFrame:
    """Return the rows of a quarantine in the order in which they came, each with a key to name it by."""
    rows = delta.scan()
    if rows is None:
        return pl.DataFrame(schema=_EMPTY)
    held = rows.collect().sort(ARRIVAL, PLACE)
    key = pl.concat_str(pl.col(ARRIVAL), pl.lit("-"), pl.col(PLACE)).alias("key")
    # Rows that 0.1.0 set aside have no code.
    lacking = [pl.lit(None, dtype).alias(name) for name, dtype in _EMPTY.items() if name not in (*held.columns, "key")]
    return held.with_columns(key, *lacking).select(list(_EMPTY))


def remove_quarantined(delta: Delta, keys: Collection[str]) -> int:
    """Remove rows from a quarantine by their keys; return how many there were."""
    removed = 0
    by_arrival: dict[str, list[str]] = {}
    for key in keys:
        arrival, _, place = key.partition("-")
        by_arrival.setdefault(arrival, []).append(place)
    for arrival, places in by_arrival.items():
        for part in _parts(places):
            listed = ", ".join(str(int(place)) for place in part)
            removed += delta.delete(f"{ARRIVAL} = {int(arrival)} AND {PLACE} IN ({listed})")
    return removed
