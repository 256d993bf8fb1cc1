"""Parts of the calendar follow the dates of their rows, whatever they begin to count at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.compare.calendar_course import CalendarCourse
from watchkeeper.core.window import Window

START = datetime(2021, 1, 4, tzinfo=UTC)


def window(day: int, days: int = 1) -> Window:
    return Window(START + timedelta(days=day), START + timedelta(days=day + days))


@pytest.mark.parametrize(
    ("course", "day", "days", "allowed"),
    [
        (CalendarCourse("weekday", 0), 0, 1, {1.0}),  # 4 January 2021 was a Monday
        (CalendarCourse("weekday", 6), 0, 1, {0.0, 7.0}),
        (CalendarCourse("weekday", 0), 0, 7, {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}),
        (CalendarCourse("month", 0), 26, 7, {1.0, 2.0}),
        (CalendarCourse("year", -2011), 0, 1, {10.0}),
        (CalendarCourse("season", 0, tuple((float(m // 3),) for m in range(12))), 55, 7, {0.0}),
        (CalendarCourse("season", 0, tuple((float(m // 3),) for m in range(12))), 84, 7, {0.0, 1.0}),
    ],
)
def test_a_window_allows_what_its_dates_say(course: CalendarCourse, day: int, days: int, allowed: set[float]) -> None:
    assert set(course.shares(window(day, days))) == allowed


def test_of_both_months_of_a_week_a_quarter_of_the_days_must_be_there() -> None:
    assert CalendarCourse("month").shares(window(26, 7)) == pytest.approx({1.0: 1 - 5 / 28, 2.0: 1 - 2 / 28})


def dated(days: int) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    at = pl.Series("at", [START + timedelta(hours=hour) for hour in range(24 * days)])
    return pl.DataFrame({"at": at, "x": rng.normal(size=len(at))}).with_columns(
        month=at.dt.month(), dow=at.dt.weekday() - 1, year=at.dt.year() - 2000, hr=at.dt.hour()
    )


@pytest.fixture(scope="module")
def proofs() -> Any:
    rows = dated(540)
    return {
        every: watchkeeper.prove(
            rows, time="at", every=every, faults=["stuck@1", "default@1", "unit_ratio@0.1"],
            columns=["month", "dow", "year", "hr"], seeds=1, within=4, windows=40,
        ).result
        for every in ("1d", "1w")
    }  # fmt: skip


@pytest.mark.parametrize("every", ["1d", "1w"])
def test_what_the_dates_do_not_say_is_found_at_once_and_named(proofs: Any, every: str) -> None:
    result = proofs[every]
    tried = [t for t in result.trials if t.outcome.value in ("found", "missed") and t.fault != "stuck"]
    assert len(tried) >= 7
    assert [(t.fault, t.column) for t in tried if t.outcome.value != "found"] == []
    assert all(t.kind_first and t.column_first for t in tried)
    assert result.false_alarms == ()


def test_a_weekday_that_stands_still_is_found_in_windows_of_a_day(proofs: Any) -> None:
    (stuck,) = (t for t in proofs["1d"].trials if t.fault == "stuck" and t.column == "dow")
    assert (stuck.outcome.value, stuck.delay) == ("found", 1)


def test_the_sentence_says_that_the_dates_say_otherwise() -> None:
    rows = dated(420)
    now = rows[24 * 413 :].with_columns(month=pl.lit(7, pl.Int8))
    found = watchkeeper.check(now, rows[: 24 * 413], time="at")
    (alert,) = found.alerts
    assert alert.columns == ("month",)
    said = found.to_text() if hasattr(found, "to_text") else str(found)
    assert "what the dates" in said
