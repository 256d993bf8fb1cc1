"""Columns that move by themselves are known by what they do, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.alert import Cause
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import AlertRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.steps.monitors import default_monitors

HOURS = 24 * 200


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    local = pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    start = np.datetime64("2025-01-01", "us")
    return pl.DataFrame({"time": start + np.arange(HOURS) * np.timedelta64(1, "h")}).with_columns(
        m=pl.col("time").dt.month() - 1, dow=pl.col("time").dt.weekday() % 7, h=local.dt.hour(),
        label_of_day=pl.col("time").dt.strftime("%a"), day=pl.col("time").dt.day(), yr=pl.lit(0),
        row=pl.int_range(pl.len()) + 17, odometer=pl.Series(np.cumsum(rng.exponential(3, HOURS))),
        # What a calendar does not tell:
        birth_month=pl.Series(rng.integers(1, 13, HOURS)), index_of_month=pl.col("time").dt.month().pow(2) * 0.1,
        weekend=pl.col("time").dt.weekday() > 5, month=pl.Series(rng.integers(1, 13, HOURS)),
        walk=pl.Series(np.cumsum(rng.normal(0.05, 1, HOURS))), quality=pl.Series(rng.integers(1, 8, HOURS)),
        city=pl.Series(rng.choice(["Marburg", "Aprilia", "Augsburg"], HOURS)),
    )  # fmt: skip


def inferred(frame: pl.DataFrame) -> Schema:
    return infer_schema(frame, roles={Role.TIME: "time"} if "time" in frame.columns else {})


def test_parts_of_the_calendar_are_known_by_the_times_whatever_they_are_called(frame: pl.DataFrame) -> None:
    schema = inferred(frame)
    assert dict(schema.calendar) == {
        "m": "month", "dow": "weekday", "h": "hour", "label_of_day": "weekday", "day": "day", "yr": "year",
    }  # fmt: skip
    assert schema.counters == ("row", "odometer")


def test_without_times_the_name_and_the_numbers_decide(frame: pl.DataFrame) -> None:
    schema = inferred(frame.drop("time"))
    assert dict(schema.calendar) == {
        "dow": "weekday", "label_of_day": "weekday", "day": "day", "yr": "year", "month": "month",
    }  # fmt: skip
    # A table may be sorted by anything: only whole numbers that are evenly spaced, and called so, count on.
    assert schema.counters == ("row",)
    assert inferred(frame.drop("time").rename({"row": "age"})).counters == ()
    assert inferred(pl.DataFrame({"age": sorted([20, 30, 40, 50] * 100)})).counters == ()


def test_rows_of_one_time_have_no_order() -> None:
    rng = np.random.default_rng(3)
    days = np.datetime64("2025-01-01", "us") + np.repeat(np.arange(40), 500) * np.timedelta64(1, "D")
    frame = pl.DataFrame(
        {"time": days, "x": rng.normal(size=20_000), "day_number": np.repeat(np.arange(40), 500) + 45_000}
    )
    assert inferred(frame).counters == ("day_number",)


def test_they_are_judged_for_what_is_missing_and_out_of_range_alone(frame: pl.DataFrame) -> None:
    monitors = default_monitors(inferred(frame), AlertRule(), history=True)
    measured = {m.measure for m in monitors for column in ("m", "row", "label_of_day") if column in m.columns}
    assert measured == {"null_rate", "out_of_range"}
    assert {m.cause for m in monitors if "m" in m.columns} == {Cause.DATA_FAULT}
    assert "walk" in next(m for m in monitors if m.measure == "ks").columns
