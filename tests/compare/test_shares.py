"""Shares at fixed points are those of the rows, and their points follow from the reference alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.shares import Shares, curve
from watchkeeper.core.schema import Kind


def test_whole_numbers_give_the_empirical_distribution_functions(pair):
    """Against numpy's own counting; whole numbers within one octave of the map have bins of their own."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, 4_000), rng.integers(3, 24, 3_000)
    p, q = curve(*pair(x, y))
    expected = [[np.mean(values <= cut) for cut in range(20)] for values in (x, y)]
    assert p[1:-1] == pytest.approx(expected[0])
    assert q[1:-1] == pytest.approx(expected[1])
    assert (p[0], q[0], p[-1], q[-1]) == (0, 0, 0, 0)


def test_the_distance_is_nearly_that_of_scipy(pair):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=5_000), rng.normal(0.4, 1, 2_000)
    found = Shares().compare(*pair(x, y))
    exact = stats.ks_2samp(x, y).statistic
    assert exact - 2 / 128 <= found.value <= exact


def test_points_do_not_depend_on_the_current_rows(pair):
    rng = np.random.default_rng(2)
    x = rng.lognormal(size=3_000)
    first, _ = curve(*pair(x, rng.lognormal(size=50)))
    for other in (rng.normal(5, 9, 700), np.array([1.0]), np.array([-1e9, 1e9]), x):
        assert curve(*pair(x, other))[0] == pytest.approx(first)


def test_values_outside_the_reference_and_nulls_show_at_points_of_their_own(pair):
    p, q = curve(*pair([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 9.0, None]))
    assert (p[0], q[0]) == (0.0, 0.25)
    assert (p[-2], q[-2]) == (1.0, 0.5)
    assert (p[-1], q[-1]) == (0.0, 0.25)


def test_a_constant_that_changes_is_the_largest_distance(pair):
    assert Shares().compare(*pair([7.0] * 50, [8.0] * 40)).value == 1.0
    assert Shares().compare(*pair([7.0] * 50, [6.0] * 40)).value == 1.0
    assert Shares().compare(*pair([7.0] * 50, [7.0] * 40)).value == 0.0


def test_levels_are_compared_one_by_one_and_new_ones_together(pair):
    p, q = curve(*pair(["a"] * 6 + ["b"] * 4, ["a", "b", "c", "d", None], Kind.CATEGORICAL))
    assert p == pytest.approx([0.6, 0.4, 0.0, 0.0])
    assert q == pytest.approx([0.2, 0.2, 0.4, 0.2])
