"""Streams of the benchmark by the week: generated ones, and public ones cut into windows of equally many rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from bench.maintenance.streams import GENERATED, START, Stream, generated

__all__ = ["PUBLIC", "WEEK", "all_generated", "faulty", "public"]

WEEK = timedelta(days=7)
WINDOWS, REFERENCE = 60, 15
PUBLIC = ("electricity", "bank_marketing", "bike_sharing", "gas_sensor_drift")


def all_generated(seeds: int = 2) -> Iterator[Stream]:
    """Yield the generated streams, 400 rows a week."""
    for name in GENERATED:
        for seed in range(seeds):
            made = generated(name, rows=400, reference=REFERENCE, windows=WINDOWS, seed=seed, day_effect=0.1)
            yield _weekly(f"{name} {seed + 1}", made.days, classes=True)


def faulty(seed: int = 0) -> Stream:
    """Return a stream without drift in which a feature comes a thousand times as large for five weeks."""
    made = generated("none", rows=400, reference=REFERENCE, windows=WINDOWS, seed=seed + 10)
    broken = range(REFERENCE + 20, REFERENCE + 25)
    days = [
        one.with_columns(x0=pl.col("x0") * 1_000) if number in broken else one for number, one in enumerate(made.days)
    ]
    return _weekly("data fault", tuple(days), classes=True)


def public(name: str, folder: Path) -> Stream:
    """Return a public stream in its own order, as 15 windows to begin with and 60 to keep a model over."""
    read = {
        "electricity": _electricity, "bank_marketing": _bank, "bike_sharing": _bikes, "gas_sensor_drift": _gas,
    }  # fmt: skip
    rows = read[name](folder / name)
    count = WINDOWS + REFERENCE
    edges = np.linspace(0, rows.height, count + 1).astype(int)
    days = tuple(rows[int(a) : int(b)] for a, b in pairwise(edges))
    return _weekly(name, days, classes=name != "bike_sharing")


def _weekly(name: str, days: tuple[pl.DataFrame, ...], *, classes: bool) -> Stream:
    """Return windows of a week each, their rows spread evenly over it."""
    weeks = []
    for number, one in enumerate(days):
        seconds = np.linspace(0, WEEK.total_seconds() - 1, one.height)
        times = [START + number * WEEK + timedelta(seconds=float(s)) for s in seconds]
        ids = [f"{number:03d}-{i:05d}" for i in range(one.height)]
        kept = one.drop([c for c in ("id", "time") if c in one.columns])
        weeks.append(kept.select(pl.Series("id", ids), pl.Series("time", times), pl.all()))
    return Stream(name, tuple(weeks), REFERENCE, classes)


def _electricity(folder: Path) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "electricity.parquet")
    label = (rows["class"] == "UP").cast(pl.Int64)
    return rows.select(pl.exclude("class", "date", "day"), label.alias("label"))


def _bank(folder: Path) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "bank_additional_full.parquet")
    label = (rows["y"] == "yes").cast(pl.Int64)
    # What is known before the call: its duration is not, and the economy's figures name the month.
    rows = rows.drop("y", "duration").with_columns(pl.col(pl.String).rank("dense").cast(pl.Float64))
    return rows.rename({c: c.replace(".", "_") for c in rows.columns}).with_columns(label=label)


def _bikes(folder: Path) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "hour.parquet")
    kept = rows.drop("instant", "dteday", "yr", "casual", "registered", "cnt")
    return kept.with_columns(label=rows["cnt"].cast(pl.Float64).sqrt())


def _gas(folder: Path) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "gas_sensor_drift.parquet")
    # Within a batch the file is sorted by gas: a window of one class alone would be about the order of the file.
    mixed = rows.with_columns(mixed=np.random.default_rng(0).random(rows.height)).sort("batch", "mixed")
    return mixed.select(*(f"s{i}" for i in range(1, 129, 4)), pl.col("gas").alias("label"))
