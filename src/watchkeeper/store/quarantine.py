"""Rows that may not enter the log, as they are kept: with the reason, and each as JSON whatever its columns are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import STOPS
from watchkeeper.core.intake import Refusal
from watchkeeper.core.store import Table
from watchkeeper.schema.event_time import MOMENT, in_calendar
from watchkeeper.schema.texts import text_of
from watchkeeper.store.admission import Admitted
from watchkeeper.store.columns import ARRIVAL

__all__ = ["ASIDE", "missed", "set_aside"]

ASIDE: Mapping[str, Any] = {"arrival": pl.Int64, "code": pl.String, "filed": MOMENT}
"""What a store says of predictions in quarantine."""


def set_aside(admitted: Admitted, table: Table, source: str, dates: Mapping[date, int]) -> pl.DataFrame:
    """Return rows as quarantine keeps them.

    Parameters
    ----------
    dates
        The stored rows by UTC date; a row that belongs to no moment of its own is filed under the newest.
    """
    rows, height = admitted.aside, admitted.aside.height
    newest = datetime.combine(max(dates), time(), UTC) if dates else None
    columns = {name: _values(series_named(rows, name)) for name in rows.columns}
    texts = [_json({name: values[place] for name, values in columns.items()}) for place in range(height)]
    return pl.DataFrame(
        {
            "table": pl.repeat(table.value, height, dtype=pl.String, eager=True),
            "source": pl.repeat(source, height, dtype=pl.String, eager=True),
            "reason": admitted.reasons,
            "row": pl.Series(texts, dtype=pl.String),
            "code": admitted.codes,
            "filed": admitted.filed.fill_null(pl.Series([newest], dtype=MOMENT)),
        }
    )


def missed(rows: pl.LazyFrame | None) -> pl.DataFrame:
    """Return what a store says of predictions in quarantine, but for those that another row stands for."""
    if rows is None or "filed" not in rows.collect_schema():
        return pl.DataFrame(schema=ASIDE)
    wanted = (pl.col("table") == Table.PREDICTIONS.value) & (pl.col("code") != Refusal.DOUBLED.value)
    found = rows.filter(wanted & pl.col("filed").is_not_null())
    return found.select(pl.col(ARRIVAL).alias("arrival"), "code", "filed").collect()


def _values(series: pl.Series) -> list[Any]:
    """Return values that JSON can hold; of a type that Python cannot take, at least the numbers behind it."""
    for form in (series, in_calendar(series), series.to_physical()):
        try:
            return form.to_list()
        except STOPS:
            raise
        except BaseException:  # noqa: BLE001, S112 - Polars panics, which is no Exception; there is another form
            continue
    return [None] * len(series)


def _json(row: Mapping[str, Any]) -> str:
    try:
        return msgspec.json.encode(_plain(row), enc_hook=str).decode()
    except STOPS:
        raise
    except BaseException:  # noqa: BLE001 - an object may raise whatever it likes
        return msgspec.json.encode(dict.fromkeys(row)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value
