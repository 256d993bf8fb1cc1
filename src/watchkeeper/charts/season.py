"""The hour and the weekday that a window belongs to, and whether a series has a season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kruskal

from watchkeeper.core.errors import UsageError, near_miss

__all__ = ["SEASONS", "cells_of", "season_of", "weeks"]

Floats = NDArray[np.float64]

SEASONS = {"none": 1, "weekday": 7, "hour": 24, "weekday_hour": 168}
"""Number of cells of each season."""

_FULL = 8
"""Points a cell must have before its own level is used: eight weeks of weekdays."""

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

    A season needs windows no longer than its cells and eight points in each of the cells it was seen in, of which
    there are at least two. With ``auto`` the levels of the cells must also differ, by the test of Kruskal and Wallis at
    .01 over the number of seasons tried; of those that do, the finest is taken.

    Parameters
    ----------
    scaled
        Points less their centre over their standard deviation.
    starts
        Starts of the windows in seconds; NaN where a point has no window.
    length
        Length of a window in seconds.

    References
    ----------
    Kruskal and Wallis (1952), Use of ranks in one-criterion variance analysis, doi:10.1080/01621459.1952.10483441.
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
    if not np.ptp(scaled):
        return 1.0
    return float(kruskal(*(scaled[cells == cell] for cell in np.unique(cells))).pvalue)
