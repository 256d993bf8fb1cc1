"""What each season expects of a column's windows, and how far the reference's own windows lie from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.track import FAST, SPANS, Track
from watchkeeper.compare.season_terms import DAY, YEAR, SeasonTerms, left_out, ridge
from watchkeeper.compare.window_statistics import WindowStatistics

__all__ = ["ColumnSeason", "Companions", "Reference", "SeasonModel", "fit_season"]

Floats = NDArray[np.float64]
Numbers = tuple[float, ...]

_GAINS = (0.03, 0.1, 0.3)
"""How fast a level may follow its series: in a month, ten days or three, where windows are days."""

_LONG = 2 * DAY
"""Windows from which a month is too few of them for the slowest."""
_CARRIED = 2.5
"""Standard errors beyond which the correlation with the window before is taken for one."""

_SHAKY = 1.25
"""How much wider a series scatters that has been seen to wander: what it did is less of what it can do."""

_ONE_YEAR = 0.25
"""How much further another year may lie than one year shows."""

_DOUBT = 1.64
"""Standard errors of a slope that is allowed to go on."""

_FAR = 4.0
"""Robust standard deviations at which residuals are clipped where columns are compared."""

_BLOCKS = 6


@dataclass(frozen=True, slots=True)
class Companions:
    """What a column's mean is expected to be given those of up to three others.

    Attributes
    ----------
    columns, weights
        The others, and what a robust standard deviation of each moves this one by, in its own.
    rho, gain, level, previous, scale, largest
        As ``Departure`` has them, of what is left.
    """

    columns: tuple[str, ...]
    weights: Numbers
    rho: float
    gain: float
    level: float
    previous: float
    scale: float
    largest: float


@dataclass(frozen=True, slots=True)
class ColumnSeason:
    """The season of one column's k statistics.

    Attributes
    ----------
    statistics
        What is followed.
    coefficients
        Of the terms of the season, shape (terms, k).
    slower, faster
        Slopes a year that may go on after the reference, downwards and upwards, shape (k,).
    usual
        Rows of a usual window.
    rho, gain, level, previous
        As ``Departure`` has them, shape (k,).
    scales, largest
        Of the views, shape (5, k).
    robust
        Robust standard deviation of the residuals of the mean, by which columns are compared.
    windows
        Windows of the reference that count.
    companions
        What the other columns say; None where they say nothing.
    """

    statistics: WindowStatistics
    coefficients: tuple[Numbers, ...]
    slower: Numbers
    faster: Numbers
    usual: float
    rho: Numbers
    gain: Numbers
    level: Numbers
    previous: Numbers
    scales: tuple[Numbers, ...]
    largest: tuple[Numbers, ...]
    robust: float
    windows: int
    companions: Companions | None = None


@dataclass(frozen=True, slots=True)
class SeasonModel:
    """The seasons of a model's columns.

    Attributes
    ----------
    length
        Of a window, in seconds.
    end, span
        End of the reference in seconds since 1970, and its length.
    terms
        The seasons it is long enough for.
    covered
        Share of a window that its rows usually span, and where in it their middle usually lies.
    columns
        By name.
    """

    length: float
    end: float
    span: float
    terms: SeasonTerms
    covered: tuple[float, float] | None = None
    columns: Mapping[str, ColumnSeason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column's windows of the reference.

    Attributes
    ----------
    values
        Statistics of each window, NaN where it has none, shape (windows, k).
    rows
        Rows of each window with a value, shape (windows,).
    """

    statistics: WindowStatistics
    values: Floats
    rows: Floats


def fit_season(
    starts: Floats,
    length: float,
    references: Mapping[str, Reference],
    covered: tuple[float, float] | None = None,
) -> SeasonModel:
    """Return the seasons of columns from the windows of their reference.

    The expected value is a ridge regression on the terms of the season. Residuals leave their block of 28 days (four
    windows at least) out, and scales are those of what ``Track`` makes of these. With less than a year of reference
    there is no yearly term and nothing is said of slow movements.

    Parameters
    ----------
    starts
        Starts of the windows in seconds since 1970, in rising order, shape (windows,).
    """
    span = float(starts[-1] - starts[0] + length)
    terms = SeasonTerms.of(length, span)
    fits = {name: _Fit(starts, length, terms, one) for name, one in references.items()}
    residuals = {name: one.robust for name, one in fits.items() if one.statistics.names[0] == "mean"}
    columns = {name: one.column(_companions(name, residuals, one)) for name, one in fits.items()}
    return SeasonModel(length, float(starts[-1] + length), span, terms, covered, columns)


