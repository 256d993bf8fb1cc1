"""The smallest change that a chart which judges each window by itself would find."""

from __future__ import annotations

from statistics import NormalDist

from watchkeeper.core.evidence import Sight, SightUnit

__all__ = ["POWER", "WINDOWS", "findable"]

POWER = 0.9
"""Chance with which a change is to be found."""

WINDOWS = 8
"""Windows that a lasting change is given."""

_ONE = NormalDist().inv_cdf(POWER)
_ANY = NormalDist().inv_cdf(1 - (1 - POWER) ** (1 / WINDOWS))
"""In one of eight windows it is enough to be found with probability .25."""


def findable(limit: float, spread: float, unit: SightUnit, *, most: float = float("inf")) -> Sight:
    """Return the change d that is found with 90 % power: d + spread·Z > limit, in one window or in one of eight.

    Parameters
    ----------
    limit
        The change beyond which a window signals.
    spread
        Standard deviation of the measured change from window to window.
    most
        The largest change there can be.

    Examples
    --------
    >>> round(findable(0.3, 0.02, SightUnit.SHARE).one_window, 4)
    0.3256
    """
    one, any_ = limit + _ONE * spread, limit + _ANY * spread
    # What cannot pass the limit by itself is not carried past it by chance either.
    return Sight(one if one < most else None, any_ if limit < most else None, unit)
