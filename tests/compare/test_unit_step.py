"""Known transformations named from one window to the next, with power, and natural changes never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from watchkeeper.compare.swapped import swapped
from watchkeeper.compare.transformations import KnownTransformation, known_transformations
from watchkeeper.compare.unit_step import still_turned, turned_back, unit_step
from watchkeeper.compare.window_shape import Lately, WindowShape, shape_of
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.core.window import Window
from watchkeeper.schema.inference import map_of
from watchkeeper.stats.summarise import summarise_rows

Floats = NDArray[np.float64]
DAY = timedelta(days=1)
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)


class Series:
    """Windows of one column under the map of the first of them."""

    def __init__(self, name: str, windows: list[Floats]) -> None:
        self.name = name
        self.map = map_of(pl.Series(name, np.concatenate(windows[:8])))
        self.windows = windows
        self.known: list[WindowShape] = []

    def state(self, at: int, values: Floats | None = None) -> State:
        frame = pl.DataFrame({self.name: self.windows[at] if values is None else values})
        schema = Schema((Column(self.name, Role.FEATURE, Kind.NUMERIC, "Float64", self.map),))
        found = next(s for s in summarise_rows(frame, schema) if s.key.column == self.name)
        start = BEGIN + at * DAY
        return replace(found, key=replace(found.key, window=Window(start, start + DAY)))

    def shapes(self, until: int) -> list[WindowShape]:
        if not self.known:
            found = [shape_of(self.state(at), BEGIN + at * DAY) for at in range(len(self.windows))]
            self.known = [shape for shape in found if shape is not None]
        return self.known[until - 8 : until]

    def step(self, at: int, values: Floats | None = None) -> Transformation | None:
        return unit_step(self.state(at, values), self.shapes(at))


def weather(rng: np.random.Generator, n: int, days: int = 9) -> list[Floats]:
    means = 12 + np.cumsum(rng.normal(0, 1, days))
    return [rng.normal(mean, 4, n) for mean in means]


def prices(rng: np.random.Generator, n: int, days: int = 9) -> list[Floats]:
    return [rng.lognormal(3 + rng.normal(0, 0.05), 0.4, n) for _ in range(days)]


def distances(rng: np.random.Generator, n: int) -> list[Floats]:
    return [rng.lognormal(6, 0.3, 20 * n) for _ in range(9)]


@pytest.mark.parametrize(
    ("name", "make", "turn", "units"),
    [
        ("temperature", weather, lambda x: 1.8 * x + 32, "°C → °F"),
        ("temperature", weather, lambda x: x + 273.15, "°C → K"),
        ("price", prices, lambda x: x / 1000, "units → thousands"),
        ("price", prices, lambda x: x * 100, "hundreds → units"),
        ("trip_distance", distances, lambda x: x * 1.609344, "miles → kilometres"),
        ("age", lambda rng, n: [20 + rng.gamma(4, 6, n) for _ in range(9)], lambda x: 2024 - x, "age → year of birth"),
        ("amount", prices, np.log, "x → natural logarithm"),
        ("amount", lambda rng, n: [np.log(x) for x in prices(rng, n)], np.exp, "natural logarithm → x"),
    ],
)  # fmt: skip
def test_a_known_transformation_is_named(name: str, make, turn, units: str) -> None:
    named = []
    for seed in range(6):
        series = Series(name, make(np.random.default_rng(seed), 1_000))
        does = series.step(8, turn(series.windows[8]))
        named.append(does.units if does else "")
        assert series.step(8) is None
    assert named.count(units) >= 5


def test_windows_too_small_to_tell_factors_apart_name_no_unit() -> None:
    named = []
    for seed in range(20):
        series = Series("trip_distance", prices(np.random.default_rng(seed), 40))
        named.append(series.step(8, series.windows[8] * 1.609344))
    assert named == [None] * 20


def test_prices_that_jump_by_any_factor_are_no_other_unit() -> None:
    # Sudden, and in shape as before: only that the factor is one of the known ones could name it.
    rng, named = np.random.default_rng(5), []
    for seed in range(40):
        series = Series("price", prices(np.random.default_rng(seed), 500))
        named.append(series.step(8, series.windows[8] * np.exp(rng.uniform(-1.5, 1.5))))
    assert sum(one is not None for one in named) <= 2


def test_natural_changes_name_no_unit() -> None:
    # Growth, level shifts, other mixes, wider and narrower values: 12 series of 32 judged windows each.
    named = 0
    for seed in range(12):
        rng = np.random.default_rng([3, seed])
        level, windows = 3.0, []
        for day in range(40):
            level += 0.02 * (seed % 4) + (rng.normal(0, 0.6) if day % 10 == 9 else 0.0)
            mixed = rng.random(300) < (0.3 if day < 20 else 0.7)
            values = rng.lognormal(level, 0.3 + 0.3 * (day > 25), 300) * np.where(mixed, 2.0, 1.0)
            windows.append(values)
        series = Series("amount", windows)
        named += sum(series.step(day) is not None for day in range(8, 40))
    assert named == 0


def test_growth_that_gets_there_slowly_is_no_step() -> None:
    rng = np.random.default_rng(1)
    windows = [rng.lognormal(3 + np.log(1000) * day / 40, 0.1, 500) for day in range(40)]
    series = Series("amount", windows)
    assert [series.step(day) for day in range(8, 40)] == [None] * 32


def test_what_was_turned_is_known_again_until_it_is_turned_back() -> None:
    rng = np.random.default_rng(2)
    series = Series("temperature", weather(rng, 500, 20))
    does = series.step(8, 1.8 * series.windows[8] + 32)
    assert does is not None
    assert does.since == BEGIN + 8 * DAY
    shapes = series.shapes(8)
    for day in range(9, 15):
        state = series.state(day, 1.8 * series.windows[day] + 32)
        assert still_turned(state, shapes, does)
        shape = shape_of(state, BEGIN + day * DAY)
        assert shape is not None
        shapes = [*shapes[1:], turned_back(shape, does)]
    assert not still_turned(series.state(15), shapes, does)


@pytest.mark.parametrize("name", ["temperature", "trip_distance", "weeks", "x"])
def test_each_transformation_and_the_one_undone_give_the_value_back(name: str) -> None:
    x = np.array([20.0, 40.0, 60.0])
    for one in known_transformations(name, 2024):
        if one.linear:
            back = KnownTransformation(
                Transformation(TransformationKind.AFFINE, "", 1 / one.does.factor, -one.does.offset / one.does.factor)
            )
            assert back.apply(one.apply(x)) == pytest.approx(x)
        else:
            assert one.inverse().apply(one.apply(x)) == pytest.approx(x, rel=1e-6)


def test_known_factors_are_those_of_their_definitions() -> None:
    # International yard and pound 1959; °F by 32 and 212 at 0 and 100 °C; BIPM, SI brochure, for the kelvin.
    known = {one.does.units: one for one in known_transformations("wind_speed_temperature", 2024)}
    assert known["inches → centimetres"].apply(np.array([12.0]))[0] == pytest.approx(30.48)
    assert known["pounds → kilograms"].does.factor == 0.45359237
    assert known["°C → °F"].apply(np.array([0.0, 100.0])).tolist() == [32.0, 212.0]
    assert known["°F → K"].apply(np.array([32.0]))[0] == pytest.approx(273.15)
    assert known["metres per second → miles per hour"].does.factor == pytest.approx(3600 / 1609.344)


def test_columns_that_changed_places_are_named_and_others_that_moved_are_not() -> None:
    right, wrong = 0, 0
    for seed in range(8):
        rng = np.random.default_rng([9, seed])
        columns = {
            "wind": Series("wind", [rng.gamma(2, 3, 300) for _ in range(9)]),
            "pressure": Series("pressure", [rng.normal(1015 + rng.normal(0, 3), 4, 300) for _ in range(9)]),
            "humidity": Series("humidity", [rng.normal(70 + rng.normal(0, 3), 10, 300) for _ in range(9)]),
            "clouds": Series("clouds", [rng.normal(40 + rng.normal(0, 3), 10, 300) for _ in range(9)]),
        }
        lately = {name: Lately(tuple(one.shapes(8))) for name, one in columns.items()}
        now = {name: one.windows[8] for name, one in columns.items()}
        assert swapped({name: columns[name].state(8) for name in now}, lately) == {}
        turned = {**now, "wind": now["humidity"], "humidity": now["wind"]}
        found = swapped({name: columns[name].state(8, values) for name, values in turned.items()}, lately)
        right += {name: one.column for name, one in found.items()} == {"wind": "humidity", "humidity": "wind"}
        # One of two that looks as the other did is no swap: both have to.
        moved = {**now, "wind": now["humidity"], "humidity": now["humidity"] + 200}
        wrong += bool(swapped({name: columns[name].state(8, values) for name, values in moved.items()}, lately))
    assert (right, wrong) == (8, 0)


def test_windows_of_one_value_and_of_huge_ones_break_nothing() -> None:
    rng = np.random.default_rng(1)
    zeros = Series("x", [np.where(rng.random(60) < 0.97, 0.0, 5.0) for _ in range(9)])
    same = Series("x", [np.full(60, 7.0) for _ in range(9)])
    huge = Series("x", [rng.normal(0, 1, 60) * 1e300 for _ in range(9)])
    for series in (zeros, same, huge):
        assert series.step(8) is None
        assert series.step(8, series.windows[8] * 1000) is None
        lately = {"x": Lately(tuple(series.shapes(8)))}
        assert swapped({"x": series.state(8, np.arange(60.0))}, lately) == {}
