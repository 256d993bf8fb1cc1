"""Bets of one series and of many side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchkeeper.charts.evidence import BETS, NONE, Bets, advance, tolerated
from watchkeeper.core.errors import UsageError


def test_a_bet_is_the_formula_in_both_directions() -> None:
    """By hand: f = .3, δ = .05, g = .6; upwards u = .35 and v = .42 on g, downwards u = .75 and v = .82 on 1 - g."""
    bets = Bets.against(np.array([0.3]), 0.05)
    found = (bets.slope * 0.6 + bets.offset)[:, 0]
    assert found[2] == pytest.approx(0.6 * math.log(0.42 / 0.35) + 0.4 * math.log(0.58 / 0.65))
    assert found[3] == pytest.approx(0.4 * math.log(0.82 / 0.75) + 0.6 * math.log(0.18 / 0.25))


def test_a_bet_on_more_than_all_rows_is_not_made() -> None:
    """f = .9, δ = .05: of v = .98, 1.02 and 1.1 only the first is a share; downwards all three are."""
    bets = Bets.against(np.array([0.9]), 0.05)
    assert bets.possible[:, 0].tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize(("side", "watched"), [("upper", 0), ("lower", 1)])
def test_one_side_bets_in_one_direction_only(side: str, watched: int) -> None:
    bets, both = (Bets.against(np.array([0.5, 0.4]), 0.05, s) for s in (side, "both"))
    assert bets.possible[watched::2].all()
    assert not bets.possible[1 - watched :: 2].any()
    assert bets.slope[watched::2] == pytest.approx(both.slope[watched::2])


def test_an_unknown_side_is_answered_with_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="did you mean 'upper'"):
        Bets.against(np.array([0.5]), 0.05, "uper")


def test_series_side_by_side_are_as_if_alone() -> None:
    rng = np.random.default_rng(0)
    references = [rng.random(k) for k in (3, 1, 7)]
    shares = [rng.random(len(p)) for p in references]
    alone = [Bets.against(p, 0.05) for p in references]
    grids = [rng.normal(size=b.slope.shape) for b in alone]
    expected = [advance(g, b, s, 20.0, 20.0) for g, b, s in zip(grids, alone, shares, strict=True)]
    joined = Bets.joined(alone)
    found, means = advance(np.concatenate(grids, axis=1), joined, np.concatenate(shares), 20.0, 20.0, (0, 3, 4))
    assert found == pytest.approx(np.concatenate([e for e, _ in expected], axis=1))
    assert means == pytest.approx([float(m[0]) for _, m in expected])


def test_a_series_without_a_possible_bet_has_no_evidence() -> None:
    bets = Bets.against(np.array([1.0]), 0.05, "upper")
    grid, mean = advance(np.full((BETS, 1), NONE), bets, np.array([1.0]), 1_000.0, 1_000.0)
    assert (grid == NONE).all()
    assert mean.tolist() == [NONE]


def test_what_the_reference_does_not_know_is_tolerated() -> None:
    """√(ln 2,000 / (2·800)) = .0689; four times the design effect doubles it."""
    assert tolerated(0.01, 800, 1.0) == pytest.approx(math.sqrt(math.log(2_000) / 1_600))
    assert tolerated(0.01, 800, 4.0) == pytest.approx(2 * tolerated(0.01, 800, 1.0))
    assert tolerated(0.07, 800, 1.0) == 0.07
    assert tolerated(0.01, 0, 1.0) == 0.01
