"""Wasserstein-1 distance."""

from __future__ import annotations

from math import isfinite, pi, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import lacking, numeric, steps
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["Wasserstein"]


class Wasserstein:
    """W1 = ∫ |F_current(x) - F_reference(x)| dx over the scale of the reference (its interquartile range).

    Rows are taken to lie at the middle of their bin, so the value is within ½·Σ(p_b + q_b)·width_b of the exact one,
    reported as ``bound``. The floor is ∫ √(2·F·(1 - F)·(1/n0 + 1/n)/π) dx, what sampling alone gives on average.

    References
    ----------
    Del Barrio, Giné, Matrán (1999), Central limit theorems for the Wasserstein distance, doi:10.1214/aop/1022677394.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "wasserstein"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance in units of the reference scale."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        scale = reference.part("histogram", HistogramPart).scale
        p, q = both.reference / n0, both.current / n
        f0, f = np.cumsum(p)[:-1], np.cumsum(q)[:-1]
        gaps = np.diff((both.lower + both.upper) / 2) / scale
        value = float((np.abs(f - f0) * gaps).sum())
        if not isfinite(value):
            why = "the values are too large for their distance to be a number"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=n)
        noise = np.sqrt(2 / pi * np.clip(f0 * (1 - f0), 0, None) * (1 / n0 + 1 / n))
        sign = np.sign(f0 - f) * gaps
        error = sqrt(_variance(f0, sign) / n0 + _variance(f, sign) / n)
        widths = np.where(both.whole, 0.0, both.upper - both.lower) / scale
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            error=error, floor=float((noise * gaps).sum()),
            interval=(max(0.0, value - 1.96 * error), value + 1.96 * error),
            facts={"n_reference": n0, "scale": scale, "bound": float(((p + q) * widths).sum() / 2)},
        )  # fmt: skip


def _variance(f: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Return Var ∫ w(x)·1[X ≤ x] dx for steps of the distribution function f."""
    if not len(f):
        return 0.0
    # h(X) = Σ of the weights of all gaps at or right of X, for X in each of the len(f) + 1 bins.
    tail = np.append(np.cumsum(weight[::-1])[::-1], 0.0)
    mass = np.diff(np.concatenate([[0.0], f, [1.0]]))
    mean = float((mass * tail).sum())
    return max(0.0, float((mass * (tail - mean) ** 2).sum()))
