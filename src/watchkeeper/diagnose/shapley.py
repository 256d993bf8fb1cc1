"""Shapley values: what each part adds, on average over all orders in which the parts come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_EXACT", "Shapley", "shapley"]

MOST_EXACT = 8
"""Players up to which all 2^p coalitions are valued."""


@dataclass(frozen=True, slots=True)
class Shapley:
    """What each player adds; ``values`` add up to v(all) - v(none) exactly.

    Attributes
    ----------
    values
        float64, shape (p,).
    errors
        Standard errors from drawing orders, shape (p,); 0 where all were gone through.
    permutations
        Orders drawn; 0 where all were gone through.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    permutations: int = 0


def shapley(
    players: int, value: Callable[[frozenset[int]], float], *, permutations: int = 32, seed: int = 0
) -> Shapley:
    """Return φ_i = Σ over S without i of |S|!(p - |S| - 1)!/p! · (v(S ∪ {i}) - v(S)).

    Up to eight players exactly. Beyond, φ_i is the mean over pairs of orders, one the reverse of the other, which
    halves the variance and more where players act nearly additively; each order alone adds up to v(all) - v(none).
    A coalition is valued once.

    Parameters
    ----------
    value
        v, a function of the set of players that are in.
    permutations
        Orders to draw, an even number.

    References
    ----------
    Shapley (1953), A value for n-person games, doi:10.1515/9781400881970-018. Castro, Gómez and Tejada (2009),
    Polynomial calculation of the Shapley value based on sampling, doi:10.1016/j.cor.2008.04.004. Mitchell, Cooper,
    Frank and Holmes (2022), Sampling permutations for Shapley value estimation, arXiv:2104.12199.

    Examples
    --------
    The glove game: player 0 has a left glove, 1 and 2 a right one each, and a pair is worth 1.

    >>> shapley(3, lambda s: float(0 in s and len(s) > 1)).values.round(3).tolist()
    [0.667, 0.167, 0.167]
    """
    known: dict[frozenset[int], float] = {}

    def worth(coalition: frozenset[int]) -> float:
        if coalition not in known:
            known[coalition] = float(value(coalition))
        return known[coalition]

    if players <= MOST_EXACT:
        found = np.array([_exact(i, players, worth) for i in range(players)], float)
        return Shapley(found, np.zeros(players))
    return _drawn(players, worth, max(2, permutations // 2), seed)


def _exact(player: int, players: int, worth: Callable[[frozenset[int]], float]) -> float:
    others = [j for j in range(players) if j != player]
    total = 0.0
    for size in range(players):
        weight = factorial(size) * factorial(players - size - 1) / factorial(players)
        for chosen in combinations(others, size):
            before = frozenset(chosen)
            total += weight * (worth(before | {player}) - worth(before))
    return total


def _drawn(players: int, worth: Callable[[frozenset[int]], float], pairs: int, seed: int) -> Shapley:
    rng = np.random.default_rng(seed)
    found = np.zeros((pairs, players))
    for pair in range(pairs):
        order = rng.permutation(players).tolist()
        for way in (order, order[::-1]):
            found[pair] += _along(way, worth) / 2
    return Shapley(found.mean(axis=0), found.std(axis=0, ddof=1) / sqrt(pairs), 2 * pairs)


def _along(order: Sequence[int], worth: Callable[[frozenset[int]], float]) -> NDArray[np.float64]:
    added = np.zeros(len(order))
    before: frozenset[int] = frozenset()
    for player in order:
        after = before | {player}
        added[player] = worth(after) - worth(before)
        before = after
    return added
