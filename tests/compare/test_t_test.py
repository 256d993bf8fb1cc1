"""Welch's t-test against scipy.stats.ttest_ind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.t_test import TTest
from watchkeeper.core.measurement import Status

from .conftest import Pair


@pytest.mark.parametrize(("n0", "n"), [(2, 3), (9, 6), (5_000, 800)])
def test_p_value_statistic_and_degrees_of_freedom_are_scipys(pair: Pair, n0: int, n: int) -> None:
    rng = np.random.default_rng(n)
    reference, current = rng.normal(7, 2, n0), rng.normal(7.1, 5, n)
    found = TTest().compare(*pair(reference, current))
    expected = stats.ttest_ind(current, reference, equal_var=False)
    assert found.value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.evidence.details["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    assert found.evidence.details["degrees_of_freedom"] == pytest.approx(expected.df, rel=1e-9)


def test_seconds_since_1970_lose_no_digits(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1e-3, 500), rng.normal(1e-4, 1e-3, 400)
    found = TTest().compare(*pair(1.7e9 + x, 1.7e9 + y))
    assert found.value == pytest.approx(stats.ttest_ind(1.7e9 + y - 1.7e9, 1.7e9 + x - 1.7e9, equal_var=False).pvalue)


def test_two_constants_are_equal_or_they_are_not(pair: Pair) -> None:
    assert TTest().compare(*pair([3.0] * 9, [3.0] * 4)).value == 1.0
    assert TTest().compare(*pair([3.0] * 9, [4.0] * 4)).value == 0.0


def test_one_value_is_no_data(pair: Pair) -> None:
    found = TTest().compare(*pair([1.0, 2.0, 3.0], [1.0]))
    assert found.status is Status.NO_DATA
    assert "needs two" in found.reason


def test_squares_beyond_the_largest_number_are_no_data(pair: Pair) -> None:
    with np.errstate(over="ignore"):
        found = TTest().compare(*pair([1.0, 2.0, 3.0] * 50, [1e308, -1e308] * 50))
    assert found.status is Status.NO_DATA
    assert "too large" in found.reason
