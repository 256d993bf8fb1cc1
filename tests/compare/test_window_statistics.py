"""The numbers of a window that are judged against its season, against numpy on the rows themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from watchkeeper.compare.window_statistics import WindowStatistics, followed
from watchkeeper.core.evidence import Quantity
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.stats.summarise import summarise_rows

NORMAL = NumericMap(0.0, 1.349)


def state(values: Any, kind: Kind = Kind.NUMERIC, map: NumericMap = NORMAL) -> State:
    schema = Schema((Column("x", Role.FEATURE, kind, map=map),))
    return summarise_rows(pl.DataFrame({"x": values}), schema)[0]


@pytest.fixture(scope="module")
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def test_a_light_column_has_mean_spread_and_shares_below_the_deciles(rng: np.random.Generator) -> None:
    whole = state(rng.normal(0, 1, 20_000))
    x = rng.normal(0.3, 1.2, 500)
    statistics = WindowStatistics.of(whole, [state(rng.normal(0, 1, 500)) for _ in range(20)])
    assert statistics is not None
    assert statistics.names == ("mean", "spread", "below:0.10", "below:0.25", "below:0.50", "below:0.75", "below:0.90")
    rows, values = statistics.measure(state(x))
    assert rows == 500
    assert values[0] == pytest.approx(x.mean() / 1.349, rel=1e-9)
    assert np.exp(values[1]) == pytest.approx(x.std() / 1.349 + 0.02 * statistics.spread, rel=1e-9)
    for value, quantile in zip(values[2:], (-1.2816, -0.6745, 0.0, 0.6745, 1.2816), strict=True):
        assert np.sin(value) ** 2 == pytest.approx(np.mean(x < quantile), abs=0.03)


def test_a_heavy_column_goes_by_its_inverse_hyperbolic_sine(rng: np.random.Generator) -> None:
    x = np.exp(rng.normal(0, 1.5, 20_000))
    median, width = np.median(x), np.subtract(*np.quantile(x, [0.75, 0.25]))
    own = NumericMap(float(median), float(width))
    statistics = WindowStatistics.of(state(x, map=own), [])
    assert statistics is not None
    assert statistics.heavy
    _, values = statistics.measure(state(x[:400], map=own))
    assert values[0] == pytest.approx(np.arcsinh((x[:400] - median) / width).mean(), abs=0.01)
    change = statistics.change(0, float(values[0]), 1.0, state(x[:400], map=own))
    assert change.quantity is Quantity.TYPICAL
    assert change.after == pytest.approx(median + width * np.sinh(1.0))


@pytest.mark.parametrize(("spikes", "heavy"), [(0.003, True), (0.0, False)])
def test_a_column_whose_mean_a_few_rows_would_make_is_heavy(
    rng: np.random.Generator, spikes: float, heavy: bool
) -> None:
    """Prices of which three in a thousand are a hundred times higher: no percentile shows them, a day's mean does."""
    whole = state(np.where(rng.random(20_000) < spikes, 100.0, 1.0) * rng.normal(1, 0.3, 20_000))
    statistics = WindowStatistics.of(whole, [])
    assert statistics is not None
    assert statistics.heavy is heavy


def test_quantiles_stand_in_where_windows_lie_on_one_side_of_the_deciles(rng: np.random.Generator) -> None:
    seasons = [rng.normal(3 * np.sin(i), 0.2, 200) for i in range(40)]
    statistics = WindowStatistics.of(state(np.concatenate(seasons)), [state(one) for one in seasons])
    assert statistics is not None
    assert statistics.names == ("mean", "spread", "quantile:0.1", "quantile:0.5", "quantile:0.9")
    _, values = statistics.measure(state(seasons[3]))
    assert values[2:] * 1.349 == pytest.approx(np.quantile(seasons[3], [0.1, 0.5, 0.9]), abs=0.03)


def test_levels_have_the_shares_of_the_eight_commonest() -> None:
    names = [f"l{i}" for i in range(12) for _ in range(2 ** (12 - i))]
    statistics = WindowStatistics.of(state(names, Kind.CATEGORICAL), [])
    assert statistics is not None
    assert statistics.levels == tuple(f"l{i}" for i in range(8))
    rows, values = statistics.measure(state(["l0"] * 30 + ["new"] * 70, Kind.CATEGORICAL))
    assert rows == 100
    assert np.sin(values[0]) ** 2 == pytest.approx((30 + 0.375) / 100.75)
    change = statistics.change(0, float(np.arcsin(0.5**0.5)), float(values[0]), state(["l0"], Kind.CATEGORICAL))
    assert (change.quantity, change.levels, change.before) == (Quantity.SHARE, ("l0",), pytest.approx(0.5))


def test_two_rows_say_nothing(rng: np.random.Generator) -> None:
    statistics = WindowStatistics.of(state(rng.normal(0, 1, 1_000)), [])
    assert statistics is not None
    rows, values = statistics.measure(state([1.0, 2.0, None]))
    assert rows == 2
    assert np.isnan(values).all()


def test_features_and_answers_of_numbers_and_levels_are_followed() -> None:
    assert followed(Column("x", Role.FEATURE, Kind.NUMERIC))
    assert followed(Column("x", Role.SCORE, Kind.NUMERIC))
    assert not followed(Column("x", Role.LABEL, Kind.NUMERIC))
    assert not followed(Column("x", Role.FEATURE, Kind.TEXT))
