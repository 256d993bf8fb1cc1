"""The null distribution of quadratic distances against brute force and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.quadratic import influence_error, interval, null_of, upper_tail


def test_mean_and_variance_are_those_of_the_covariance_written_out() -> None:
    rng = np.random.default_rng(1)
    f, weight = np.sort(rng.random(12)), rng.random(12)
    covariance = np.minimum.outer(f, f) * (1 - np.maximum.outer(f, f)) / 40
    mean, variance = null_of(weight, f, 40.0)
    # E Σ w·D² = Σ w·C_jj and Var = 2·tr((W·C)²) for normal D.
    assert mean == pytest.approx(float(weight @ np.diag(covariance)))
    weighted = np.diag(weight) @ covariance
    assert variance == pytest.approx(2 * float(np.trace(weighted @ weighted)))


def test_a_single_weight_gives_the_chi_square_distribution() -> None:
    # Σ w·D² is w·s²·χ² with one degree of freedom.
    null = null_of(np.array([3.0]), np.array([0.2]), 50.0)
    spread = 3.0 * 0.2 * 0.8 / 50
    for x in (0.1, 1.0, 3.841459, 20.0):
        assert upper_tail(spread * x, null) == pytest.approx(stats.chi2.sf(x, 1), rel=1e-9)


@pytest.mark.parametrize(("x", "tail"), [(0.34730, 0.1117), (0.46136, 0.0502), (0.74346, 0.0067)])
def test_the_gamma_tail_is_as_far_from_the_published_percentiles_as_it_says(x: float, tail: float) -> None:
    # .10, .05 and .01 in Anderson and Darling 1952, table 1; mean 1/6 and variance 1/45.
    assert upper_tail(x, (1 / 6, 1 / 45)) == pytest.approx(tail, abs=1e-4)


def test_error_of_a_mean_difference_is_that_of_the_textbook() -> None:
    # ∫ (F - G) dx is the difference of the means, with the derivative 1·gap by F - G at every step.
    rng = np.random.default_rng(2)
    reference, current = rng.integers(1, 9, 6), rng.integers(1, 9, 6)
    at = np.cumsum(rng.random(6))
    gaps = np.append(np.diff(at), 0.0)
    two = [np.repeat(at, counts) for counts in (reference, current)]
    expected = np.sqrt(sum(x.var() / len(x) for x in two))
    assert influence_error(gaps, np.zeros(6), reference, current) == pytest.approx(expected)


def test_the_interval_reaches_0_unless_a_test_tells_the_value_from_it() -> None:
    # 0.4 ± 0.1 · 1.959964, the 97.5 % quantile of a normal distribution.
    assert interval(0.4, 0.1, 0.2) == (0.0, pytest.approx(0.5959964))
    assert interval(0.4, 0.1, 0.01) == (pytest.approx(0.2040036), pytest.approx(0.5959964))
