"""Tables from when all was well: real ones with seasons, and generated ones with growth and holidays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

__all__ = ["DATA", "SightSet", "every_set", "generated"]

DATA = Path(__file__).parents[3] / "shared" / "data"
_START = datetime(2022, 1, 1, tzinfo=UTC)
_HOLIDAYS = (1, 121, 359, 360)
"""Days of the year on which little happens."""


@dataclass
class SightSet:
    """A table, and how it is looked at.

    Attributes
    ----------
    roles
        What ``watchkeeper.prove`` is told of its columns.
    lengths
        Lengths of the windows to try.
    """

    name: str
    rows: pl.DataFrame
    roles: Mapping[str, Any] = field(default_factory=dict)
    lengths: tuple[str, ...] = ("1d", "1w")


def every_set(data: Path = DATA, seeds: int = 3) -> Iterator[SightSet]:
    """Yield the generated sets, and those real ones that are there."""
    for seed in range(seeds):
        yield generated(seed)
    real: Mapping[str, Callable[[Path], SightSet]] = {
        "bike_sharing": _bikes, "electricity": _electricity, "beijing_pm25": _beijing, "nannyml_car_loan": _loans,
    }  # fmt: skip
    for name, read in real.items():
        if (data / name).is_dir():
            yield read(data / name)


def generated(seed: int, *, days: int = 900, rows: int = 60) -> SightSet:
    """Return rows with daily, weekly and yearly seasons, growth, and holidays, answered by a model that is right."""
    rng = np.random.default_rng([20_261_130, seed])
    day = np.arange(days)
    busy = 1 + 0.3 * np.sin(2 * np.pi * day / 365.25) - 0.25 * (day % 7 >= 5) + 0.4 * day / days
    busy = np.where(np.isin(day % 365, _HOLIDAYS), 0.5, busy)
    counts = rng.poisson(rows * busy)
    at = np.repeat(day, counts) + rng.beta(3, 2.5, counts.sum())
    hour, year, n = 2 * np.pi * (at % 1), 2 * np.pi * at / 365.25, len(at)
    # Weather of a day and the day before are alike.
    noise = np.zeros(days)
    for d in range(1, days):
        noise[d] = 0.7 * noise[d - 1] + rng.normal(0, 1.5)
    celsius = 11 - 9 * np.cos(year) - 4 * np.cos(hour) + noise[at.astype(int)] + rng.normal(0, 1, n)
    humidity = np.clip(75 - 1.2 * celsius + rng.normal(0, 8, n), 5, 100)
    basket = rng.lognormal(3 + 0.15 * np.sin(year) + 0.2 * at / days, 0.5, n)
    items = rng.poisson(2 + 2 * (at.astype(int) % 7 >= 5))
    seconds = rng.gamma(2, 40, n)
    shop = rng.choice(["north", "south", "web"], n, p=[0.5, 0.3, 0.2])
    logit = 0.08 * (celsius - 10) + 0.7 * (shop == "web") - 0.01 * (basket - 25) + 0.2 * (items - 3)
    score = 1 / (1 + np.exp(-logit))
    frame = pl.DataFrame(
        {
            "at": [_START + timedelta(days=float(moment)) for moment in at], "id": np.arange(n), "celsius": celsius,
            "humidity": humidity, "basket": basket, "items": items, "seconds": seconds, "shop": shop, "score": score,
            "prediction": (score > 0.5).astype(np.int64), "bought": (rng.random(n) < score).astype(np.int64),
        }
    ).sort("at")  # fmt: skip
    roles = {"time": "at", "id": "id", "score": "score", "prediction": "prediction", "label": "bought"}
    return SightSet(f"generated, seed {seed}", frame, roles)


def _bikes(folder: Path) -> SightSet:
    rows = pl.read_parquet(folder / "hour.parquet")
    at = pl.col("dteday").str.to_datetime("%Y-%m-%d", time_zone="UTC") + pl.duration(hours="hr")
    # The two parts of the label, the date as text and the number of the row are none of what a model is asked.
    return SightSet(
        "bike_sharing", rows.with_columns(at=at).drop("dteday", "instant", "casual", "registered"),
        {"time": "at", "label": "cnt"},
    )  # fmt: skip


def _electricity(folder: Path) -> SightSet:
    rows = pl.read_parquet(folder / "electricity.parquet")
    moments = [datetime(1996, 5, 7, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(rows.height)]
    return SightSet(
        "electricity", rows.drop("date").with_columns(at=pl.Series(moments)), {"time": "at", "label": "class"}
    )


def _beijing(folder: Path) -> SightSet:
    rows = pl.read_parquet(folder / "beijing_pm25.parquet")
    return SightSet("beijing_pm25", rows, {"time": "ts", "label": "pm2.5"})


def _loans(folder: Path) -> SightSet:
    """Return the reference and the half of the rest in which nothing was changed."""
    name = "synthetic_car_loan"
    reference, later, labels = (
        pl.read_parquet(folder / f"{name}_{part}.parquet") for part in ("reference", "analysis", "analysis_target")
    )
    known = later.head(25_000).join(labels, on="id").with_columns(pl.col("repaid").cast(pl.Float64))
    rows = pl.concat([reference, known.select(reference.columns)], how="vertical_relaxed")
    roles = {"time": "timestamp", "id": "id", "score": "y_pred_proba", "prediction": "y_pred", "label": "repaid"}
    return SightSet("car loan with time", rows, roles)
