"""What the stream rule adds up: bets against "no share beyond the tolerance", of one series or of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["BETS", "CAUTION", "NONE", "UNKNOWN", "Bets", "advance", "tolerated", "watched"]

NONE = -1e4
"""ln M of a detector that has seen nothing; lists of numbers are stored as JSON, which knows no infinity."""

_STEPS = np.array([0.03, 0.07, 0.15])
UNKNOWN = 0.001
"""Chance that what the reference tells of its own shares or ranks is further off than what is allowed for it."""

CAUTION = 0.15
"""A bet tolerates at least this share of the change it looks for.

A bet on a large change that tolerated next to none would be the first to be carried away by chance: clean rows reach
A by it about as often as A allows. Chosen by simulation with 50,000 reference rows and δ = .006: in 72 million clean
rows no caution and shares alone had 55 false alarms, this and the bets on ranks 14, and .2 sigma was found a little
sooner."""

BETS = 2 * len(_STEPS)
"""Bets at a point: each alternative in each direction."""

_SIDES = {"both": (True, True), "upper": (True, False), "lower": (False, True)}

Grid = NDArray[np.float64]


def watched(side: str) -> tuple[bool, bool]:
    """Return whether shares that rise and shares that fall are watched.

    Raises
    ------
    UsageError
        When there is no such side.
    """
    if side not in _SIDES:
        raise UsageError(f"there is no side {side!r}; {near_miss(side, _SIDES)}")
    return _SIDES[side]


def tolerated(tolerance: float, n_reference: float, effect: float) -> float:
    """Return δ: the tolerance, or the half-width √(ln(2/.001)·φ/(2·n0)) within which the reference knows its shares."""
    return max(tolerance, sqrt(log(2 / UNKNOWN) * effect / (2 * n_reference))) if n_reference > 0 else tolerance


@dataclass(frozen=True, slots=True)
class Bets:
    """ln E of one row at each of k points, which is linear in the share g of the batch: slope·g + offset.

    Three bets on a share that rose to v = u + a, a ∈ {.03, .07, .15}, in each direction: on g against u = f + d, and
    on 1 - g against u = 1 - f + d, with d = max(δ, .15·a). Rows 0 to 5 are (a, direction) with the direction changing
    fastest.

    Attributes
    ----------
    slope, offset
        float64, shape (6, k); 0 where the alternative is no share.
    possible
        Where it is one and the side is watched, shape (6, k).
    """

    slope: Grid
    offset: Grid
    possible: NDArray[np.bool_]

    @classmethod
    def against(cls, reference: Grid, delta: float, side: str = "both") -> Bets:
        """Return the bets against shares of at most ``delta`` beyond those of the reference, shape (k,).

        Parameters
        ----------
        side
            ``upper`` for shares that rise, ``lower`` for shares that fall, ``both``.
        """
        directions = np.array(watched(side))
        step = _STEPS[:, None, None]
        u = np.stack([reference, 1 - reference]) + np.maximum(delta, CAUTION * step)
        v = u + step
        possible = (v < 1) & directions[:, None]
        u, v = np.where(possible, u, 0.5), np.where(possible, v, 0.5)
        hit, miss = np.log(v / u), np.log((1 - v) / (1 - u))
        # In the second direction the share is 1 - g.
        slope = (hit - miss) * np.array([1.0, -1.0])[:, None]
        offset = np.stack([miss[:, 0], hit[:, 1]], axis=1)
        flat = (BETS, len(reference))
        return cls(slope.reshape(flat), offset.reshape(flat), possible.reshape(flat))

    @classmethod
    def joined(cls, bets: Sequence[Bets]) -> Bets:
        """Return the bets of several series side by side."""
        return cls(
            np.concatenate([b.slope for b in bets], axis=1),
            np.concatenate([b.offset for b in bets], axis=1),
            np.concatenate([b.possible for b in bets], axis=1),
        )


def advance(
    evidence: Grid, bets: Bets, current: Grid, rows: Grid | float, credit: Grid | float, starts: Sequence[int] = (0,)
) -> tuple[Grid, Grid]:
    """Take a batch in: M ← (M + credit)·E, E = exp(rows·(slope·g + offset)).

    Parameters
    ----------
    evidence
        ln M, float64, shape (6, k).
    current
        The shares of the batch, float64, shape (k,).
    rows
        Number of rows over the design effect, one number or shape (k,).
    credit
        What a batch adds to M: its rows, or 1 where batches are counted; at least 1; one number or shape (k,).
    starts
        The first point of each of the series that lie side by side.

    Returns
    -------
    tuple
        The new ln M, shape (6, k), and ln of the mean M of each series over its possible bets.
    """
    found = np.logaddexp(evidence, np.log(credit)) + rows * (bets.slope * current + bets.offset)
    found = np.maximum(np.where(bets.possible, found, NONE), NONE)
    return found, _log_mean(found, bets.possible, starts)


def _log_mean(evidence: Grid, possible: NDArray[np.bool_], starts: Sequence[int]) -> Grid:
    most = np.maximum.reduceat(evidence.max(axis=0), starts)
    lengths = np.diff(np.append(starts, evidence.shape[1]))
    above = np.where(possible, np.exp(evidence - np.repeat(most, lengths)), 0.0)
    total = np.add.reduceat(above.sum(axis=0), starts)
    bets = np.add.reduceat(possible.sum(axis=0), starts)
    known = bets > 0
    mean: Grid = np.full(len(bets), NONE)
    mean[known] = most[known] + np.log(total[known] / bets[known])
    return mean
