"""Anderson–Darling against scipy.stats.anderson_ksamp, published percentiles and its own level."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.anderson_darling import AndersonDarling, limit_tail, variance
from watchkeeper.compare.cramer_von_mises import CramerVonMises

from .conftest import Pair


def normalised(*samples: np.ndarray) -> float:
    """(A²akN - 1) / σ_N as scipy gives it."""
    with warnings.catch_warnings():
        # It caps its p-value, which is not looked at here.
        warnings.simplefilter("ignore")
        return float(stats.anderson_ksamp(samples, variant="midrank").statistic)


def ours(statistic: float, n0: int, n: int) -> float:
    return (statistic - 1) / math.sqrt(variance(n0, n))


@pytest.mark.parametrize(("n0", "n"), [(8, 5), (300, 120), (4_000, 1_500)])
def test_tied_values_give_scipys_mid_rank_statistic(pair: Pair, n0: int, n: int) -> None:
    rng = np.random.default_rng(n0)
    reference, current = rng.poisson(9, n0).astype(float), rng.poisson(9.5, n).astype(float)
    found = AndersonDarling().compare(*pair(reference, current))
    statistic = found.evidence.details["statistic"]
    assert ours(statistic, n0, n) == pytest.approx(normalised(reference, current), rel=1e-6, abs=1e-6)


def test_distinct_values_give_scipys_statistic_up_to_the_bins(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=20_000), rng.normal(0.01, 1.01, 8_000)
    found = AndersonDarling().compare(*pair(reference, current))
    statistic = found.evidence.details["statistic"]
    assert ours(statistic, 20_000, 8_000) == pytest.approx(normalised(reference, current), abs=0.05)


def test_p_values_agree_with_the_table_that_scipy_interpolates(pair: Pair) -> None:
    rng = np.random.default_rng(3)
    met = 0
    for shift in np.linspace(0.1, 0.35, 12):
        reference, current = rng.normal(size=150), rng.normal(shift, 1, 120)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = stats.anderson_ksamp([reference, current], variant="midrank").pvalue
        if 0.002 < expected < 0.24:
            found = AndersonDarling().compare(*pair(reference, current))
            assert found.evidence.p_value == pytest.approx(expected, rel=0.08)
            met += 1
    assert met >= 4


@pytest.mark.parametrize(("x", "tail"), [(1.933, 0.10), (2.492, 0.05), (3.070, 0.025), (3.857, 0.01)])
def test_the_limit_has_the_published_percentiles(x: float, tail: float) -> None:
    # Stephens 1974, table 1A, case 0, which is simulated and smoothed.
    assert limit_tail(x) == pytest.approx(tail, rel=0.03)


def test_the_limit_is_that_of_its_weighted_sum_of_chi_squares() -> None:
    # A² = Σ Z_j²/(j(j + 1)), Anderson and Darling 1952; what is beyond j = 40 has the mean 1/41.
    rng = np.random.default_rng(11)
    weights = 1 / (np.arange(1, 41) * np.arange(2, 42))
    sums = rng.chisquare(1, (100_000, 40)) @ weights + 1 / 41
    for x in (0.5, 1.5, 2.5, 4.0):
        seen = float((sums > x).mean())
        assert limit_tail(x) == pytest.approx(seen, abs=4 * math.sqrt(seen * (1 - seen) / 100_000))


def test_the_limit_is_a_falling_function_without_a_step() -> None:
    x = np.concatenate([np.linspace(1e-3, 7, 3_000), [20.0, 1e3]])
    assert (np.diff([limit_tail(v) for v in x]) <= 1e-5).all()
    assert limit_tail(6.0) == pytest.approx(limit_tail(6.0 + 1e-9), rel=0.06)


@pytest.mark.parametrize("distinct", [2, 6, 10**6])
def test_level_and_floor_hold_with_ties_and_unequal_sizes(pair: Pair, distinct: int) -> None:
    rng = np.random.default_rng(5)
    found = [
        AndersonDarling().compare(*pair(rng.integers(0, distinct, 600), rng.integers(0, distinct, 250)))
        for _ in range(300)
    ]
    rejected = sum(m.evidence.p_value < 0.05 for m in found)
    assert abs(rejected - 15) <= 12
    values, floors = np.array([m.value for m in found]), np.array([m.floor for m in found])
    assert values.mean() == pytest.approx(floors.mean(), abs=4 * values.std() / np.sqrt(300))


def test_every_change_weighs_at_least_four_times_its_weight_in_the_cramer_von_mises_distance(pair: Pair) -> None:
    # 1/(H(1 - H)) is 4 in the middle and grows towards the tails, where a change of scale lies.
    rng = np.random.default_rng(6)
    x = rng.normal(size=20_000)
    ratios = []
    for current in (rng.normal(0.3, 1, 20_000), rng.normal(0, 1.5, 20_000)):
        states = pair(x, current)
        ratios.append(AndersonDarling().compare(*states).value / CramerVonMises().compare(*states).value)
    assert 4 < ratios[0] < ratios[1]


def test_error_is_the_spread_of_the_distance_of_a_shift(pair: Pair) -> None:
    rng = np.random.default_rng(7)
    found = [AndersonDarling().compare(*pair(rng.normal(size=2_000), rng.normal(0.3, 1.2, 800))) for _ in range(150)]
    values = np.array([m.value for m in found])
    assert np.mean([m.error for m in found]) == pytest.approx(values.std(), rel=0.2)
