"""Rows with daily, weekly and yearly seasons, growth, holidays and weather, by which variants are chosen.

Every world is hourly. Weather is a slow process of its own (days that are alike), shared in part by the columns of a
world, so that columns move together and windows follow one another, as real ones do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["START", "TIME", "WORLDS", "World"]

START = datetime(2021, 1, 4, tzinfo=UTC)
"""A Monday."""

TIME = "at"
YEAR = 365.25

Numbers = NDArray[np.float64]
Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Clock:
    """The hours that the rows of a world fall into, and the dice.

    Attributes
    ----------
    hour
        Hours since the start, one for each row, shape (rows,).
    days
        Days in all.
    """

    hour: NDArray[np.int64]
    days: int
    dice: np.random.Generator

    def __len__(self) -> int:
        return len(self.hour)

    def yearly(self, phase: float = 0.0) -> Numbers:
        """Return the yearly wave, 1 in the middle of summer."""
        return np.sin(2 * np.pi * (self.hour / 24 / YEAR - 0.28 + phase))

    def daily(self, phase: float = 0.0) -> Numbers:
        """Return the daily wave, 1 in the afternoon."""
        return np.sin(2 * np.pi * (self.hour / 24 - 0.35 + phase))

    def weekend(self) -> NDArray[np.bool_]:
        """Return whether a row is of a Saturday or Sunday."""
        return self.hour // 24 % 7 >= 5

    def holiday(self) -> NDArray[np.bool_]:
        """Return whether a row is of one of eight holidays a year, which nobody tells the monitor of."""
        return np.isin((self.hour // 24) % 365, (88, 91, 117, 142, 270, 351, 352, 356))

    def weather(self, alike: float, spread: float = 1.0) -> Numbers:
        """Return a slow process with a correlation of ``alike`` from one day to the next."""
        hourly = alike ** (1 / 24)
        steps = self.dice.standard_normal(self.days * 24) * np.sqrt(1 - hourly**2)
        found, held = np.empty(len(steps)), float(self.dice.standard_normal())
        for i, step in enumerate(steps.tolist()):
            held = hourly * held + step
            found[i] = held
        return spread * found[self.hour]

    def normal(self, spread: float = 1.0) -> Numbers:
        """Return independent noise."""
        return spread * self.dice.standard_normal(len(self))

    def chosen(self, scores: dict[str, Numbers]) -> NDArray[np.str_]:
        """Return one of the levels for each row, likelier the higher its score."""
        gumbel = -np.log(-np.log(self.dice.random((len(scores), len(self)))))
        return np.array(list(scores))[np.argmax(np.stack(list(scores.values())) + gumbel, axis=0)]


@dataclass(frozen=True)
class World:
    """Kind of rows.

    Attributes
    ----------
    rows_an_hour
        On average; their number has a season too, unless it is 1.
    columns
        Makes the columns.
    """

    name: str
    rows_an_hour: float
    columns: Callable[[Clock], Columns]

    def table(self, seed: int, days: int) -> pl.DataFrame:
        """Return the rows of ``days`` days."""
        dice = np.random.default_rng([seed, len(self.name), int(10 * self.rows_an_hour)])
        hours = np.arange(days * 24)
        counts = np.ones(len(hours), np.int64)
        if self.rows_an_hour != 1:
            wave = 1 + 0.5 * np.sin(2 * np.pi * (hours / 24 - 0.35)) + 0.2 * (hours // 24 % 7 < 5)
            counts = dice.poisson(self.rows_an_hour * wave)
        clock = Clock(np.repeat(hours, counts), days, dice)
        times = [START + timedelta(hours=hour) for hour in range(days * 24)]
        at = pl.Series(TIME, times, pl.Datetime("us", "UTC")).gather(clock.hour)
        return pl.DataFrame({name: pl.Series(values) for name, values in self.columns(clock).items()}).with_columns(at)


def _weather(c: Clock) -> Columns:
    front, wet = c.weather(0.7), c.weather(0.5)
    warm = 14 + 11 * c.yearly() + 4 * c.daily() * (1 + 0.4 * c.yearly()) + 3.5 * front + c.normal(0.7)
    rain = np.maximum(0.0, 2.0 * wet + 0.5 * c.yearly(0.2) - 1.6 + c.normal(0.5))
    return {
        "warm": warm,
        "dew": warm - 6 - 3 * np.abs(c.weather(0.6)) + 2 * wet + c.normal(0.6),
        "pressure": 1015 - 8 * c.yearly() - 5 * front + 3 * c.weather(0.8) + c.normal(0.4),
        "wind": np.exp(1.0 + 0.35 * c.daily() + 0.5 * c.weather(0.5) + c.normal(0.3)),
        "rain": np.where(rain < 0.3, 0.0, np.round(rain, 1)),
        "dust": np.exp(4 - 0.5 * c.yearly() + 0.7 * c.weather(0.65) - 0.2 * wet + c.normal(0.25)),
        "sky": c.chosen({"clear": 0.6 * c.yearly() - 0.8 * wet, "cloud": 0.3 * front, "rain": 1.2 * wet - 0.7}),
    }  # fmt: skip


def _shop(c: Clock, off: NDArray[np.bool_] | None = None) -> Columns:
    week, off = c.weekend(), np.zeros(len(c), bool) if off is None else off
    mood = c.weather(0.6, 0.05)
    return {
        "amount": np.exp(3 + 0.15 * week + 0.1 * c.yearly(0.5) + 0.12 * c.daily() + mood + c.normal(0.8)),
        "items": c.dice.poisson(np.exp(1 + 0.2 * week + 0.25 * off + 0.05 * c.yearly() + mood)).astype(float),
        "age": 41 + 3 * week - 2 * c.daily() + c.normal(12),
        "visits": np.maximum(0, 20 + 3 * c.yearly(0.3) + 4 * off + c.weather(0.4, 0.5) + c.normal(6)),
        "score": 1 / (1 + np.exp(-(0.4 * week + 0.3 * c.daily() + c.weather(0.5, 0.05) + c.normal(1.0)))),
        "still": c.normal(1.0),
        "channel": c.chosen(
            {"web": 0.8 + 0 * mood, "app": 0.4 * week + 3 * mood, "shop": -0.6 * week + 0.2 * c.daily()}
        ),
        "region": c.chosen({f"r{i}": -0.35 * i + 0 * mood for i in range(8)}),
    }  # fmt: skip


def _holidays(c: Clock) -> Columns:
    return _shop(c, c.holiday())


def _load(c: Clock) -> Columns:
    grown = 1 + 0.35 * c.hour / 24 / YEAR
    busy = 1 + 0.4 * c.daily() - 0.3 * c.weekend()
    heat = c.weather(0.75)
    demand = grown * (50 * busy + 12 * np.abs(c.yearly()) + 5 * heat + c.normal(3))
    return {
        "demand": demand,
        "flow": 0.6 * demand + c.weather(0.85, 6) + c.normal(4),
        "price": np.exp(3 + 0.008 * demand + c.weather(0.9, 0.15) + c.normal(0.15)),
        "warm": 12 + 9 * c.yearly() + 3 * c.daily() + 3 * heat + c.normal(0.6),
        "users": c.dice.poisson(np.maximum(1, grown * 40 * busy)).astype(float),
        "share": 1 / (1 + np.exp(-(c.weather(0.8, 0.3) + 0.2 * c.daily() + c.normal(0.2)))),
    }  # fmt: skip


def _plain(c: Clock) -> Columns:
    return {
        "normal": c.normal(), "amount": np.exp(3 + c.normal()), "wait": c.dice.exponential(60, len(c)),
        "count": c.dice.poisson(3, len(c)).astype(float), "noisy": c.normal() + c.weather(0.0, 0.03),
        "level": c.chosen({f"l{i}": -0.4 * i + np.zeros(len(c)) for i in range(6)}),
    }  # fmt: skip


WORLDS = {
    world.name: world
    for world in (
        World("weather", 1, _weather), World("shop", 8, _shop), World("holidays", 8, _holidays),
        World("load", 1, _load), World("plain", 40, _plain),
    )
}  # fmt: skip
"""A station's hours, a shop's sales, the same with holidays, a growing load, and rows without any season."""
