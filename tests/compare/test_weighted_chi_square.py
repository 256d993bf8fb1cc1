"""Tails of weighted sums of χ² against scipy, a closed form and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.weighted_chi_square import shrunk_eigenvalues, trace_of_square, upper_tail


@pytest.mark.parametrize(("d", "within"), [(1, 0.12), (2, 0.05), (5, 0.02), (50, 0.001)])
@pytest.mark.parametrize("p", [0.99, 0.5, 0.05, 1e-4, 1e-8])
def test_equal_weights_give_the_chi_square_distribution_of_scipy(d, within, p):
    assert upper_tail(stats.chi2.isf(p, d), np.ones(d)) == pytest.approx(p, rel=within)


@pytest.mark.parametrize("q", [1.0, 7.9, 8.0, 8.1, 20.0, 60.0, 120.0])
def test_two_pairs_of_weights_give_the_sum_of_two_exponential_variables(q):
    # 3·χ²_2 + 1·χ²_2 has exponential parts with means 6 and 2: P = (6·exp(-q/6) - 2·exp(-q/2))/4.
    exact = (6 * np.exp(-q / 6) - 2 * np.exp(-q / 2)) / 4
    assert upper_tail(q, np.array([3.0, 3.0, 1.0, 1.0])) == pytest.approx(exact, rel=0.05)


def test_a_far_tail_of_unequal_weights_is_that_of_simulated_sums():
    rng = np.random.default_rng(1)
    weights = np.array([10.0, *np.full(9, 0.5)])
    drawn = (rng.normal(size=(200_000, 10)) ** 2) @ weights
    # 200 of 200,000 expected beyond, so that the empirical quantile has a relative error of 7 % in its tail.
    assert upper_tail(float(np.quantile(drawn, 0.999)), weights) == pytest.approx(0.001, rel=0.3)


def test_nothing_and_everything_have_tails():
    assert upper_tail(0.0, np.ones(3)) == 1.0
    assert upper_tail(1e6, np.ones(3)) == 0.0
    assert upper_tail(1.0, np.array([1e-30, 0.0])) == 0.0
    assert upper_tail(1.0, np.zeros(3)) == 1.0


def test_the_trace_of_the_square_is_unbiased_and_the_eigenvalues_agree_with_it():
    rng = np.random.default_rng(2)
    truth = np.array([5.0, 1, 1, 1, 1, 1, 1, 1])
    found = []
    for _ in range(2_000):
        s = np.cov((rng.normal(size=(15, 8)) * np.sqrt(truth)).T)
        found.append(trace_of_square(float(np.trace(s)), float((s**2).sum()), 14))
    assert np.mean(found) == pytest.approx((truth**2).sum(), abs=4 * np.std(found) / np.sqrt(2_000))
    steady = shrunk_eigenvalues(np.linalg.eigvalsh(s), 14)
    assert steady.sum() == pytest.approx(np.trace(s))
    even = np.trace(s) ** 2 / 8
    assert (steady**2).sum() == pytest.approx(max(found[-1], even))
