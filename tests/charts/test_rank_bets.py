"""Bets on ranks: the formula by hand, the worst distribution by linear programming, and what they buy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import norm

from watchkeeper.charts.e_detector import EDetector
from watchkeeper.charts.evidence import NONE
from watchkeeper.charts.rank_bets import RANK_BETS, Mixture, RankBets
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement

QUARTERS = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 0.0])
"""Shares below the smallest value, the three quartiles and the largest value; and no row without a value."""

MANY = 1e9


def told(bets: RankBets, cells: np.ndarray) -> np.ndarray:
    """Return ln E of one row for shares of rows in each cell."""
    return bets.slope @ np.append(np.cumsum(cells)[:-1], 0.0) + bets.offset[:, 0]


def test_a_bet_is_the_formula_on_mid_ranks() -> None:
    """By hand: a row in the third quarter has the mid-rank .625 and is .25 from the middle; the means are .5, δ .05.

    Ranks vary by 1 in all, distances by 1.5: from 1 over .75 to .25, and back.
    """
    found = told(RankBets.against(QUARTERS, 0.05, MANY, 1.0), np.array([0, 0, 0, 1.0, 0, 0]))
    up = [math.log(1 + stake * (0.625 - 0.55)) for stake in (0.3, 0.6, 1.2)]
    down = [math.log(1 + stake * (0.375 - 0.55)) for stake in (0.3, 0.6, 1.2)]
    far = [math.log(1 + stake * (0.25 - 0.575)) for stake in (0.3, 0.6, 1.2)]
    near = [math.log(1 + stake * (0.75 - 0.575)) for stake in (0.3, 0.6, 1.2)]
    assert found == pytest.approx([*up, *down, *far, *near])


def test_rows_add_up_whatever_the_batch() -> None:
    rng = np.random.default_rng(0)
    bets = RankBets.against(QUARTERS, 0.02, MANY, 1.0)
    cells = np.eye(6)[rng.integers(1, 5, 40)]
    assert 40 * told(bets, cells.mean(axis=0)) == pytest.approx(sum(told(bets, cell) for cell in cells))


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("delta", [0.0, 0.03, 0.1])
def test_no_distribution_within_the_tolerance_makes_a_bet_worth_while(delta: float, missing: float) -> None:
    """Over all shares that move by at most δ at every point the mean of E is at most 1, and 1 is reached."""
    rng = np.random.default_rng(1)
    own = rng.dirichlet(np.ones(8)) * (1 - missing)
    reference = np.append(np.append(0.0, np.cumsum(own)), missing)
    bets = RankBets.against(reference, delta, MANY, 1.0)
    k = len(own) + 2
    worth = np.exp([told(bets, cell) for cell in np.eye(k)]).T
    below = np.tril(np.ones((k - 1, k)))
    limits = np.concatenate([reference[:-1] + delta, delta - reference[:-1]])
    most = [
        -linprog(-row, np.concatenate([below, -below]), limits, np.ones((1, k)), [1.0], bounds=(0, 1)).fun
        for row in worth[bets.possible[:, 0]]
    ]
    assert max(most) <= 1 + 1e-9
    if delta == 0.1:
        assert most[0] == pytest.approx(1.0, abs=0.02)


def test_a_bet_on_a_large_change_tolerates_a_part_of_it() -> None:
    """λ = 1.2 looks for 1.2 times the variance, 5/64 for the mid-ranks of quarters: .094, of which .15 is tolerated."""
    found = told(RankBets.against(QUARTERS, 0.0, MANY, 1.0), np.array([0, 0, 0, 0, 1.0, 0]))
    assert found[2] == pytest.approx(math.log(1 + 1.2 * (0.875 - 0.5 - 0.15 * 1.2 * 5 / 64)))


def test_a_reference_is_trusted_as_far_as_its_rows_tell_its_mean() -> None:
    """3.29 standard errors of 400 rows at a design effect of 4: 3.29·√(5/64·4/400) = .092."""
    found = told(RankBets.against(QUARTERS, 0.0, 400.0, 4.0), np.array([0, 0, 0, 0, 1.0, 0]))
    half = norm.isf(0.0005) * math.sqrt(5 / 64 * 4 / 400)
    assert found[0] == pytest.approx(math.log(1 + 0.3 * (0.875 - 0.5 - half)))


def test_rows_without_a_value_stand_above_all_others() -> None:
    bets = RankBets.against(np.array([0.0, 0.4, 0.8, 0.2]), 0.05, MANY, 1.0)
    top = told(bets, np.array([0, 0, 0, 1.0]))
    # Ranks .25 and .75 of 40 % each and 1 of 20 %: the mean is .6.
    assert top[0] == pytest.approx(math.log(1 + 0.3 * (1 - 0.65)))


@pytest.mark.parametrize(("side", "made"), [("both", [1, 1, 1, 1]), ("upper", [0, 1, 0, 0]), ("lower", [1, 0, 0, 0])])
def test_one_side_bets_on_ranks_in_one_direction_and_on_no_distance(side: str, made: list[int]) -> None:
    """Shares up to a value that rise are ranks that fall."""
    bets = RankBets.against(QUARTERS, 0.05, MANY, 1.0, side)
    assert bets.possible[:, 0].reshape(4, 3).all(axis=1).tolist() == [bool(one) for one in made]


def test_a_constant_has_no_ranks_to_bet_on() -> None:
    assert not RankBets.against(np.array([0.0, 1.0, 0.0]), 0.05, MANY, 1.0).possible.any()


def test_equal_rows_count_once_where_the_design_effect_says_so() -> None:
    bets = RankBets.against(QUARTERS, 0.3, MANY, 10.0)
    shares, start = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 0.0]), np.full((RANK_BETS, 1), NONE)
    once, ten = (bets.advance(start, shares, rows, 1.0) for rows in (1.0, 10 / 10.0))
    assert once == pytest.approx(ten)


def test_series_side_by_side_are_as_if_alone() -> None:
    rng = np.random.default_rng(3)
    alone = [RankBets.against(QUARTERS, d, MANY, 1.0) for d in (0.02, 0.1)]
    all_three = RankBets.joined([alone[0], RankBets.none(2), alone[1]])
    shares = [np.append(np.sort(rng.random(5)), 0.0) for _ in alone]
    grid = rng.normal(size=(RANK_BETS, 3))
    found = all_three.advance(
        grid, np.concatenate([shares[0], [0.5, 0.1], shares[1]]), np.array([7.0, 8.0, 9.0]), 10.0, [0, 6, 8]
    )
    for place, bets, own, rows in ((0, alone[0], shares[0], 7.0), (2, alone[1], shares[1], 9.0)):
        assert found[:, place] == pytest.approx(bets.advance(grid[:, [place]], own, rows, 10.0)[:, 0])
    assert (found[:, 1] == NONE).all()


def test_the_stake_is_divided_in_thirds_among_the_kinds_that_there_are() -> None:
    two_sided, one_sided = (RankBets.against(QUARTERS, 0.05, MANY, 1.0, side) for side in ("both", "upper"))
    bets = RankBets.joined([two_sided, one_sided, RankBets.none(1)])
    mixture = Mixture.of(np.array([True, True, True]), bets)
    ranks = np.where(bets.possible, np.log(np.arange(1.0, 13.0))[:, None], NONE)
    found = np.exp(mixture.together(np.log([10.0, 10.0, 10.0]), ranks))
    assert found == pytest.approx([(10 + 3.5 + 9.5) / 3, (10 + 5) / 2, 10])


def test_nothing_to_bet_on_is_no_evidence() -> None:
    mixture = Mixture.of(np.array([False]), RankBets.none(1))
    assert mixture.together(np.array([NONE]), np.full((RANK_BETS, 1), NONE)).tolist() == [NONE]


def test_ranks_find_a_shift_sooner_than_shares_alone() -> None:
    """The same rows, shifted by .2 sigma, judged with and without their order."""
    rng, grid = np.random.default_rng(4), np.arange(0, 129) / 128
    streams = [norm.cdf(rng.normal(0.2, 1, 1_500)) for _ in range(8)]
    delays: dict[float, list[int]] = {0.0: [], 1.0: []}
    for ordered, found in delays.items():
        evidence = Evidence(size=Size(MANY, rank_effect=1.0 if ordered else None))
        for rows in streams:
            memory = None
            for start in range(0, 1_500, 20):
                own = np.searchsorted(np.sort(rows[start : start + 20]), grid) / 20
                point = Measurement(Family.COMPARISON, "shares", 0.1, 20, evidence=evidence)
                point = point.with_curve(np.append(grid, 0.0), np.append(own, 0.0))
                memory, signal = EDetector().step(memory, point, {"tolerance": 0.006})
                if signal.fired:
                    break
            found.append(start)
    assert np.mean(delays[1.0]) < 0.9 * np.mean(delays[0.0])
