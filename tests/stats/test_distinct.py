"""HyperLogLog against the true number of distinct values and its published error of 1.04/sqrt(m)."""

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.schema import Column, Kind, Role
from watchkeeper.stats.blocks import NumberSource
from watchkeeper.stats.distinct import Distinct
from watchkeeper.stats.level_index import count_levels
from watchkeeper.stats.statistic import fold

NUMBERS = Column("x", Role.FEATURE, Kind.NUMERIC)
TEXTS = Column("x", Role.FEATURE, Kind.CATEGORICAL)


def of_numbers(values):
    return fold(Distinct(), NUMBERS, NumberSource(pl.Series("x", values, dtype=pl.Float64), NUMBERS).blocks())


def of_texts(values):
    return fold(Distinct(), TEXTS, [count_levels(pl.DataFrame({"x": values}), ["x"])["x"]])


@pytest.mark.parametrize("n", [1, 10, 100, 1_000, 20_000, 200_000])
def test_the_number_of_distinct_numbers_is_within_four_standard_errors(n):
    estimate = Distinct().result(of_numbers(np.arange(n, dtype=float)))
    assert abs(estimate - n) <= max(0.5, 4 * 0.01625 * n)


@pytest.mark.parametrize("n", [1, 500, 30_000])
def test_the_number_of_distinct_texts_is_within_four_standard_errors(n):
    estimate = Distinct().result(of_texts([f"level {i}" for i in range(n)]))
    assert abs(estimate - n) <= max(0.5, 4 * 0.01625 * n)


def test_the_error_over_many_sets_is_the_published_one():
    # Flajolet et al. (2007): standard error 1.04/sqrt(4096) = 1.625 %.
    rng = np.random.default_rng(5)
    errors = [Distinct().result(of_numbers(rng.normal(size=8_000))) / 8_000 - 1 for _ in range(60)]
    assert abs(np.mean(errors)) < 4 * 0.01625 / np.sqrt(60)
    assert 0.011 < np.std(errors) < 0.023


def test_no_rows_have_no_distinct_values():
    assert Distinct().result(of_numbers([])) == 0.0


def test_repeating_the_rows_changes_nothing():
    x = np.arange(1_000, dtype=float)
    assert np.array_equal(of_numbers(x).registers, of_numbers(np.tile(x, 50)).registers)


def test_sorted_whole_numbers_spread_over_all_registers():
    assert (of_numbers(np.arange(200_000, dtype=float)).registers > 0).all()
