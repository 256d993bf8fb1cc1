"""A column that from one window to the next is what it was, transformed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.transformations import KnownTransformation, known_transformations
from watchkeeper.compare.window_shape import LEVELS, WindowShape, coordinates, points_of, sampling, shape_of, widths
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.state import State

__all__ = ["LEAST_WINDOWS", "Neighbourhood", "Place", "StepTest", "still_turned", "turned_back", "unit_step"]

Floats = NDArray[np.float64]

LEAST_WINDOWS = 4
"""Windows before, without which nobody can tell a step from what the column does by itself."""

_FULL = 8
_SUDDEN = 4.0
"""How many times farther than the farthest of the windows before the new values must lie, as they are."""

_APART = 1.5
"""How many times farther than that one a window may lie that is like them."""

_ALIKE = 2.0
"""Distance up to which windows are alike however near each other they lie."""

_AS_WELL = 0.25
"""Limits by which another transformation may fit better than one that is more usual."""

_FLAT, _FLAT_SPREAD = 0.02, 0.05
"""Part of a spread, and change of its logarithm, below which differences of windows do not count."""

_K = len(LEVELS)
_MIDDLE = int(LEVELS.searchsorted(0.5))
_LOGARITHMS = (_K, _K + 3)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window lies.

    Attributes
    ----------
    point
        Its coordinates.
    blur
        By how much each may be off; NaN for one that says nothing.
    """

    point: Floats
    blur: Floats

    @classmethod
    def of(cls, quantiles: Floats, mean: float, deviation: float, wide: Floats) -> Place:
        """Return the place of values whose quantiles lie in bins of the widths ``wide``.

        Mean and deviation, which a few values rule, count only where bins are too wide for quantiles to say much.
        """
        point = coordinates(quantiles[None], np.array([mean]), np.array([deviation]))[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            off = (wide[1] + wide[-2]) / (quantiles[-2] - quantiles[1])
        sharp = float(np.median(wide)) <= 0.1 * (quantiles[-2] - quantiles[1])
        moments = np.full(3, np.nan if sharp else 0.0)
        return cls(point, np.concatenate([wide, [off if sharp else np.nan], moments]))


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Where the windows before lie, and how far from each other.

    Each window is a point: its quantiles, their spread on the logarithmic scale, mean and deviation. Coordinates are
    divided by the root mean square of their steps from window to window, or by what sampling alone makes of them where
    that is more; the distance of two points is that of the coordinate that differs most, and that of a point from the
    others is the least from one of them or from their mean.

    Attributes
    ----------
    points
        Shape (windows + 1, k), the mean last.
    unit
        By which coordinates are divided, shape (k,).
    farthest
        The largest distance of one of the windows from the others.
    """

    points: Floats
    unit: Floats
    farthest: float

    @classmethod
    def of(cls, points: Floats, rows: float) -> Neighbourhood | None:
        """Return that of windows in their order; None where the values are constant."""
        middle = np.median(points, axis=0)
        spread = float(middle[_K - 2] - middle[1]) or float(middle[_K - 1] - middle[0])
        if not np.isfinite(points[:, :_K]).all() or spread <= 0:
            return None
        steps = np.sqrt(np.mean(np.diff(points, axis=0) ** 2, axis=0))
        least = np.full(points.shape[1], _FLAT * spread)
        least[list(_LOGARITHMS)] = _FLAT_SPREAD
        unit = np.maximum(np.maximum(steps, sampling(middle, rows) * sqrt(2)), least)
        m = len(points)
        away = np.nanmax(np.abs(points[:, None] - points[None]) / unit, axis=2) + np.diag(np.full(m, np.inf))
        others = (points.sum(axis=0) - points) / (m - 1)
        nearest = np.minimum(away.min(axis=1), np.nanmax(np.abs(points - others) / unit, axis=1))
        farthest = float(nearest.max()) * sqrt(_FULL / min(m, _FULL))
        return cls(np.vstack([points, points.mean(axis=0)]), unit, farthest)

    @property
    def limit(self) -> float:
        """Distance up to which a window is like them."""
        return max(_ALIKE, _APART * self.farthest)

    def distance(self, place: Place) -> float:
        """Return how far a window lies from the others."""
        known = np.isfinite(place.blur) & np.isfinite(place.point) & np.isfinite(self.points).all(axis=0)
        if not known.any():
            return np.inf
        away = np.maximum(np.abs(self.points - place.point) - place.blur, 0.0)[:, known] / self.unit[known]
        return float(away.max(axis=1).min())


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def unit_step(
    current: State, before: Sequence[WindowShape], known: Iterable[KnownTransformation] | None = None
) -> Transformation | None:
    """Return what turned the windows before into the one under judgement; None where nothing known did, or too little.

    A transformation is named where

    - the values as they are lie at least four times as far from each of the windows before as the farthest of these
      lies from the others: the step took one window, and growth takes none such;
    - turned back, they are like one of them;
    - turned back by what is near it, such as another factor, they are not: a window too small to tell these apart
      names no unit;
    - values such as these before may be turned so, and the name of the column does not speak against it.
    """
    test = StepTest.of(current, before) if len(before) >= LEAST_WINDOWS else None
    if test is None or not test.sudden:
        return None
    around, points = test.around, test.around.points[:-1]
    lower, upper = float(points[:, 0].min()), float(points[:, _K - 1].max())
    tried = known_transformations(current.key.column, test.start.year) if known is None else known
    possible = [one for one in tried if one.plausible(lower, upper)]
    fits = sorted((test.seen.turned_back(one, around), number) for number, one in enumerate(possible))
    if not fits or fits[0][0] > 1:
        return None
    # What fits nearly as well and is more usual stands first.
    best = possible[min(number for away, number in fits if away <= min(1.0, fits[0][0] + _AS_WELL))]
    middle = float(np.median(points[:, _MIDDLE]))
    near = best.neighbours(middle)
    if not (best.linear or _leads_there(best, middle, float(test.seen.quantiles[_MIDDLE]))):
        return None
    told_apart = all(test.seen.turned_back(other, around) > 1 for other in near)
    return replace(best.does, since=test.start) if told_apart else None


def _leads_there(one: KnownTransformation, middle: float, now: float) -> bool:
    """Return whether the middle of the values lies within a quarter of the way from where a transformation puts it."""
    there = float(one.apply(np.array([middle]))[0])
    return abs(now - there) <= 0.25 * abs(there - middle)


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def still_turned(current: State, before: Sequence[WindowShape], does: Transformation) -> bool:
    """Return whether undoing a transformation brings a window four times nearer to those before than it is."""
    test = StepTest.of(current, before) if len(before) > 1 else None
    if test is None:
        return False
    undone = test.seen.turned_back(KnownTransformation(does), test.around)
    return test.away > 1 and undone <= max(1.0, test.away / _SUDDEN)


def turned_back(shape: WindowShape, does: Transformation) -> WindowShape:
    """Return the shape that a window would have had without a transformation."""
    one, quantiles = KnownTransformation(does), np.array(shape.quantiles)
    if not one.linear:
        back = one.inverse().apply(quantiles)
        mean, deviation = _mean_and_deviation(back[None])
        return replace(shape, quantiles=tuple(back.tolist()), mean=float(mean[0]), deviation=float(deviation[0]))
    back = np.sort((quantiles - does.offset) / does.factor)
    mean_back = (shape.mean - does.offset) / does.factor
    return replace(shape, quantiles=tuple(back.tolist()), mean=mean_back, deviation=shape.deviation / abs(does.factor))


def _mean_and_deviation(quantiles: Floats) -> tuple[Floats, Floats]:
    """Return about the mean and the deviation of values with these quantiles, shape (windows, levels)."""
    across = LEVELS[-1] - LEVELS[0]
    mean = np.trapezoid(quantiles, LEVELS, axis=1) / across
    return mean, np.sqrt(np.trapezoid((quantiles - mean[:, None]) ** 2, LEVELS, axis=1) / across)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The values of a window, to be turned back."""

    quantiles: Floats
    mean: float
    deviation: float
    wide: Floats
    rows: float

    def place(self, factor: float = 1.0, offset: float = 0.0) -> Place:
        """Return where they lie once a factor and an offset are taken back."""
        quantiles, wide = (self.quantiles - offset) / factor, self.wide / abs(factor)
        if factor < 0:
            quantiles, wide = quantiles[::-1], wide[::-1]
        return Place.of(quantiles, (self.mean - offset) / factor, self.deviation / abs(factor), wide)

    def turned_back(self, one: KnownTransformation, around: Neighbourhood) -> float:
        """Return how far they lie from the windows before once a transformation is undone, in limits."""
        if one.does.kind is TransformationKind.LOGARITHM:
            return self._turned(one, around)
        if one.does.kind is TransformationKind.EXPONENT:
            # The logarithm of values that are spread over decades is sharp, where windows turned to such are not.
            undone = one.inverse()
            low, back, high = (undone.apply(np.maximum(self.quantiles + w * self.wide, 0.0)) for w in (-0.5, 0, 0.5))
            if not np.isfinite(back).all():
                return np.inf
            wide = np.where(np.isfinite(low), high - low, np.nan)
            return around.distance(Place.of(back, np.nan, np.nan, wide)) / around.limit
        return around.distance(self.place(one.does.factor, one.does.offset)) / around.limit

    def _turned(self, one: KnownTransformation, around: Neighbourhood) -> float:
        """Return the same where the windows before are turned instead."""
        turned = one.apply(around.points[:-1, :_K])
        if not np.isfinite(turned).all():
            return np.inf
        mean, deviation = _mean_and_deviation(turned)
        there = Neighbourhood.of(coordinates(turned, mean, deviation), self.rows)
        if there is None:
            return np.inf
        place = self.place()
        # Mean and deviation of turned quantiles are not quite those of turned values.
        rough = np.array([0.25, 0.5, 0.5]) * np.array([*np.full(2, float(np.median(deviation))), 1.0])
        return there.distance(Place(place.point, np.append(place.blur[:-3], place.blur[-3:] + rough))) / there.limit


@dataclass(frozen=True, slots=True)
class StepTest:
    """A window of a column beside those before.

    Attributes
    ----------
    start
        Of the window.
    around
        The windows before.
    seen
        The values, to be turned back.
    away
        How far they lie as they are, in limits.
    """

    start: datetime
    around: Neighbourhood
    seen: _Seen
    away: float

    @classmethod
    def of(cls, current: State, before: Sequence[WindowShape]) -> StepTest | None:
        """Return it; None where the window has too few values, or those before are constant."""
        window = current.key.window
        shape = shape_of(current, window.start) if window is not None else None
        if shape is None or window is None:
            return None
        rows = min(float(shape.n), float(np.median([one.n for one in before])))
        around = Neighbourhood.of(points_of(before), rows)
        if around is None:
            return None
        seen = _Seen(np.array(shape.quantiles), shape.mean, shape.deviation, widths(current), rows)
        return cls(window.start, around, seen, around.distance(seen.place()) / around.limit)

    @property
    def sudden(self) -> bool:
        """Whether they lie four times as far away as the farthest of the windows before from the others."""
        return self.away * self.around.limit >= _SUDDEN * max(1.0, self.around.farthest)

    def away_from(self, other: StepTest) -> float:
        """Return how far they lie from the windows before of another column, in limits."""
        return other.around.distance(self.seen.place()) / other.around.limit
