"""Mann–Whitney test against scipy.stats.mannwhitneyu."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.mann_whitney_test import MannWhitneyTest

from .conftest import Pair


@pytest.mark.parametrize(("n0", "n"), [(8, 7), (40, 8), (12, 30)])
def test_distinct_values_give_scipys_p_value_exact_where_small(pair: Pair, n0: int, n: int) -> None:
    order = np.random.default_rng(n).permutation(n0 + n) - n0
    found = MannWhitneyTest().compare(*pair(order[:n0], order[n0:]))
    expected = stats.mannwhitneyu(order[n0:], order[:n0])
    assert found.evidence.details["statistic"] == expected.statistic
    assert found.value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("distinct", [2, 7])
def test_ties_give_scipys_p_value(pair: Pair, distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    reference, current = rng.integers(0, distinct, 900), rng.integers(0, distinct, 350)
    found = MannWhitneyTest().compare(*pair(reference, current))
    assert found.value == pytest.approx(stats.mannwhitneyu(current, reference).pvalue, rel=1e-9)


def test_many_distinct_values_lie_within_the_bound(pair: Pair) -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.lognormal(size=20_000), rng.lognormal(0.02, 1, 15_000)
    found = MannWhitneyTest().compare(*pair(reference, current))
    exact = stats.mannwhitneyu(current, reference)
    superiority = exact.statistic / (20_000 * 15_000)
    assert abs(found.evidence.details["superiority"] - superiority) <= found.evidence.bound / 2
    assert found.value == pytest.approx(exact.pvalue, rel=0.05)


def test_one_value_on_both_sides_says_nothing(pair: Pair) -> None:
    assert MannWhitneyTest().compare(*pair([2.0] * 30, [2.0] * 20)).value == 1.0
