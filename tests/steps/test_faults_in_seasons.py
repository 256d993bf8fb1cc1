"""A year of daily weather, and a week in which one column is at fault: seasons are no reason not to see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

import watchkeeper
from watchkeeper.core.alert import Cause, Severity

DAYS = 365 + 7
MAX = pl.col("max_temp")


@pytest.fixture(scope="module")
def weather() -> pl.DataFrame:
    rng, day = np.random.default_rng(0), np.arange(DAYS)
    year = np.sin(2 * np.pi * day / 365)

    def slow(spread: float) -> np.ndarray:
        steps, found = rng.normal(0, spread, DAYS), np.zeros(DAYS)
        for i in range(1, DAYS):
            found[i] = 0.7 * found[i - 1] + steps[i]
        return found

    return pl.DataFrame(
        {
            "date": np.datetime64("2015-01-01", "us") + day * np.timedelta64(1, "D"),
            "min_temp": (11 + 5 * year + slow(2)).round(1),
            "max_temp": (22 + 6 * year + slow(2)).round(1),
            "rain": np.where(rng.random(DAYS) < 0.25, rng.exponential(8, DAYS).round(1), 0.0),
            "pressure": (1013 + slow(4)).round(1),
            "wind": rng.choice(["N", "S", "E", "W"], DAYS),
        }
    )


FAULTS: list[tuple[str, Callable[[pl.Expr], pl.Expr], str]] = [
    ("null", lambda _: pl.lit(None, pl.Float64), "null_rate"),
    ("-999", lambda _: pl.lit(-999.0), "out_of_range"),
    ("kelvin", lambda x: x + 273.15, "out_of_range"),
    ("constant", lambda _: pl.lit(21.4), "repeated_value"),
]


@pytest.mark.parametrize(("_what", "fault", "measure"), FAULTS)
def test_a_column_at_fault_in_every_row_of_a_week_pages(
    weather: pl.DataFrame, _what: str, fault: Callable[[pl.Expr], pl.Expr], measure: str
) -> None:
    found = watchkeeper.check(weather[365:].with_columns(max_temp=fault(MAX)), weather[:365], time="date")
    assert found.verdict == "alert"
    (alert,) = found.alerts
    assert (alert.cause, alert.severity, alert.columns[0]) == (Cause.DATA_FAULT, Severity.PAGE, "max_temp")
    assert measure in {s.measurement.name for s in found.signals if s.fired}
    assert found.diagnoses[0].hypotheses[0].columns == ("max_temp",)


def test_text_where_numbers_were_and_renamed_levels_page_too(weather: pl.DataFrame) -> None:
    now = weather[365:].with_columns(max_temp=pl.format("{} C", MAX), wind=pl.format("wind {}", "wind"))
    found = watchkeeper.check(now, weather[:365], time="date")
    assert {"max_temp", "wind"} <= set(found.alerts[0].columns)


def test_the_week_as_it_was_raises_nothing(weather: pl.DataFrame) -> None:
    assert not watchkeeper.check(weather[365:], weather[:365], time="date").alerts
