"""The shape of a column's values in one window, few enough numbers to be remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Transformation
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.moments import MomentsPart

__all__ = [
    "LEVELS", "Lately", "WindowShape", "WindowsAware", "coordinates", "points_of", "sampling", "shape_of", "widths",
]  # fmt: skip

Floats = NDArray[np.float64]

LEVELS = np.array([0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95])
"""Levels of the quantiles that are kept."""

_LEAST = 5
"""Rows without which a window has no shape."""


@dataclass(frozen=True, slots=True)
class WindowShape:
    """The shape of a column's values in one window.

    Attributes
    ----------
    start
        Of the window.
    n
        Rows with a value.
    quantiles
        At ``LEVELS``.
    mean, deviation
        Of the values.
    """

    start: datetime
    n: int
    quantiles: tuple[float, ...]
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Lately:
    """What a column of numbers was in the last windows.

    Attributes
    ----------
    shapes
        Of the last eight windows without a fault of the data, oldest first; turned back where they were turned.
    turned
        What it has been turned by until now; None where nothing is known of.
    """

    shapes: tuple[WindowShape, ...] = ()
    turned: Transformation | None = None


@runtime_checkable
class WindowsAware(Protocol):
    """A comparison with a reference that knows the shapes of the last windows too."""

    def compare_windows(self, reference: State, current: State, lately: Lately) -> Measurement:
        """Return the measurement, as ``compare`` does, by the reference and by those windows."""


def shape_of(state: State, start: datetime) -> WindowShape | None:
    """Return the shape of a column's values; None where the state has too few, or no numbers."""
    histogram, moments = state.parts.get("histogram"), state.parts.get("moments")
    if not isinstance(histogram, HistogramPart) or not isinstance(moments, MomentsPart) or histogram.n < _LEAST:
        return None
    values = [*histogram.quantile(LEVELS).tolist(), moments.mean, moments.deviation]
    if not np.isfinite(values).all():
        return None
    short = [float(f"{value:.9g}") for value in values]
    return WindowShape(start, histogram.n, tuple(short[:-2]), short[-2], short[-1])


def widths(state: State) -> Floats:
    """Return how wide the bins are that the quantiles at ``LEVELS`` lie in, shape (levels,)."""
    part = state.part("histogram", HistogramPart)
    cumulated = np.cumsum(part.counts)
    at = np.minimum(np.searchsorted(cumulated, LEVELS * cumulated[-1], side="left"), len(cumulated) - 1)
    lower, upper = part.edges()
    return np.asarray(upper[at] - lower[at], float)


def coordinates(quantiles: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Return where windows lie, shape (windows, ``levels`` + 4), from quantiles of shape (windows, levels).

    Quantiles, the logarithm of the distance between the .1 and the .9 one, mean, deviation, and its logarithm; NaN is
    the logarithm of nothing.
    """
    spread = np.column_stack([quantiles[:, -2] - quantiles[:, 1], deviation])
    logarithms = np.log(np.where(spread > 0, spread, np.nan))
    return np.column_stack([quantiles, logarithms[:, 0], mean, deviation, logarithms[:, 1]])


def points_of(shapes: Sequence[WindowShape]) -> Floats:
    """Return the coordinates of windows."""
    quantiles, mean, deviation = zip(*((one.quantiles, one.mean, one.deviation) for one in shapes), strict=True)
    return coordinates(np.array(quantiles), np.array(mean), np.array(deviation))


def sampling(point: Floats, n: float) -> Floats:
    """Return the standard errors of coordinates of ``n`` independent rows, by the distances between quantiles."""
    q, deviation, k = point[: len(LEVELS)], point[-2], len(LEVELS)
    padded = np.concatenate([[2 * q[0] - q[1]], q, [2 * q[-1] - q[-2]]])
    at = np.concatenate([[0.0], LEVELS, [1.0]])
    errors = (padded[2:] - padded[:-2]) / (at[2:] - at[:-2]) * np.sqrt(LEVELS * (1 - LEVELS) / n)
    spread = np.hypot(errors[1], errors[-2]) / max(q[-2] - q[1], 1e-300)
    found = np.concatenate([errors, [spread, deviation / sqrt(n), deviation / sqrt(n), 1 / sqrt(n)]])
    return np.asarray(found[: k + 4], float)
