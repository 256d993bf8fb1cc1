"""Cramér–von Mises test against scipy.stats.cramervonmises_2samp."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.cramer_von_mises_test import CramerVonMisesTest

from .conftest import Pair


@pytest.mark.parametrize(("n0", "n"), [(12, 9), (20, 7), (300, 80)])
def test_distinct_values_give_scipys_p_value(pair: Pair, n0: int, n: int) -> None:
    order = np.random.default_rng(n).permutation(n0 + n) - (n0 + n) // 2
    found = CramerVonMisesTest().compare(*pair(order[:n0], order[n0:]))
    if n0 + n > 256:
        # Beyond 256 whole numbers bins are shared: the criterion is then one of mid-ranks.
        assert found.value == pytest.approx(stats.cramervonmises_2samp(order[:n0], order[n0:]).pvalue, rel=0.02)
    else:
        assert found.value == pytest.approx(stats.cramervonmises_2samp(order[:n0], order[n0:]).pvalue, rel=1e-6)


def test_equal_shares_of_two_values_are_not_significant_whatever_the_sizes(pair: Pair) -> None:
    # T of scipy's mid-ranks is 15.8 for 1,000 and 500 rows, at p = 0.
    found = CramerVonMisesTest().compare(*pair([0, 1] * 500, [0, 1] * 250))
    assert found.value == pytest.approx(1.0)
