"""The hour and the weekday that a window belongs to, and whether a series has a season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["SEASONS", "cells_of", "season_of", "weeks"]

Floats = NDArray[np.float64]

SEASONS = {"none": 1, "weekday": 7, "hour": 24, "weekday_hour": 168}
"""Number of cells of each season."""

_FULL = 4
"""Points a cell must have before its own level is used: four weeks of weekdays."""

_LEVEL = 0.01
_HOUR, _DAY, _WEEK = 3_600.0, 86_400.0, 604_800.0
_MONDAY = 4 * _DAY
"""The first Monday of 1970, in seconds: day 0 was a Thursday."""


def cells_of(starts: Floats, season: str) -> NDArray[np.int64]:
    """Return the cell of each window from its start, in seconds since 1970, UTC; Monday and midnight are 0."""
    day = (np.floor((starts - _MONDAY) / _DAY) % 7).astype(np.int64)
    hour = (np.floor(starts / _HOUR) % 24).astype(np.int64)
    cells = {"none": np.zeros(len(starts), np.int64), "weekday": day, "hour": hour, "weekday_hour": 24 * day + hour}
    return cells[season]


def weeks(starts: Sequence[float]) -> float:
    """Return the number of weeks from the first to the last start."""
    return (max(starts) - min(starts)) / _WEEK if starts else 0.0


def season_of(scaled: Floats, starts: Floats, length: float, asked: str) -> str:
    """Return the season that phase I supports.

    A season needs windows no longer than its cells and four points in each of the cells it was seen in, of which
    there are at least two. With ``auto`` the levels of the cells must also differ, by Fisher's test of the means of
    several groups at .01 over the number of seasons tried; of those that do, the finest is taken.

    Parameters
    ----------
    scaled
        Points less their centre over their standard deviation, cut so that no outlier makes a season.
    starts
        Starts of the windows in seconds; NaN where a point has no window.
    length
        Length of a window in seconds.

    References
    ----------
    Fisher (1925), Statistical methods for research workers, chapter VII: the analysis of variance.
    """
    if asked != "auto" and asked not in SEASONS:
        raise UsageError(f"there is no season {asked!r}; {near_miss(asked, [*SEASONS, 'auto'])}")
    if asked == "none" or not len(starts) or not np.isfinite(starts).all():
        return "none"
    fine = [name for name in _fitting(length) if _filled(cells_of(starts, name))]
    if asked != "auto":
        return asked if asked in fine else "none"
    differ = [name for name in fine if _p_value(scaled, cells_of(starts, name)) <= _LEVEL / len(fine)]
    return differ[-1] if differ else "none"


def _fitting(length: float) -> list[str]:
    if length > _DAY:
        return []
    return ["weekday"] if length > _HOUR else ["hour", "weekday", "weekday_hour"]


def _filled(cells: NDArray[np.int64]) -> bool:
    counts = np.bincount(cells)
    seen = counts[counts > 0]
    return len(seen) > 1 and bool((seen >= _FULL).all())


def _p_value(scaled: Floats, cells: NDArray[np.int64]) -> float:
    counts = np.bincount(cells)
    seen = counts > 0
    groups, m = int(seen.sum()), len(scaled)
    means = np.bincount(cells, scaled)[seen] / counts[seen]
    between = float((counts[seen] * (means - scaled.mean()) ** 2).sum())
    within = float(((scaled - scaled.mean()) ** 2).sum()) - between
    if between <= 0 or within <= 1e-12 * between:
        return float(between <= 0)
    return float(fdtrc(groups - 1, m - groups, (between / (groups - 1)) / (within / (m - groups))))
