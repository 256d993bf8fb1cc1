"""Parts of the calendar go on with the times of the rows, whatever part of a year the reference covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import watchkeeper


def calendar(start: datetime, days: int) -> pl.DataFrame:
    times = [start + timedelta(hours=n) for n in range(24 * days)]
    rng = np.random.default_rng(days)
    frame = pl.DataFrame({"at": times, "load": rng.normal(50, 5, len(times))})
    at = pl.col("at").dt
    return frame.with_columns(year=at.year(), month=at.month(), quarter=at.quarter(), week=at.week())


@pytest.fixture(scope="module")
def spring() -> pl.DataFrame:
    """Return rows that hold two years, and three months of either."""
    parts = [calendar(datetime(year, 2, 1, tzinfo=UTC), 60) for year in (2022, 2023)]
    return pl.concat(parts)


@pytest.mark.parametrize("start", [datetime(2023, 10, 2, tzinfo=UTC), datetime(2025, 1, 6, tzinfo=UTC)])
def test_a_later_month_and_a_new_year_are_no_fault(spring: pl.DataFrame, start: datetime) -> None:
    found = watchkeeper.check(calendar(start, 14), spring, time="at")
    assert {name for alert in found.alerts for name in alert.columns} == set()


@pytest.mark.parametrize(("column", "value"), [("year", 2033), ("year", -999), ("month", 99), ("week", -999)])
def test_numbers_that_no_calendar_has_are_one(spring: pl.DataFrame, column: str, value: int) -> None:
    now = calendar(datetime(2025, 1, 6, tzinfo=UTC), 14).with_columns(pl.lit(value, pl.Int32).alias(column))
    found = watchkeeper.check(now, spring, time="at")
    assert column in {name for alert in found.alerts for name in alert.columns}
