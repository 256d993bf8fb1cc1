"""Anderson–Darling test against a permutation test of scipy.stats.anderson_ksamp."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.anderson_darling_test import AndersonDarlingTest

from .conftest import Pair


@pytest.mark.parametrize("tied", [False, True])
def test_p_value_is_that_of_scipys_permutation_test(pair: Pair, tied: bool) -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=80), rng.normal(0.3, 1, 50)
    if tied:
        reference, current = np.round(reference), np.round(current)
    method = stats.PermutationMethod(n_resamples=1_500, rng=np.random.default_rng(2))
    expected = stats.anderson_ksamp([reference, current], variant="midrank", method=method).pvalue
    found = AndersonDarlingTest().compare(*pair(reference, current))
    # Three binomial standard errors of the resampling.
    assert found.value == pytest.approx(expected, abs=3 * np.sqrt(expected * (1 - expected) / 1_500))