class _Fit:
    """The fit of one column."""

    def __init__(self, starts: Floats, length: float, terms: SeasonTerms, reference: Reference) -> None:
        self.statistics, self.terms = reference.statistics, terms
        self.years = max(1.0, float(starts[-1] - starts[0] + length) / YEAR)
        there = np.isfinite(reference.values).all(axis=1)
        self.windows, self.usual = int(there.sum()), float(np.median(reference.rows[there]))
        self.inflation = np.sqrt(np.maximum(1.0, self.usual / np.maximum(reference.rows, 1.0)))[:, None]
        self.weights = there / self.inflation[:, 0] ** 2
        design, values = terms.design(starts), reference.values
        blocks = _blocks(starts, length, terms)
        self.coefficients = ridge(design, values, self.weights)
        self.residuals = left_out(design, values, self.weights, blocks)
        self.slower = self.faster = np.zeros(values.shape[1])
        if terms.yearly:
            self._with_slope(starts, length, design, values, blocks)
        self.gains = _GAINS[1:] if length > _LONG else _GAINS
        self.rho, self.gain, self.views, self.track = _followed(self.residuals, self.inflation, self.gains)
        mean = self.residuals[:, 0]
        scale = 1.4826 * float(np.nanmedian(np.abs(mean))) or float(np.nanstd(mean)) or 1.0
        self.scale, self.robust = scale, np.clip(np.nan_to_num(mean / scale), -_FAR, _FAR)

    def _with_slope(
        self, starts: Floats, length: float, design: Floats, values: Floats, blocks: NDArray[np.int64]
    ) -> None:
        """Find out how fast the column may move on, and take a slope that is sure out of the residuals."""
        years = (starts - starts[-1] - length) / YEAR
        sloped = np.column_stack([design, years - years.mean()])
        fitted = ridge(sloped, values, self.weights)
        rest, slope = left_out(sloped, values, self.weights, blocks), fitted[-1]
        doubt = _slope_error(rest, years, design)
        sure = (np.abs(slope) > 4 * doubt) & (np.nanstd(rest, axis=0) < 0.9 * np.nanstd(self.residuals, axis=0))
        # What grew goes on growing half as fast again, or stops.
        goes_on = np.where(sure, 1.5 * slope, 0.0)
        self.faster = np.maximum(0.0, np.maximum(slope + _DOUBT * doubt, goes_on))
        self.slower = np.minimum(0.0, np.minimum(slope - _DOUBT * doubt, goes_on))
        self.residuals = np.where(sure, rest, self.residuals)
        at_end = fitted[:-1].copy()
        at_end[0] -= years.mean() * slope
        self.coefficients = np.where(sure, at_end, self.coefficients)

    def column(self, companions: Companions | None) -> ColumnSeason:
        wider = np.where((self.rho > 0) | (self.gain > self.gains[0]), _SHAKY, 1.0)
        scales, largest = (wider * one for one in _scales(self.views))
        if self.terms.yearly:
            scales[FAST:] *= 1 + _ONE_YEAR / sqrt(self.years)
            largest[FAST:] *= 1 + _ONE_YEAR / sqrt(self.years)
        return ColumnSeason(
            self.statistics, _rows(self.coefficients), _row(self.slower), _row(self.faster), self.usual,
            _row(self.rho), _row(self.gain), _row(self.track.level), _last(self.track),
            _rows(scales), _rows(largest), float(f"{self.scale:.9g}"), self.windows, companions,
        )  # fmt: skip


def _blocks(starts: Floats, length: float, terms: SeasonTerms) -> NDArray[np.int64]:
    span = float(starts[-1] - starts[0]) + length
    block = 28 * DAY if terms.yearly or span >= 112 * DAY else max(7 * DAY, span / 4)
    # A reference of hours has no weeks to leave out.
    block = min(max(block, 4 * length), span / 4)
    found: NDArray[np.int64] = np.floor((starts - starts[0]) / block).astype(np.int64)
    return found


def _slope_error(rest: Floats, years: Floats, design: Floats) -> Floats:
    """Return the standard error of a slope whose residuals are dependent, as far as the season leaves it to be seen."""
    z = np.nan_to_num(rest - np.nanmean(rest, axis=0))
    carried = (z[1:] * z[:-1]).sum(axis=0) / np.maximum((z**2).sum(axis=0), 1e-300)
    carried = np.clip(carried, 0.0, 0.95)
    centred = years - years.mean()
    basis = np.linalg.qr(design)[0]
    free = float(((centred - basis @ (basis.T @ centred)) ** 2).sum())
    found: Floats = np.std(z, axis=0) * np.sqrt((1 + carried) / (1 - carried)) / sqrt(max(free, 1e-12))
    return found


