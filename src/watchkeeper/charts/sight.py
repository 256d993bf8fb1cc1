"""The smallest change that a chart which judges each window by itself would find."""

from __future__ import annotations

from statistics import NormalDist

from watchkeeper.core.evidence import Sight, SightUnit

__all__ = ["POWER", "WINDOWS", "findable", "findable_step"]

POWER = 0.9
"""Chance with which a change is to be found."""

WINDOWS = 8
"""Windows that a lasting change is given."""

_UNIT = NormalDist()
_ONE = _UNIT.inv_cdf(POWER)
_ANY = _UNIT.inv_cdf(1 - (1 - POWER) ** (1 / WINDOWS))
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


def findable_step(limit: float, spread: float, carried: float) -> Sight:
    """Return the step of a metric that is found with 90 % power where a part of each window is expected of the next.

    A step of d shows in full in its first window and as (1 - φ)·d in the seven after it, φ being the part ``carried``:
    the smallest d for which 1 - Φ((limit - d)/s)·Φ((limit - (1 - φ)·d)/s)⁷ reaches .9.

    Examples
    --------
    >>> findable_step(0.3, 0.02, 0.0) == findable(0.3, 0.02, SightUnit.METRIC)
    True
    >>> round(findable_step(0.3, 0.02, 0.5).eight_windows, 4)
    0.3256
    """
    found = findable(limit, spread, SightUnit.METRIC)
    one, low = found.one_window, found.eight_windows
    if carried <= 0 or one is None or low is None or spread <= 0:
        return found
    high = one
    for _ in range(40):
        middle = (low + high) / 2
        missed = _UNIT.cdf((limit - middle) / spread)
        missed *= _UNIT.cdf((limit - (1 - carried) * middle) / spread) ** (WINDOWS - 1)
        low, high = (middle, high) if missed > 1 - POWER else (low, middle)
    return Sight(one, high, SightUnit.METRIC)
