"""Bets of the stream rule on where rows rank among those of the reference, and on how far from its middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.evidence import CAUTION, NONE, UNKNOWN, watched

__all__ = ["RANK_BETS", "Mixture", "RankBets", "mid_ranks"]

_STAKES = np.array([0.3, 0.6, 1.2])
"""λ of each bet."""

_FUNCTIONALS = 2
RANK_BETS = _FUNCTIONALS * 2 * len(_STAKES)
"""Bets on ranks of a series: two functionals, each in both directions, at each stake."""

_LEAST = 0.05
"""A bet of which a single row may lose more than all but this share of the stake is not made."""

_HALF_WIDTH = NormalDist().inv_cdf(1 - UNKNOWN / 2)

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankBets:
    """ln E of one row, which is linear in the shares g of a batch at k ordered points: Σ slope·g + offset.

    Z is the mid-rank of a row among the reference's rows with a value, in [0, 1], or its distance from the middle,
    \\|2·rank - 1\\|; rows without a value stand above all others. A bet on a larger mean of Z is 1 + λ·(Z - m), one on
    a smaller mean the same of 1 - Z. The reference's mean of Z may be exceeded by the largest of

    - δ·V, by which it can rise at most while no share up to a value moves by more than δ; V is the total variation of
      Z, 1 for the rank and up to 2 for the distance;
    - the half-width within which the reference's own rows tell it with a chance of .1 % of error;
    - .15 of what λ looks for, which is λ times the variance of Z.

    As long as it is exceeded by no more, E has a mean of at most 1, in batches of any size. One row weighs 1/φ.

    Attributes
    ----------
    slope
        float64, shape (12, k).
    offset
        float64, shape (12, series).
    possible
        Where a bet is made, shape (12, series).
    """

    slope: Grid
    offset: Grid
    possible: NDArray[np.bool_]

    @classmethod
    def against(
        cls, reference: Grid, tolerance: float, n_reference: float, effect: float, side: str = "both"
    ) -> RankBets:
        """Return the bets against a reference.

        Parameters
        ----------
        reference
            Shares of rows below each of k - 1 rising points, and last the share of rows without a value, shape (k,).
        tolerance
            By how much such a share may move.
        n_reference, effect
            Rows that they rest on, and their design effect.
        side
            ``upper`` for shares up to a value that rise, so for ranks that fall; ``lower``; ``both``.
        """
        rank, weight = mid_ranks(reference)
        falls, rises = watched(side)
        rows = [_bets(rank, weight, up, tolerance, n_reference, effect) for up in (True, False)]
        rows += [_bets(np.abs(2 * rank - 1), weight, up, tolerance, n_reference, effect) for up in (True, False)]
        made = np.repeat([rises, falls, rises and falls, rises and falls], len(_STAKES))
        gain, possible = np.concatenate([g for g, _ in rows]), np.concatenate([p for _, p in rows]) & made
        gain = np.where(possible[:, None], gain, 0.0)
        # A row in cell j is one of the shares below points j, j + 1 and so on.
        slope = np.append(gain[:, :-1] - gain[:, 1:], np.zeros((RANK_BETS, 1)), axis=1)
        return cls(slope, gain[:, -1:], possible[:, None])

    @classmethod
    def none(cls, points: int) -> RankBets:
        """Return no bets at all: for a series whose points have no order."""
        empty = np.zeros((RANK_BETS, 1))
        return cls(np.zeros((RANK_BETS, points)), empty, empty > 0)

    @classmethod
    def joined(cls, bets: Sequence[RankBets]) -> RankBets:
        """Return the bets of several series side by side."""
        return cls(
            np.concatenate([b.slope for b in bets], axis=1),
            np.concatenate([b.offset for b in bets], axis=1),
            np.concatenate([b.possible for b in bets], axis=1),
        )

    def advance(
        self, evidence: Grid, current: Grid, rows: Grid | float, credit: Grid | float, starts: Sequence[int] = (0,)
    ) -> Grid:
        """Return ln M after a batch: M ← (M + credit)·E.

        Parameters
        ----------
        evidence
            ln M, float64, shape (12, series).
        current
            The shares of the batch, shape (k,).
        rows, credit
            Rows over the design effect, and what a batch adds to M, one number or shape (series,).
        starts
            The first point of each series.
        """
        told = np.add.reduceat(self.slope * current, starts, axis=1) + self.offset
        found = np.logaddexp(evidence, np.log(credit)) + rows * told
        return np.maximum(np.where(self.possible, found, NONE), NONE)


@dataclass(frozen=True, slots=True)
class Mixture:
    """How the stake is divided: a third each for shares, ranks, and distances from the middle.

    A series without bets of one kind gives its part to the others.

    Attributes
    ----------
    weight
        ln of the part of the mean over the bets on shares, and then of each bet on ranks, float64, shape
        (13, series); -inf for what is not bet on.
    """

    weight: Grid

    @classmethod
    def of(cls, on_shares: NDArray[np.bool_], ranks: RankBets) -> Mixture:
        """Return the mixture of series with and without bets on shares, shape (series,), and bets on ranks."""
        kinds = ranks.possible.reshape(_FUNCTIONALS, -1, len(on_shares))
        each = np.where(kinds, 1 / np.maximum(kinds.sum(axis=1, keepdims=True), 1), 0.0).reshape(RANK_BETS, -1)
        whole = np.concatenate([on_shares[None], each])
        with np.errstate(divide="ignore"):
            return cls(np.log(whole / np.maximum(whole.sum(axis=0), 1.0)))

    def together(self, shares: Grid, ranks: Grid) -> Grid:
        """Return ln of the mean M of each series.

        Parameters
        ----------
        shares
            ln of the mean M over the bets on shares, shape (series,).
        ranks
            ln M of the bets on ranks, shape (12, series).
        """
        parts = self.weight + np.concatenate([shares[None], ranks])
        most = np.maximum(parts.max(axis=0), NONE)
        # What was never bet on stays at NONE.
        found: Grid = np.maximum(most + np.log(np.maximum(np.exp(parts - most).sum(axis=0), 1e-300)), NONE)
        return found


def mid_ranks(shares: Grid) -> tuple[Grid, Grid]:
    """Return the mid-rank of rows between two of the rising points, among those with a value, and the share of rows.

    Parameters
    ----------
    shares
        Shares of rows below each of k - 1 rising points, and last the share of rows without a value, shape (k,). Those
        stand above all others.

    Returns
    -------
    tuple
        Ranks in [0, 1] and shares of rows, each of shape (k,).
    """
    below, known = shares[:-1], max(1 - float(shares[-1]), 0.0)
    edges = np.concatenate([[0.0], np.minimum(below / known if known else below, 1.0), [1.0]])
    return (edges[1:] + edges[:-1]) / 2, np.diff(np.concatenate([[0.0], below, [1.0]]))


def _bets(
    z: Grid, weight: Grid, up: bool, tolerance: float, n_reference: float, effect: float
) -> tuple[Grid, NDArray[np.bool_]]:
    """Return ln(1 + λ·(Z - m)) of a row in each cell, shape (3, cells), and which bets can be made, shape (3,)."""
    z = z if up else 1 - z
    mean = float(weight @ z)
    variance = float(weight @ (z - mean) ** 2)
    told = _HALF_WIDTH * sqrt(variance * effect / n_reference) if n_reference > 0 else 0.0
    allowed = np.maximum(CAUTION * _STAKES * variance, max(tolerance * float(np.abs(np.diff(z)).sum()), told))
    most = mean + allowed
    possible = (1 - _STAKES * most >= _LEAST) & (most < 1) & (variance > 0)
    grown = 1 + _STAKES[:, None] * (z - most[:, None])
    return np.log(np.where(possible[:, None], grown, 1.0)), possible
