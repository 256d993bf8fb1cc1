"""Total variation: by hand, against the exact distance of two normals, and its floor by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.total_variation import TotalVariation
from watchkeeper.core.schema import Kind

from .conftest import Pair


def levels(**counts: int) -> list[str]:
    return [name for name, count in counts.items() for _ in range(count)]


def test_three_levels_by_hand(pair: Pair) -> None:
    found = TotalVariation().compare(*pair(levels(a=50, b=30, c=20), levels(a=20, b=35, c=45), Kind.CATEGORICAL))
    assert found.value == pytest.approx(0.30)


def test_booleans_differ_by_their_rates(pair: Pair) -> None:
    found = TotalVariation().compare(*pair([True] * 30 + [False] * 70, [True] * 55 + [False] * 45, Kind.BOOLEAN))
    assert found.value == pytest.approx(0.25)


def test_a_shifted_normal_comes_close_to_the_exact_distance_from_below(pair: Pair) -> None:
    rng = np.random.default_rng(3)
    # TV of N(0, 1) and N(1, 1) is 2Φ(½) - 1 = .3829.
    exact = 2 * stats.norm.cdf(0.5) - 1
    found = TotalVariation().compare(*pair(rng.normal(size=100_000), rng.normal(1, 1, 100_000)))
    assert exact - 0.02 <= found.value <= exact + 0.004


def test_floor_is_what_equal_levels_give_on_average(pair: Pair) -> None:
    rng = np.random.default_rng(4)
    draws = [rng.choice(list("abcd"), 500, p=[0.4, 0.3, 0.2, 0.1]).tolist() for _ in range(300)]
    pairs = zip(draws[::2], draws[1::2], strict=True)
    found = [TotalVariation().compare(*pair(a, b, Kind.CATEGORICAL)) for a, b in pairs]
    values, floors = np.array([m.value for m in found]), np.array([m.floor for m in found])
    assert values.mean() == pytest.approx(floors.mean(), abs=3 * values.std() / math.sqrt(len(values)))
