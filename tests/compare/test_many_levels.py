"""Columns of more levels than are kept are compared by groups, and clean ones do not look changed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.charts.tolerance import Tolerance
from watchkeeper.compare.chi_square import ChiSquare
from watchkeeper.compare.l_infinity import LInfinity
from watchkeeper.compare.level_rise import LevelRise
from watchkeeper.core.schema import Kind


def towns(rng, n: int, weights=None) -> list[str]:
    return [f"town {i}" for i in rng.choice(3_000, n, p=weights)]


@pytest.mark.parametrize("skewed", [False, True])
def test_clean_rows_of_three_thousand_levels_do_not_look_changed(pair, skewed):
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 3_001) if skewed else np.ones(3_000)
    before, now = (towns(rng, n, weights / weights.sum()) for n in (12_000, 2_000))
    sides = pair(before, now, Kind.CATEGORICAL)
    for comparison in (LInfinity(), LevelRise()):
        _, signal = Tolerance().step(None, comparison.compare(*sides), {"run_length": 20.0, "tolerance": 0.0})
        assert not signal.fired, comparison.name


def test_the_level_of_chi_square_holds_on_many_levels(pair):
    """60 clean pairs at .05: more than 8 rejections have a probability of .006 by the binomial distribution."""
    rng = np.random.default_rng(1)
    rejected = 0
    for _ in range(60):
        found = ChiSquare().compare(*pair(towns(rng, 6_000), towns(rng, 2_000), Kind.CATEGORICAL))
        rejected += float(found.evidence.p_value) < 0.05
    assert rejected <= stats.binom.ppf(0.994, 60, 0.05)


def test_a_town_that_takes_a_tenth_of_the_rows_is_found_and_named(pair):
    rng = np.random.default_rng(2)
    now = ["town 17"] * 300 + towns(rng, 2_700)
    found = LInfinity().compare(*pair(towns(rng, 12_000), now, Kind.CATEGORICAL))
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert found.evidence.change.levels[0] == "town 17 and its group"
