"""The smallest change that a chart says it would find is found as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.charts.test_tolerance import distance, rate
from watchkeeper.charts.sight import findable
from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.core.evidence import SightUnit

OPTIONS = {"series": 30.0, "run_length": 730.0}


def test_a_rate_of_the_stated_size_is_found_in_nine_of_ten_windows() -> None:
    rng, n0, n, before = np.random.default_rng(4), 50_000, 1_000, 2_000
    sight = Tolerance().step(None, rate(before, n0, 45, n), OPTIONS)[1].sight
    assert sight is not None
    assert sight.one_window is not None
    assert sight.unit is SightUnit.SHARE
    counts = rng.binomial(n, before / n0 + sight.one_window, 400)
    found = [Tolerance().step(None, rate(before, n0, int(count), n), OPTIONS)[1].fired for count in counts]
    assert 0.85 <= np.mean(found) <= 0.95


def test_a_rate_that_lasts_is_found_in_one_of_eight_windows() -> None:
    rng, n0, n, before = np.random.default_rng(5), 50_000, 1_000, 2_000
    sight = Tolerance().step(None, rate(before, n0, 45, n), OPTIONS)[1].sight
    assert sight is not None
    assert sight.eight_windows is not None
    counts = rng.binomial(n, before / n0 + sight.eight_windows, (200, 8))
    found = [[Tolerance().step(None, rate(before, n0, int(c), n), OPTIONS)[1].fired for c in row] for row in counts]
    assert 0.85 <= np.mean(np.any(found, axis=1)) <= 0.95


def test_a_distance_of_the_stated_size_is_found_at_least_as_often() -> None:
    rng, n0, n = np.random.default_rng(6), 50_000, 1_000
    sight = Tolerance().step(None, distance(0.0, n0, n), OPTIONS)[1].sight
    assert sight is not None
    assert sight.one_window is not None
    shift = 2 * stats.norm.ppf(0.5 + sight.one_window / 2)
    distances = [stats.kstest(rng.normal(shift, 1, n), "norm").statistic for _ in range(200)]
    found = [Tolerance().step(None, distance(float(d), n0, n), OPTIONS)[1].fired for d in distances]
    assert np.mean(found) >= 0.85


@pytest.mark.parametrize(("n", "before"), [(24, 0), (168, 10), (1_000, 100), (5_000, 50), (100, 500)])
def test_a_rate_that_is_judged_over_windows_is_found_as_often_as_it_says(n: int, before: int) -> None:
    options = {"series": 40.0, "run_length": 730.0, "least": 0.03, "pooled": 8.0}
    rng, n0 = np.random.default_rng(7), 10_000
    sight = Tolerance().step(None, rate(before, n0, 0, n), options)[1].sight
    assert sight is not None
    assert sight.one_window is not None
    assert sight.eight_windows is not None
    one = rng.binomial(n, before / n0 + sight.one_window, 400)
    found = [Tolerance().step(None, rate(before, n0, int(count), n), options)[1].fired for count in one]
    assert 0.84 <= np.mean(found) <= 0.95
    lasting = []
    for counts in rng.binomial(n, before / n0 + sight.eight_windows, (200, 8)):
        memory, any_ = None, False
        for count in counts:
            memory, signal = Tolerance().step(memory, rate(before, n0, int(count), n), options)
            any_ = any_ or signal.fired
        lasting.append(any_)
    assert 0.85 <= np.mean(lasting) <= 0.96


def test_a_limit_that_no_distance_can_pass_finds_nothing() -> None:
    blind = Tolerance().step(None, distance(0.4, 500, 500), {**OPTIONS, "design_effect": 80.0})[1]
    assert blind.sight is not None
    assert blind.upper is not None
    assert blind.upper > 1
    assert blind.sight.one_window is None
    assert blind.sight.eight_windows is None


def test_a_change_that_cannot_be_larger_is_found_by_no_chance() -> None:
    assert findable(0.95, 0.1, SightUnit.SHARE, most=1.0).one_window is None
    assert findable(0.95, 0.1, SightUnit.SHARE, most=1.0).eight_windows == pytest.approx(0.95 - 0.0674, abs=1e-3)
