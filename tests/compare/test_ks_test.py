"""Kolmogorov–Smirnov test against scipy.stats.ks_2samp."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.ks_test import KsTest

from .conftest import Pair


@pytest.mark.parametrize(("n0", "n", "levels"), [(9, 6, 50), (400, 250, 12), (5_000, 900, 30), (30_000, 12_000, 40)])
def test_repeated_values_give_scipys_p_value(pair: Pair, n0: int, n: int, levels: int) -> None:
    rng = np.random.default_rng(n0)
    reference, current = rng.binomial(levels, 0.5, n0), rng.binomial(levels, 0.505, n)
    found = KsTest().compare(*pair(reference, current))
    expected = stats.ks_2samp(reference, current)
    assert found.evidence.distance == pytest.approx(expected.statistic, abs=1e-12)
    assert found.value == pytest.approx(expected.pvalue, rel=1e-9)


def test_distinct_values_lie_between_the_p_values_that_the_bins_allow(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        reference, current = rng.normal(size=20_000), rng.normal(0.01, 1, 15_000)
        found = KsTest().compare(*pair(reference, current))
        expected = stats.ks_2samp(reference, current, method="asymp").pvalue
        assert found.evidence.details["p_value_least"] - 1e-12 <= expected <= found.value + 1e-12


def test_a_million_rows_reject_a_difference_that_does_not_matter(pair: Pair) -> None:
    rng = np.random.default_rng(3)
    found = KsTest().compare(*pair(rng.normal(size=1_000_000), rng.normal(0.01, 1, 1_000_000)))
    assert found.value < 1e-4
