"""What the season of a window is explained by: time of year, weekday and hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.season import cells_of

__all__ = ["DAY", "YEAR", "SeasonTerms", "left_out", "ridge"]

Floats = NDArray[np.float64]

DAY = 86_400.0
YEAR = 365.2425 * DAY
_A_YEAR, _WEEKS, _DAYS = 330 * DAY, 28 * DAY, 14 * DAY
_CLIPPED, _ROUNDS = 3.0, 2
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class SeasonTerms:
    """Which seasons a reference is long enough for.

    Attributes
    ----------
    yearly
        Two harmonics of the year.
    weekday
        A level for each weekday, where windows are shorter than a week.
    hourly
        A level for each hour, of weekends besides, where windows are shorter than a day.
    """

    yearly: bool = False
    weekday: bool = False
    hourly: bool = False

    @classmethod
    def of(cls, length: float, span: float) -> SeasonTerms:
        """Return the seasons for windows of ``length`` seconds in a reference of ``span`` seconds."""
        return cls(span >= _A_YEAR, length < 7 * DAY and span >= _WEEKS, length < DAY and span >= _DAYS)

    def design(self, starts: Floats) -> Floats:
        """Return one row for each window, from its start in seconds since 1970; the first column is 1."""
        year, hour = 2 * np.pi * starts / YEAR, 2 * np.pi * starts / DAY
        waves = [wave(k * year) for k in (1, 2) for wave in (np.sin, np.cos)] if self.yearly else []
        columns = [np.ones(len(starts)), *waves]
        weekday = cells_of(starts, "weekday")
        if self.weekday:
            columns += [(weekday == day) - 1 / 7 for day in range(7)]
        if self.hourly:
            of_day = cells_of(starts, "hour")
            columns += [(of_day == one) - 1 / 24 for one in range(24)]
            columns += [((of_day == one) & (weekday >= 5)) * 1.0 for one in range(24)]
            # How long a day is depends on the time of year.
            columns += [wave * turn(k * hour) for wave in waves[:2] for k in (1, 2) for turn in (np.sin, np.cos)]
        return np.stack(columns, axis=1)


def ridge(design: Floats, values: Floats, weights: Floats) -> Floats:
    """Return the coefficients of each column of ``values``, shape (terms, k), robustly.

    Ridge regression with λ = 1 and an intercept that is not shrunk; values further from the fit than three robust
    standard deviations are moved to there, twice. Missing values take their column's median.

    Parameters
    ----------
    weights
        Of the rows, shape (rows,).
    """
    filled = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
    penalty = _RIDGE * np.eye(design.shape[1])
    penalty[0, 0] = 1e-9
    weighted = (design * weights[:, None]).T
    solver: Floats = np.asarray(np.linalg.solve(weighted @ design + penalty, weighted), np.float64)
    found: Floats = solver @ filled
    for _ in range(_ROUNDS):
        fitted = design @ found
        rest = filled - fitted
        reach = _CLIPPED * 1.4826 * np.median(np.abs(rest - np.median(rest, axis=0)), axis=0) + 1e-12
        found = solver @ (fitted + np.clip(rest, -reach, reach))
    return found


def left_out(design: Floats, values: Floats, weights: Floats, blocks: NDArray[np.int64]) -> Floats:
    """Return the residuals of each row from the fit to all other blocks, shape of ``values``."""
    found = np.empty(values.shape)
    for block in np.unique(blocks):
        own = blocks == block
        found[own] = values[own] - design[own] @ ridge(design[~own], values[~own], weights[~own])
    return found
