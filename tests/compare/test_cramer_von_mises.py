"""Cramér–von Mises against scipy.stats.cramervonmises_2samp, published percentiles and its own level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.cramer_von_mises import CramerVonMises, limit_tail

from .conftest import Pair


@pytest.mark.parametrize(("n0", "n"), [(8, 5), (20, 20), (150, 90)])
def test_distinct_values_give_scipys_statistic_and_p_value(pair: Pair, n0: int, n: int) -> None:
    # Whole numbers in no order: no two share a bin.
    order = np.random.default_rng(n0).permutation(n0 + n) - (n0 + n) // 3
    reference, current = order[:n0], order[n0:]
    found = CramerVonMises().compare(*pair(reference, current))
    expected = stats.cramervonmises_2samp(reference, current)
    assert found.evidence.details["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    assert found.evidence.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_ties_in_samples_of_equal_size_give_scipys_statistic(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.binomial(30, 0.3, 800), rng.binomial(30, 0.32, 800)
    found = CramerVonMises().compare(*pair(reference, current))
    expected = stats.cramervonmises_2samp(reference, current)
    assert found.evidence.details["statistic"] == pytest.approx(expected.statistic, rel=1e-9)


def test_many_rows_give_scipys_values_up_to_the_bins(pair: Pair) -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.normal(size=30_000), rng.normal(0.015, 1, 12_000)
    found = CramerVonMises().compare(*pair(reference, current))
    expected = stats.cramervonmises_2samp(reference, current)
    assert found.evidence.details["statistic"] == pytest.approx(expected.statistic, rel=0.02)
    assert found.evidence.p_value == pytest.approx(expected.pvalue, rel=0.05)
    assert abs(expected.statistic / found.evidence.size.n_effective - found.value) <= found.evidence.bound


@pytest.mark.parametrize(("x", "tail"), [(0.34730, 0.10), (0.46136, 0.05), (0.58061, 0.025), (0.74346, 0.01)])
def test_the_limit_has_the_published_percentiles(x: float, tail: float) -> None:
    # Anderson and Darling 1952, table 1.
    assert limit_tail(x) == pytest.approx(tail, abs=1e-5)


def test_the_limit_is_a_falling_function_without_a_step() -> None:
    x = np.concatenate([np.linspace(1e-4, 2.5, 2_000), [5.0, 50.0, 1e4]])
    tail = np.array([limit_tail(v) for v in x])
    assert (np.diff(tail) <= 1e-12).all()
    # The series and the leading term meet at 2.
    assert limit_tail(2.0) == pytest.approx(limit_tail(2.0 + 1e-9), rel=0.03)


def test_the_distance_of_a_shift_does_not_grow_with_the_rows(pair: Pair) -> None:
    rng = np.random.default_rng(4)
    found = [
        CramerVonMises().compare(*pair(rng.normal(size=n), rng.normal(0.5, 1, n))) for n in (2_000, 20_000, 200_000)
    ]
    values = [m.value for m in found]
    assert values == pytest.approx([values[-1]] * 3, rel=0.2)
    assert found[2].evidence.details["statistic"] > 50 * found[0].evidence.details["statistic"]


@pytest.mark.parametrize("distinct", [2, 6, 10**6])
def test_level_and_floor_hold_with_ties_and_unequal_sizes(pair: Pair, distinct: int) -> None:
    # scipy's mid-rank version rejects every one of these for two and six values.
    rng = np.random.default_rng(5)
    found = [
        CramerVonMises().compare(*pair(rng.integers(0, distinct, 600), rng.integers(0, distinct, 250)))
        for _ in range(300)
    ]
    rejected = sum(m.evidence.p_value < 0.05 for m in found)
    assert abs(rejected - 15) <= 12
    values, floors = np.array([m.value for m in found]), np.array([m.floor for m in found])
    assert values.mean() == pytest.approx(floors.mean(), abs=4 * values.std() / np.sqrt(300))


def test_error_is_the_spread_of_the_distance_of_a_shift(pair: Pair) -> None:
    rng = np.random.default_rng(6)
    found = [CramerVonMises().compare(*pair(rng.normal(size=2_000), rng.normal(0.3, 1.2, 800))) for _ in range(150)]
    values = np.array([m.value for m in found])
    assert np.mean([m.error for m in found]) == pytest.approx(values.std(), rel=0.2)
