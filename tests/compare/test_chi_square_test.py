"""Chi-square test against scipy.stats.chi2_contingency."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.chi_square_test import ChiSquareTest
from watchkeeper.core.schema import Kind

from .conftest import Pair


def levels(**counts: int) -> list[str]:
    return [name for name, count in counts.items() for _ in range(count)]


def test_common_levels_give_scipys_p_value(pair: Pair) -> None:
    found = ChiSquareTest().compare(*pair(levels(a=50, b=30, c=20), levels(a=40, b=35, c=20), Kind.CATEGORICAL))
    expected = stats.chi2_contingency([[50, 30, 20], [40, 35, 20]], correction=False)
    assert found.value == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.evidence.details["degrees_of_freedom"] == expected.dof
    assert found.evidence.details["merged"] == 0


def test_rare_levels_are_merged_before_the_test(pair: Pair) -> None:
    # c, d and e expect 1.5, 2 and 2.5 rows of the smaller side: together 6.
    states = pair(levels(a=60, b=50, c=1, d=2, e=3), levels(a=50, b=55, c=2, d=2, e=2), Kind.CATEGORICAL)
    found = ChiSquareTest().compare(*states)
    expected = stats.chi2_contingency([[60, 50, 6], [50, 55, 6]], correction=False)
    assert found.value == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.evidence.details["merged"] == 2


def test_too_few_rows_for_two_cells_say_nothing(pair: Pair) -> None:
    found = ChiSquareTest().compare(*pair(levels(a=3, b=2), levels(a=1, b=3), Kind.CATEGORICAL))
    assert found.value == 1.0
    assert found.evidence.details["degrees_of_freedom"] == 0


def test_numbers_are_tested_over_ten_quantiles_of_the_reference(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=40_000), rng.normal(0.05, 1, 10_000)
    found = ChiSquareTest().compare(*pair(reference, current))
    cells = np.quantile(reference, np.linspace(0, 1, 11)[1:-1])
    counts = [np.bincount(np.searchsorted(cells, x), minlength=10) for x in (reference, current)]
    expected = stats.chi2_contingency(counts, correction=False)
    assert found.evidence.details["degrees_of_freedom"] == 9
    # The cells follow the edges of bins, so that a few rows fall on the other side.
    assert found.evidence.details["statistic"] == pytest.approx(expected.statistic, rel=0.05)


def test_many_rare_levels_keep_the_level(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    shares = 1 / np.arange(1, 60) ** 1.5
    rejected = 0
    for _ in range(300):
        two = [rng.choice(59, n, p=shares / shares.sum()).astype(str).tolist() for n in (400, 150)]
        rejected += ChiSquareTest().compare(*pair(two[0], two[1], Kind.CATEGORICAL)).value < 0.05
    assert abs(rejected - 15) <= 3 * math.sqrt(300 * 0.05 * 0.95)
