"""Energy distance against scipy.stats.energy_distance and the exact distance of two normals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.energy_distance import EnergyDistance

from .conftest import Pair


def test_the_rows_of_the_bins_give_the_square_of_scipys_distance(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    states = pair(rng.gamma(2, 3, 3_000), rng.gamma(2.2, 3, 2_000))
    found = EnergyDistance().compare(*states)
    p, q = (state.parts["histogram"] for state in states)
    exact = stats.energy_distance(p.centres(), q.centres(), p.counts, q.counts) ** 2 / p.scale
    assert found.value == pytest.approx(exact, rel=1e-9)


def test_whole_numbers_lie_within_the_bound_of_scipys_distance(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.poisson(8, 3_000).astype(float), rng.poisson(9, 2_000).astype(float)
    found = EnergyDistance().compare(*pair(reference, current))
    exact = stats.energy_distance(reference, current) ** 2 / found.evidence.details["scale"]
    assert found.value == pytest.approx(exact, rel=0.005)
    assert abs(found.value - exact) <= found.evidence.bound


@pytest.mark.parametrize("n", [7, 200, 20_000])
def test_distinct_numbers_lie_within_the_bound_of_scipys_distance(pair: Pair, n: int) -> None:
    rng = np.random.default_rng(n)
    reference, current = rng.gamma(2, 3, n), rng.gamma(2.5, 3, n // 2 + 1)
    found = EnergyDistance().compare(*pair(reference, current))
    exact = stats.energy_distance(reference, current) ** 2 / found.evidence.details["scale"]
    assert abs(found.value - exact) <= found.evidence.bound + 1e-12
    assert found.value == pytest.approx(exact, rel=0.02, abs=0.002)


def test_interval_covers_the_exact_distance_of_two_normals(pair: Pair) -> None:
    # 2·E|X - Y| - E|X - X'| - E|Y - Y'| with E|N(m, s²)| = s·√(2/π)·exp(-m²/2s²) + m·erf(m/(s·√2)).
    rng = np.random.default_rng(2)
    between = stats.foldnorm(0.5 / np.sqrt(2), scale=np.sqrt(2)).mean()
    exact = 2 * between - 2 * stats.foldnorm(0, scale=np.sqrt(2)).mean()
    inside = 0
    for _ in range(100):
        found = EnergyDistance().compare(*pair(rng.normal(size=2_000), rng.normal(0.5, 1, 1_000)))
        truth = exact / found.evidence.details["scale"]
        inside += found.interval is not None and found.interval[0] <= truth <= found.interval[1]
    assert inside >= 89


@pytest.mark.parametrize("ties", [False, True])
def test_level_and_floor_hold_under_equal_distributions(pair: Pair, ties: bool) -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(300):
        two = [rng.lognormal(size=n) for n in (500, 250)]
        found.append(EnergyDistance().compare(*pair(*(np.floor(x) if ties else x for x in two))))
    values, floors = np.array([m.value for m in found]), np.array([m.floor for m in found])
    rejected = sum(m.evidence.p_value < 0.05 for m in found)
    # Three binomial standard errors about 5 % of 300.
    assert abs(rejected - 15) <= 12
    assert values.mean() == pytest.approx(floors.mean(), abs=4 * values.std() / np.sqrt(300))
