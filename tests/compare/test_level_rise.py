"""A rare level that doubles is found, and common levels are left their tolerance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.level_rise import LevelRise
from watchkeeper.core.schema import Kind


def levels(rng, n: int, shares: dict[str, float]) -> list[str]:
    return rng.choice(list(shares), n, p=list(shares.values())).tolist()


def test_a_level_from_one_to_five_percent_is_found_where_five_points_are_tolerated(pair):
    rng = np.random.default_rng(0)
    before = levels(rng, 20_000, {"a": 0.5, "b": 0.49, "rare": 0.01})
    after = levels(rng, 3_000, {"a": 0.475, "b": 0.475, "rare": 0.05})
    found = LevelRise().compare(*pair(before, after, Kind.CATEGORICAL))
    assert found.evidence.change.levels[0] == "rare"
    assert found.value == pytest.approx(after.count("rare") / 3_000 - before.count("rare") / 20_000)
    assert Tolerance().step(None, found, {"series": 30.0, "run_length": 1_000.0})[1].fired


def test_the_upper_limit_is_wilsons(pair):
    """Against scipy's interval of a binomial share, 37 of 2,000."""
    before = ["a"] * 1_963 + ["b"] * 37
    found = LevelRise().compare(*pair(before, ["a"] * 80 + ["b"] * 20, Kind.CATEGORICAL))
    expected = stats.binomtest(37, 2_000).proportion_ci(method="wilson").high
    assert found.evidence.change.levels[0] == "b"
    assert found.evidence.change.before_upper == pytest.approx(expected)


def test_a_level_that_came_once_is_tolerated_three_times(pair):
    """The rule of three: of 1,000 rows, one with the level, up to 3/1,000 may have been its share."""
    before = ["a"] * 999 + ["b"]
    found = LevelRise().compare(*pair(before, ["a"] * 98 + ["b"] * 2, Kind.CATEGORICAL))
    assert found.evidence.change.before_upper >= 3 / 1_000


def test_clean_windows_of_many_levels_keep_the_run_length(pair):
    """Forty levels from 20 % down to .05 %; 1,000 windows at a run length of 100 allow 10 false alarms."""
    rng = np.random.default_rng(1)
    weights = 1 / np.arange(1, 41) ** 1.6
    shares = dict(zip([f"l{i}" for i in range(40)], weights / weights.sum(), strict=True))
    alarms = 0
    for _ in range(20):
        before = levels(rng, 5_000, shares)
        for _ in range(50):
            found = LevelRise().compare(*pair(before, levels(rng, 500, shares), Kind.CATEGORICAL))
            alarms += Tolerance().step(None, found, {"run_length": 100.0})[1].fired
    assert alarms <= 10


def test_a_new_level_is_left_to_unseen_levels(pair):
    found = LevelRise().compare(*pair(["a"] * 50 + ["b"] * 50, ["a"] * 40 + ["b"] * 10 + ["c"] * 50, Kind.CATEGORICAL))
    assert found.evidence.change.levels[0] != "c"
    assert found.evidence.among == 2
