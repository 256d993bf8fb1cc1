"""Shapley values against games whose solution is published or can be had by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from watchkeeper.diagnose.shapley import MOST_EXACT, shapley


def test_the_airport_game_gives_the_published_shares() -> None:
    # Littlechild and Owen (1973): costs 8, 11, 13, 18 are shared as 2, 3, 4, 9.
    costs = [8.0, 11.0, 13.0, 18.0]
    found = shapley(4, lambda s: max((costs[i] for i in s), default=0.0))
    assert found.values == pytest.approx([2, 3, 4, 9])
    assert found.permutations == 0


def test_values_are_the_mean_over_all_orders() -> None:
    rng = np.random.default_rng(0)
    worth = {frozenset(i for i in range(4) if k >> i & 1): float(rng.normal()) for k in range(16)}
    by_hand = np.zeros(4)
    for order in permutations(range(4)):
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            by_hand[player] += (worth[before | {player}] - worth[before]) / 24
    assert shapley(4, worth.__getitem__).values == pytest.approx(by_hand)


def test_drawn_orders_add_up_exactly_and_cover_the_exact_values() -> None:
    rng = np.random.default_rng(1)
    players = MOST_EXACT + 4
    weights, pairs = rng.normal(size=players), rng.normal(size=(players, players))

    def worth(s: frozenset[int]) -> float:
        inside = sorted(s)
        return float(weights[inside].sum() + np.triu(pairs[np.ix_(inside, inside)], 1).sum())

    # Of a game of pairs each player has its own weight and half of every pair it is in.
    both = np.triu(pairs, 1)
    exact = weights + (both + both.T).sum(axis=1) / 2
    found = shapley(players, worth, permutations=200, seed=3)
    assert found.values.sum() == pytest.approx(worth(frozenset(range(players))))
    # An order and its reverse give half of every pair, so that nothing is left to chance.
    assert found.values == pytest.approx(exact)
    assert found.permutations == 200


def test_the_stated_error_is_that_of_the_drawn_values() -> None:
    def worth(s: frozenset[int]) -> float:
        return float(len(s) >= 5 and 0 in s) + float({1, 2, 3} <= s)

    drawn = [shapley(10, worth, permutations=20, seed=seed) for seed in range(60)]
    spread = np.std([one.values for one in drawn], axis=0)
    stated = np.mean([one.errors for one in drawn], axis=0)
    assert stated[:4] == pytest.approx(spread[:4], rel=0.35)


def test_a_player_that_adds_nothing_gets_nothing() -> None:
    assert shapley(3, lambda s: float(len(s - {1}))).values == pytest.approx([1, 0, 1])
