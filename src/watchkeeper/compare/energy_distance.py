"""Energy distance."""

from __future__ import annotations

from math import isfinite
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import PairedEcdf, effective_size, lacking, numeric, steps
from watchkeeper.compare.quadratic import influence_error, interval, null_of, upper_tail
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["EnergyDistance"]


class EnergyDistance:
    """E = 2·∫ (F_current(x) - F_reference(x))² dx over the scale of the reference (its interquartile range).

    Equals 2·E|X - Y| - E|X - X'| - E|Y - Y'|, so it sees every change of a distribution; it is the square of what
    scipy.stats.energy_distance gives, over the scale. Rows are taken to lie at the middle of their bin; the exact value
    is within ``bound``. The floor, what sampling alone gives on average, is 2·∫ F·(1 - F) dx·(1/n0 + 1/n). The p-value
    takes the distance under equal distributions, a weighted sum of chi-square variables, for a gamma variable with its
    mean and variance. The test inflates with n; the distance does not.

    References
    ----------
    Székely and Rizzo (2013), Energy statistics: a class of statistics based on distances,
    doi:10.1016/j.jspi.2013.03.018.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "energy_distance"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance in units of the reference scale, with its p-value."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        scale = reference.part("histogram", HistogramPart).scale
        change = np.cumsum(both.current / n - both.reference / n0)
        change[-1] = 0.0
        weight = 2 * np.append(np.diff(both.middle) / scale, 0.0)
        value = float((weight * change**2).sum())
        if not isfinite(value):
            why = "the values are too large for their distance to be a number"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=n)
        size = effective_size(n0, n)
        null = null_of(weight, np.cumsum(both.reference + both.current) / (n0 + n), size)
        p_value = upper_tail(value, null)
        error = influence_error(-2 * weight * change, np.zeros(len(change)), both.reference, both.current)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            error=error, floor=null[0], interval=interval(value, error, p_value),
            evidence=Evidence(
                size=Size(n0, size), p_value=p_value, bound=_bound(both, change, value, scale), details={"scale": scale}
            ),
        )  # fmt: skip


def _bound(both: PairedEcdf, change: NDArray[np.float64], value: float, scale: float) -> float:
    """Return how far from the value the exact one may lie, wherever the rows lie in their bins."""
    between = float((change[:-1] ** 2 * (both.lower[1:] - both.upper[:-1])).sum())
    inside = [between + float((extreme**2 * (both.upper - both.lower)).sum()) for extreme in both.extremes()]
    return max(abs(2 * exact / scale - value) for exact in inside)
