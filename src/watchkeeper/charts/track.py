"""What a series of residuals is followed by: its level, and evidence of small changes added up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["CRAWL", "FAST", "SPANS", "VIEWS", "Track"]

Floats = NDArray[np.float64]

_QUICK, _STEADY = 0.4, 0.15

VIEWS = 5
"""Against the last windows: one window, about four, about twelve. Against the season: one window, about twelve."""

FAST = 3
"""The first views are against the last windows."""

SPANS = np.array([1.0, 2 / _QUICK - 1, 2 / _STEADY - 1, 1.0, 2 / _STEADY - 1])
"""Windows that a view is worth."""

CRAWL = 0.15
"""How fast a level follows windows that signalled."""


@dataclass(frozen=True, slots=True)
class Track:
    """Where k series stand after some windows.

    The level l follows the residuals r by l ← l + gain·(r - l)/κ², κ being the inflation of a window with few rows. The
    views of a window are, all over κ,

    - r - l - ρ·(r₋₁ - l): the window against the ones before;
    - two exponentially weighted means of r - l, with weights .4 and .15: a change of the last few windows;
    - r itself, and its mean with weight .15: against the season.

    Attributes
    ----------
    level, previous
        l, and r₋₁ (NaN where the window before is missing or signalled), shape (k,).
    quick, steady, season
        The weighted means, shape (k,).
    """

    level: Floats
    previous: Floats
    quick: Floats
    steady: Floats
    season: Floats

    @classmethod
    def start(cls, level: Floats, previous: Floats) -> Track:
        """Return a track at a known level, with nothing added up."""
        nothing = np.zeros(len(level))
        return cls(level, previous, nothing, nothing, nothing)

    def views(self, residual: Floats, inflation: Floats, rho: Floats) -> Floats:
        """Return the five views of a window, shape (5, k); NaN where the residual is."""
        before = np.where(np.isfinite(self.previous), self.previous, self.level)
        away, own = (residual - self.level) / inflation, residual / inflation
        return np.stack(
            [
                away - rho * (before - self.level) / inflation,
                (1 - _QUICK) * self.quick + _QUICK * away,
                (1 - _STEADY) * self.steady + _STEADY * away,
                own,
                (1 - _STEADY) * self.season + _STEADY * own,
            ]
        )

    def follow(self, residual: Floats, inflation: Floats, gain: Floats, views: Floats) -> Track:
        """Take a window in that did not signal; one without a residual is skipped."""
        there = np.isfinite(residual)
        level = self.level + gain * (residual - self.level) / inflation**2
        kept = (self.quick, self.steady, self.season)
        sums = [np.where(there, new, old) for new, old in zip(views[[1, 2, 4]], kept, strict=True)]
        return Track(np.where(there, level, self.level), np.where(there, residual, np.nan), *sums)

    def hold(self, residual: Floats, inflation: Floats, reach: Floats, season_reach: Floats) -> Track:
        """Take a window in that signalled: nothing of it is carried on, and the level follows it a little.

        Parameters
        ----------
        reach, season_reach
            How much of the residual counts, on either side of the level and of the season.
        """
        there = np.isfinite(residual)
        away, own = residual - self.level, residual / inflation
        level = self.level + CRAWL * np.clip(away, -reach, reach)
        season = (1 - _STEADY) * self.season + _STEADY * np.clip(own, -season_reach, season_reach)
        return replace(
            self,
            level=np.where(there, level, self.level),
            previous=np.full(len(self.level), np.nan),
            season=np.where(there, season, self.season),
        )

    def moved_to(self, level: Floats, at: NDArray[np.bool_]) -> Track:
        """Take ``level`` for the new level where ``at`` says so."""
        return replace(
            self,
            level=np.where(at & np.isfinite(level), level, self.level),
            quick=np.where(at, 0.0, self.quick),
            steady=np.where(at, 0.0, self.steady),
        )

    def at(self, chosen: NDArray[np.bool_], other: Track) -> Track:
        """Return this track for the chosen series, ``other`` for the rest."""
        fields = ("level", "previous", "quick", "steady", "season")
        return Track(*(np.where(chosen, getattr(self, name), getattr(other, name)) for name in fields))
