"""Hellinger distance: published formula by hand, error and interval by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from watchkeeper.compare.hellinger import Hellinger
from watchkeeper.core.schema import Kind

from .conftest import Pair


def levels(**counts: int) -> list[str]:
    return [name for name, count in counts.items() for _ in range(count)]


def test_two_sides_by_hand(pair: Pair) -> None:
    # Σ √(p·q) = √(.5·.2) + √(.5·.8) = .948683..., H = √(1 - Σ).
    by_hand = math.sqrt(1 - math.sqrt(0.5 * 0.2) - math.sqrt(0.5 * 0.8))
    found = Hellinger().compare(*pair(levels(a=50, b=50), levels(a=20, b=80), Kind.CATEGORICAL))
    assert found.value == pytest.approx(by_hand, abs=1e-12)


def test_disjoint_levels_are_at_distance_one(pair: Pair) -> None:
    found = Hellinger().compare(*pair(levels(a=5), levels(b=7), Kind.CATEGORICAL))
    assert found.value == pytest.approx(1.0)


def test_two_normals_give_the_value_of_their_ten_shares_and_the_error_covers_it(pair: Pair) -> None:
    rng = np.random.default_rng(1)
    edges = stats.norm.ppf(np.linspace(0, 1, 11))
    p, q = np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges, 0.5))
    truth = math.sqrt(1 - float(np.sqrt(p * q).sum()))
    found = [Hellinger().compare(*pair(rng.normal(size=8_000), rng.normal(0.5, 1, 3_000))) for _ in range(100)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(truth, abs=0.004)
    assert np.mean([m.error for m in found]) == pytest.approx(values.std(), rel=0.25)
    inside = sum(m.interval is not None and m.interval[0] <= truth <= m.interval[1] for m in found)
    assert inside >= 89


def test_floor_is_what_equal_levels_give_on_average(pair: Pair) -> None:
    rng = np.random.default_rng(2)
    draws = [rng.choice(list("abc"), 400, p=[0.6, 0.3, 0.1]).tolist() for _ in range(300)]
    found = [Hellinger().compare(*pair(a, b, Kind.CATEGORICAL)) for a, b in zip(draws[::2], draws[1::2], strict=True)]
    values = np.array([m.value for m in found])
    assert values.mean() == pytest.approx(found[0].floor, abs=3 * values.std() / math.sqrt(len(values)))
