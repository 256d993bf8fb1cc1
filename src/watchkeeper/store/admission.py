"""Which rows may enter the log, with their ids and times in one form."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.store import Table
from watchkeeper.schema.event_time import to_utc
from watchkeeper.store.columns import kind_of

__all__ = ["REASON", "Admitted", "admit"]

REASON = "watchkeeper_reason"
"""The column of set-aside rows that says why."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Rows that may be written, and rows set aside with the reason.

    Parameters
    ----------
    rows
        Ids are integers or text, the time of predictions is in UTC.
    aside
        Refused and doubled rows as they came, with the reason.
    doubled, refused
        How many of them there are.
    reason
        The reasons with their counts, in words.
    """

    rows: pl.DataFrame
    aside: pl.DataFrame
    doubled: int = 0
    refused: int = 0
    reason: str = ""


def admit(rows: pl.DataFrame, table: Table, schema: Schema) -> Admitted:
    """Sort rows into those that may be written and those to set aside.

    Predictions need a time, and an id where the schema names one; labels need an id. Of predictions with the same id
    the first is kept, of labels the last.

    Raises
    ------
    SchemaError
        When a column that rows cannot do without is missing or holds a type that cannot be read as its role asks.
    """
    for series in rows:
        kind_of(series)
    id_name, time_name = schema.name_of(Role.ID), schema.name_of(Role.TIME)
    admitted = rows
    if table is Table.PREDICTIONS:
        time_name = _needed(rows, time_name, Role.TIME, "predictions are filed by their time")
        admitted = admitted.with_columns(to_utc(series_named(rows, time_name)).alias(time_name))
    else:
        id_name = _needed(rows, id_name, Role.ID, "labels are joined to predictions by their id")
        _needed(rows, schema.name_of(Role.LABEL), Role.LABEL, "these rows are meant to bring labels")
    reasons = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    if table is Table.PREDICTIONS and time_name:
        reasons = reasons.set(
            series_named(admitted, time_name).is_null(), f"{time_name} is null or no time that can be read"
        )
    if id_name:
        _needed(rows, id_name, Role.ID, "rows are told apart by their id")
        ids = _ids(series_named(rows, id_name))
        admitted = admitted.with_columns(ids.alias(id_name))
        reasons = reasons.set(ids.is_null(), f"{id_name} is null")
    fine = reasons.is_null()
    refused = int((~fine).sum())
    doubled = 0
    if id_name:
        again = _again(series_named(admitted, id_name), fine, last=table is Table.LABELS)
        doubled = int(again.sum())
        reasons = reasons.set(again, f"{id_name} occurs twice in the same rows")
        fine = fine & ~again
    aside = rows.with_columns(reasons.alias(REASON)).filter(~fine)
    return Admitted(admitted.filter(fine), aside, doubled, refused, _in_words(aside[REASON]))


def _needed(rows: pl.DataFrame, name: str | None, role: Role, why: str) -> str:
    if name is None:
        raise SchemaError(f"the schema names no {role.value} column, and {why}; name it under columns.{role.value}")
    if name not in rows.columns:
        raise SchemaError(f"the {role.value} column {name!r} is missing, and {why}; {near_miss(name, rows.columns)}")
    return name


def _again(ids: pl.Series, fine: pl.Series, *, last: bool) -> pl.Series:
    """Mark the admitted rows whose id another admitted row of the same batch keeps."""
    keeps = ids.is_last_distinct() if last else ids.is_first_distinct()
    if not fine.all():
        place = pl.int_range(len(ids), eager=True).filter(fine)
        kept = ids.filter(fine)
        keeps = pl.repeat(False, len(ids), dtype=pl.Boolean, eager=True)
        keeps = keeps.scatter(place.filter(kept.is_last_distinct() if last else kept.is_first_distinct()), True)
    return fine & ~keeps


def _in_words(reasons: pl.Series) -> str:
    counts = reasons.value_counts(sort=True, name="n").sort(["n", reasons.name], descending=[True, False])
    return "; ".join(f"{n} row{'s' if n > 1 else ''}: {reason}" for reason, n in counts.iter_rows())


def _ids(ids: pl.Series) -> pl.Series:
    """Return ids as integers where all of them are, otherwise as text; what is no id is null."""
    dtype = ids.dtype
    if dtype.is_float():
        ids = ids.fill_nan(None)
        if not bool(((ids == ids.round(0)) & (ids.abs() < 2.0**53)).all()):
            return ids.cast(pl.String)
        return ids.cast(pl.Int64)
    if dtype == pl.Null:
        return ids.cast(pl.String)
    if dtype in (pl.UInt64, pl.Int128, pl.UInt128):
        whole = ids.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == ids.null_count() else ids.cast(pl.String)
    if dtype.is_integer():
        return ids.cast(pl.Int64)
    if dtype == pl.Binary:
        return ids.bin.encode("hex")
    if dtype.is_nested() or dtype == pl.Object:
        raise SchemaError(f"the id column {ids.name!r} holds {dtype}; an id is a whole number or text")
    return ids.cast(pl.String)
