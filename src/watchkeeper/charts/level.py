"""What a series does when nothing is wrong: its level, season, variance between windows and dependence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.autocorrelation import first_order
from watchkeeper.charts.phase_one import TRIM, baseline, kept, variance_between
from watchkeeper.charts.season import SEASONS, cells_of, season_of
from watchkeeper.core.errors import UsageError, near_miss

__all__ = [
    "AUTOCORRELATION",
    "BETWEEN",
    "SAMPLING",
    "Level",
    "Points",
    "deviation",
    "fitted",
    "sampling_errors",
    "sampling_of",
]

Floats = NDArray[np.float64]

BETWEEN = ("additive", "laney", "none")
AUTOCORRELATION = ("auto", "always", "none")
SAMPLING = ("auto", "own", "binomial", "poisson")

_SHARE = 0.02
"""Relative distance of a squared error from p(1 - p)/n up to which it is that of a share, n - 1 for n included."""

_CONSTANT = 1.25
"""Largest over smallest sampling error up to which the number of rows counts as constant."""

_MOVING = 1.1283791670955126
"""2/√π, the mean distance of two standard normal numbers."""


@dataclass(frozen=True, slots=True)
class Points:
    """The windows of phase I, one array a field.

    Parameters
    ----------
    values, errors
        Value and standard error; 0 where a point has none.
    sizes
        Rows.
    starts
        Starts of the windows in seconds since 1970; NaN without a window.
    length
        Length of the newest window in seconds; 0 without one.
    """

    values: Floats
    errors: Floats
    sizes: Floats
    starts: Floats
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """The in-control model of a series, y_t = m_t + noise of variance s_t²·spread² + τ².

    Parameters
    ----------
    centre
        Level without a season.
    between
        τ², the variance between windows beyond sampling.
    used
        Points of phase I that were kept.
    doubt
        Variance of the centre.
    season
        Which of the seasons the level has.
    cells, doubts
        Level of each cell of the season and its variance; a cell that was not seen has the centre and its doubt.
    phi
        φ of the AR(1) that the standardised points follow.
    spread
        Laney's σ_z, by which the sampling error is multiplied.
    sampling
        Whether a point's own error counts, or that of a share or a rate at the level.
    """

    centre: float
    between: float
    used: float
    doubt: float = 0.0
    season: str = "none"
    cells: tuple[float, ...] = ()
    doubts: tuple[float, ...] = ()
    phi: float = 0.0
    spread: float = 1.0
    sampling: str = "own"

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the variance: points kept less levels estimated, fewer where points depend.

        A variance of m points of an AR(1) is as uncertain as one of m·(1 - φ²)/(1 + φ²) points.
        """
        seen = len(set(self.cells)) if self.cells else 1
        return max((self.used - seen) * (1 - self.phi**2) / (1 + self.phi**2), 1.0)

    def at(self, start: float) -> tuple[float, float]:
        """Return the level of the window that starts at ``start`` (seconds since 1970), and its variance."""
        if self.season == "none" or not np.isfinite(start):
            return self.centre, self.doubt
        cell = int(cells_of(np.array([start]), self.season)[0])
        return self.cells[cell], self.doubts[cell]


def sampling_errors(level: float, points: Points, sampling: str) -> Floats:
    """Return the sampling error of each point: its own, or that of a share or a rate at ``level``.

    ``binomial`` is √(p(1 - p)/n) of a p chart, ``poisson`` √(u/n) of a u chart: a share that happens to be high knows
    too small an error of its own.
    """
    if sampling not in SAMPLING:
        raise UsageError(f"there is no sampling {sampling!r}; {near_miss(sampling, SAMPLING)}")
    if sampling in ("own", "auto"):
        return points.errors
    variance = level * (1 - level) if sampling == "binomial" else level
    return np.asarray(np.sqrt(max(variance, 0.0) / np.maximum(points.sizes, 1.0)))


def sampling_of(points: Points, asked: str) -> str:
    """Return the sampling to use: with ``auto`` binomial where every point is a share of its rows with that error."""
    if asked != "auto":
        return asked
    p, inside = points.values, (points.values > 0) & (points.values < 1)
    if not inside.any() or (p < 0).any() or (p > 1).any() or not (points.errors > 0).all():
        return "own"
    ratio = points.errors[inside] ** 2 * points.sizes[inside] / (p * (1 - p))[inside]
    return "binomial" if bool((np.abs(ratio - 1) <= _SHARE).all()) else "own"