def _followed(residuals: Floats, inflation: Floats, gains: Numbers) -> tuple[Floats, Floats, Floats, Track]:
    """Return ρ and gain that follow each series best, the views of its windows, (windows, 5, k), and the track."""
    k = residuals.shape[1]
    rho, gain, best = np.zeros(k), np.full(k, gains[0]), np.full(k, np.inf)
    for one in gains:
        views, _ = _passed(residuals, inflation, np.zeros(k), np.full(k, one))
        away = views[:, 0] * inflation
        # What the window before lies off the level that this window is judged by.
        before = residuals[:-1] - (residuals[1:] - away[1:])
        now, scale = away[1:], 1.4826 * np.nanmedian(np.abs(away), axis=0) + 1e-12
        a, b = np.clip(now, -3 * scale, 3 * scale), np.clip(before, -3 * scale, 3 * scale)
        there = np.isfinite(a) & np.isfinite(b)
        a, b = np.where(there, a, 0.0), np.where(there, b, 0.0)
        carried = np.clip((a * b).sum(axis=0) / np.maximum((b * b).sum(axis=0), 1e-300), 0.0, 0.95)
        carried = np.where(carried * np.sqrt(there.sum(axis=0)) > _CARRIED, carried, 0.0)
        rest = np.abs(np.clip(a - carried * b, -4 * scale, 4 * scale)).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        better = rest < 0.995 * best
        best, rho, gain = np.where(better, rest, best), np.where(better, carried, rho), np.where(better, one, gain)
    views, track = _passed(residuals, inflation, rho, gain)
    return rho, gain, views, track


def _passed(residuals: Floats, inflation: Floats, rho: Floats, gain: Floats) -> tuple[Floats, Track]:
    k = residuals.shape[1]
    track, found = Track.start(np.zeros(k), np.full(k, np.nan)), []
    for residual, wide in zip(residuals, inflation, strict=True):
        views = track.views(residual, wide, rho)
        track = track.follow(residual, wide, gain, views)
        found.append(views)
    return np.array(found), track


def _scales(views: Floats) -> tuple[Floats, Floats]:
    """Return standard deviation and largest value of each view, shape (5, k)."""
    size = np.abs(views)
    middle, spread = 1.4826 * np.nanmedian(size, axis=0), np.sqrt(np.nanmean(views**2, axis=0))
    # Weighted means start at nothing and are as wide as ever only after a while.
    least = spread[[0, 0, 0, 3, 3]] / np.sqrt(SPANS)[:, None]
    return np.maximum(np.maximum(middle, spread), least), np.nanmax(size, axis=0)


def _companions(name: str, residuals: Mapping[str, Floats], fit: _Fit) -> Companions | None:
    """Return what the three columns that go with this one most say of it; None where none does."""
    own, windows = residuals.get(name), fit.windows
    if own is None or windows < 40 or not own.any():
        return None
    floor = max(0.3, 3.5 / sqrt(windows))
    others = [(abs(_correlation(own, z)), other) for other, z in residuals.items() if other != name and z.any()]
    chosen = tuple(other for size, other in sorted(others, reverse=True)[:3] if size > floor)
    if not chosen:
        return None
    z = np.stack([residuals[other] for other in chosen], axis=1)
    blocks = np.arange(len(own)) * _BLOCKS // len(own)
    left = fit.residuals[:, 0] / fit.scale
    for block in range(_BLOCKS):
        apart = blocks == block
        left[apart] -= z[apart] @ _weights(z[~apart], own[~apart])
    rho, gain, views, track = _followed(left[:, None], fit.inflation, fit.gains)
    scales, largest = _scales(views)
    wider = _SHAKY if rho[0] > 0 or gain[0] > fit.gains[0] else 1.0
    return Companions(
        chosen, _row(_weights(z, own)), _row(rho)[0], _row(gain)[0], _row(track.level)[0], _last(track)[0],
        wider * float(scales[0, 0]), wider * float(largest[0, 0]),
    )  # fmt: skip


def _correlation(a: Floats, b: Floats) -> float:
    return float((a * b).mean() / max(a.std() * b.std(), 1e-12))


def _weights(z: Floats, own: Floats) -> Floats:
    return np.asarray(np.linalg.solve(z.T @ z + np.eye(z.shape[1]), z.T @ own), np.float64)


def _last(track: Track) -> Numbers:
    """Return the last residuals; the level, where there is none."""
    return _row(np.where(np.isfinite(track.previous), track.previous, track.level))


def _row(values: Floats) -> Numbers:
    return tuple(float(f"{value:.9g}") for value in values.tolist())


def _rows(values: Floats) -> tuple[Numbers, ...]:
    return tuple(_row(row) for row in values)
