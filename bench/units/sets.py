"""Tables whose columns changed by themselves: real ones, and generated ones that grow, jump and mix otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from bench.sight.sets import generated

__all__ = ["DATA", "UnitSet", "every_set", "natural"]

DATA = Path(__file__).parents[3] / "shared" / "data"
_BEGIN = datetime(2022, 1, 3, tzinfo=UTC)
_MOST_COLUMNS = 16


@dataclass(frozen=True)
class UnitSet:
    """A table with the times of its rows in ``at``.

    Attributes
    ----------
    columns
        Of numbers, as they are looked at.
    segments
        Columns whose levels divide it.
    """

    name: str
    rows: pl.DataFrame
    columns: tuple[str, ...]
    segments: tuple[str, ...] = ()


def every_set(data: Path = DATA, seeds: int = 2) -> Iterator[UnitSet]:
    """Yield the generated sets, and those real ones that are there."""
    for seed in range(seeds):
        rows = generated(seed).rows
        yield _set(f"generated, seed {seed}", rows, without=("id", "score", "prediction", "bought"))
        yield natural(seed)
    for folder, file, time, each in _REAL:
        if (data / folder / file).is_file():
            yield _real(pl.read_parquet(data / folder / file), file.removesuffix(".parquet"), time, each)


_REAL: tuple[tuple[str, str, str, timedelta], ...] = (
    ("bike_sharing", "hour.parquet", "dteday", timedelta(0)),
    ("beijing_pm25", "beijing_pm25.parquet", "ts", timedelta(0)),
    ("electricity", "electricity.parquet", "", timedelta(minutes=30)),
    ("bank_marketing", "bank_additional_full.parquet", "", timedelta(minutes=32)),
    ("bank_marketing", "bank_full.parquet", "", timedelta(minutes=29)),
    ("gas_sensor_drift", "gas_sensor_drift.parquet", "", timedelta(hours=1)),
    ("nannyml_car_loan", "synthetic_car_loan_analysis.parquet", "timestamp", timedelta(0)),
    ("nannyml_car_price_regression", "regression_synthetic_analysis.parquet", "timestamp", timedelta(0)),
    ("nannyml_multiclass_mc", "mc_analysis.parquet", "timestamp", timedelta(0)),
    ("uci_credit_default", "UCI_Credit_Card.parquet", "", timedelta(minutes=20)),
    ("azure_llm_trace", "conv.parquet", "", timedelta(minutes=5)),
    ("azure_llm_trace", "code.parquet", "", timedelta(minutes=5)),
)
"""Folder, file, column with the time, and how far apart rows are put that have none but come in order."""


def _real(rows: pl.DataFrame, name: str, time: str, each: timedelta) -> UnitSet:
    if not time:
        at = pl.Series("at", [_BEGIN + n * each for n in range(rows.height)])
    elif rows.schema[time] == pl.String:
        at = rows[time].str.slice(0, 19).str.to_datetime(strict=False, time_zone="UTC").alias("at")
        at = (
            at if at.null_count() < rows.height else rows[time].str.to_datetime("%Y-%m-%d", time_zone="UTC").alias("at")
        )
    else:
        at = rows[time].dt.replace_time_zone("UTC").alias("at")
    return _set(name, rows.drop(time, strict=False).with_columns(at).filter(pl.col("at").is_not_null()))


def _set(name: str, rows: pl.DataFrame, without: tuple[str, ...] = ()) -> UnitSet:
    numbers = [c for c, t in rows.schema.items() if t.is_numeric() and rows[c].n_unique() > 4 and c not in without]
    leveled = [c for c, t in rows.schema.items() if c != "at" and 2 <= rows[c].n_unique() <= 12 and t != pl.Boolean]
    kept = tuple(c for c in numbers if c.lower() not in ("id", "instant"))[:_MOST_COLUMNS]
    return UnitSet(name, rows.sort("at"), kept, tuple(leveled[:4]))


def natural(seed: int, days: int = 420) -> UnitSet:
    """Return columns that grow, are inflated, jump by a factor or a step, and come from other mixes."""
    rng = np.random.default_rng([20_261_201, seed])
    day = np.arange(days)
    at = np.repeat(day, rng.poisson(80, days)) + 0.0
    n, now = len(at), at.astype(int)
    at += rng.random(n)

    def jumps(every: int, spread: float) -> np.ndarray:
        return np.cumsum(np.where(rng.random(days) < 1 / every, rng.normal(0, spread, days), 0.0))[now]

    yearly, weekend = np.sin(2 * np.pi * at / 365.25), now % 7 >= 5
    mix = rng.random(n) < (0.2 + 0.6 * (np.sin(2 * np.pi * now / 150) > 0))
    frame = pl.DataFrame(
        {
            "at": [_BEGIN + timedelta(days=float(moment)) for moment in at],
            "price": rng.lognormal(3 + at / 300, 0.4, n),
            "fare": rng.lognormal(2 + jumps(40, 0.5), 0.3, n),
            "waiting_minutes": rng.exponential(np.exp(2 + jumps(30, 0.7))),
            "trip_distance": rng.gamma(2, 5 * np.exp(jumps(40, 0.5))),
            "load_kg": rng.normal(60 + 20 * jumps(50, 1.0), 8, n),
            "temperature": rng.normal(12 - 10 * yearly + jumps(20, 3), 3, n),
            "amount": rng.lognormal(2, 0.3, n) * np.where(mix, 10.0, 1.0),
            "weight": rng.lognormal(1, 0.3, n) * np.where(mix, 2.2, 1.0),
            "orders": rng.poisson(np.exp(1.5 + 0.5 * weekend + jumps(60, 0.5))).astype(float),
            "balance": rng.standard_t(3, n) * np.exp(5 + jumps(50, 0.6)),
            "region": rng.choice(["north", "south", "east", "west"], n),
        }
    )
    scales = pl.col("region").replace_strict({"north": 1.0, "south": 1.7, "east": 3.2, "west": 9.0})
    return _set(f"natural changes, seed {seed}", frame.with_columns(revenue=pl.col("fare") * scales))