def fitted(points: Points, chosen: Mapping[str, float | str]) -> Level:
    """Estimate the level of a series from its phase I, robustly.

    Parameters
    ----------
    chosen
        ``trim``, ``between``, ``sampling``, ``season`` and ``autocorrelation``, as the charts that learn have them.

    Notes
    -----
    The level of a cell is the weighted mean of its points after those further than 3.5 robust standard deviations from
    the cell's median are left out; τ² is the moment estimate about these means.
    """
    between, trim = str(chosen.get("between", "additive")), float(chosen.get("trim", TRIM))
    if between not in BETWEEN:
        raise UsageError(f"there is no between {between!r}; {near_miss(between, BETWEEN)}")
    sampling = sampling_of(points, str(chosen.get("sampling", "own")))
    pooled = float(np.average(points.values, weights=np.maximum(points.sizes, 1.0)))
    errors = sampling_errors(pooled, points, sampling)
    plain = baseline(tuple(zip(points.values.tolist(), errors.tolist(), strict=True)), trim)
    errors = sampling_errors(plain.centre, points, sampling)
    sigma = np.sqrt(errors**2 + plain.between)
    scaled = (points.values - plain.centre) / np.where(sigma > 0, sigma, 1.0)
    season = season_of(np.clip(scaled, -TRIM, TRIM), points.starts, points.length, str(chosen.get("season", "none")))
    level = replace(_levels(points, errors, season, trim, between), sampling=sampling)
    asked = str(chosen.get("autocorrelation", "none"))
    if asked not in AUTOCORRELATION:
        raise UsageError(f"there is no autocorrelation {asked!r}; {near_miss(asked, AUTOCORRELATION)}")
    return level if asked == "none" else _dependent(level, points, errors, tested=asked == "auto")


def _levels(points: Points, errors: Floats, season: str, trim: float, between: str) -> Level:
    values = points.values
    cells = cells_of(points.starts, season) if season != "none" else np.zeros(len(values), np.int64)
    seen = np.unique(cells)
    medians = {cell: float(np.median(values[cells == cell])) for cell in seen.tolist()}
    keep = kept(values - np.array([medians[cell] for cell in cells.tolist()]), errors, trim, len(seen))
    known = bool((errors[keep] > 0).all())
    means = {cell: _mean(values, errors if known else None, keep & (cells == cell), medians[cell]) for cell in medians}
    residuals = (values - np.array([means[cell] for cell in cells.tolist()]))[keep]
    degrees, inside = float(keep.sum() - len(seen)), errors[keep]
    spread, tau2 = 1.0, 0.0
    if not known:
        tau2 = float((residuals**2).sum()) / degrees if degrees > 0 else 0.0
    elif between == "laney" and inside.max() <= _CONSTANT * inside.min() and len(residuals) > 1:
        spread = float(np.abs(np.diff(residuals / inside)).mean()) / _MOVING
    elif between != "none":
        weights = [1 / errors[keep & (cells == cell)] ** 2 for cell in seen]
        tau2 = variance_between(residuals, inside, sum(_slack(w) for w in weights), degrees)
    own = np.sqrt((errors * spread) ** 2 * known + tau2)
    means = {cell: _mean(values, own, keep & (cells == cell), means[cell]) for cell in means}
    doubts = {cell: _doubt(own[keep & (cells == cell)]) for cell in means}
    whole = Level(_mean(values, own, keep, 0.0), tau2, float(keep.sum()), _doubt(own[keep]), spread=spread)
    if season == "none":
        return whole
    places = range(SEASONS[season])
    return Level(
        whole.centre, tau2, whole.used, whole.doubt, season, tuple(means.get(c, whole.centre) for c in places),
        tuple(doubts.get(c, own.mean() ** 2) for c in places), spread=spread,
    )  # fmt: skip


def _mean(values: Floats, errors: Floats | None, keep: NDArray[np.bool_], otherwise: float) -> float:
    if not keep.any():
        return otherwise
    if errors is None or not (errors[keep] > 0).all():
        return float(values[keep].mean())
    return float(np.average(values[keep], weights=1 / errors[keep] ** 2))


def _doubt(sigma: Floats) -> float:
    return float(1 / (1 / sigma**2).sum()) if len(sigma) and (sigma > 0).all() else 0.0


def _slack(weights: Floats) -> float:
    return float(weights.sum() - (weights**2).sum() / weights.sum()) if len(weights) else 0.0


def _dependent(level: Level, points: Points, errors: Floats, *, tested: bool) -> Level:
    """Return the level with φ, which also widens the doubt about the centre by (1 + φ)/(1 - φ)."""
    centres = np.array([level.at(float(start))[0] for start in points.starts.tolist()])
    sigma = np.sqrt((errors * level.spread) ** 2 * bool((errors > 0).all()) + level.between)
    if not (sigma > 0).all():
        return level
    phi = first_order(np.clip((points.values - centres) / sigma, -TRIM, TRIM), tested=tested)
    if not phi:
        return level
    wider = (1 + phi) / (1 - phi)
    # Points of one cell of a season are further apart than one window, so its own doubt stays as it is.
    return replace(level, doubt=level.doubt * wider, phi=phi)


def deviation(level: Level, error: float) -> float:
    """Return √(s²·spread² + τ²), the standard deviation of a point about its level."""
    return sqrt((error * level.spread) ** 2 + level.between)
