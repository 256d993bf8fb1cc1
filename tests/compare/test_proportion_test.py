"""Test of two proportions against scipy.stats.chi2_contingency and fisher_exact."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.proportion_test import ProportionTest
from watchkeeper.core.schema import Kind

from .conftest import Pair


def truths(true: int, false: int) -> list[bool]:
    return [True] * true + [False] * false


def test_common_values_give_scipys_chi_square_p_value(pair: Pair) -> None:
    found = ProportionTest().compare(*pair(truths(300, 700), truths(190, 310), Kind.BOOLEAN))
    expected = stats.chi2_contingency([[300, 700], [190, 310]], correction=False).pvalue
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.evidence.details["difference"] == pytest.approx(0.08)


def test_rare_values_give_fishers_p_value(pair: Pair) -> None:
    found = ProportionTest().compare(*pair(truths(1, 99), truths(4, 46), Kind.BOOLEAN))
    assert found.value == pytest.approx(stats.fisher_exact([[1, 99], [4, 46]]).pvalue, rel=1e-12)


def test_a_value_that_only_one_side_shows_is_counted(pair: Pair) -> None:
    found = ProportionTest().compare(*pair(truths(0, 80), truths(60, 0), Kind.BOOLEAN))
    assert (found.evidence.change.before, found.evidence.change.after) == (0.0, 1.0)
    assert found.value < 1e-20


def test_equal_shares_are_rejected_at_the_level(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    rejected = sum(
        ProportionTest().compare(*pair(rng.random(900) < 0.3, rng.random(400) < 0.3, Kind.BOOLEAN)).value < 0.05
        for _ in range(300)
    )
    assert abs(rejected - 15) <= 3 * math.sqrt(300 * 0.05 * 0.95)
