"""Wasserstein-1 distance."""

from __future__ import annotations

from math import isfinite, pi
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import lacking, numeric, steps
from watchkeeper.compare.quadratic import influence_error
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.intervals import Z

__all__ = ["Wasserstein"]


class Wasserstein:
    """W1 = ∫ |F_current(x) - F_reference(x)| dx over the scale of the reference (its interquartile range).

    Rows are taken to lie at the middle of their bin, so the value is within ½·Σ(p_b + q_b)·width_b of the exact one,
    reported as ``bound``. The floor is ∫ √(2·F·(1 - F)·(1/n0 + 1/n)/π) dx, what sampling alone gives on average. The
    lower limit of the interval allows for it: near equality the value is nothing but its floor.

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
        gaps = np.diff(both.middle) / scale
        value = float((np.abs(f - f0) * gaps).sum())
        if not isfinite(value):
            why = "the values are too large for their distance to be a number"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=n)
        noise = np.sqrt(2 / pi * np.clip(f0 * (1 - f0), 0, None) * (1 / n0 + 1 / n))
        floor = float((noise * gaps).sum())
        sign = np.append(np.sign(f0 - f) * gaps, 0.0)
        error = influence_error(sign, np.zeros(len(p)), both.reference, both.current)
        widths = (both.upper - both.lower) / scale
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            error=error, floor=floor, interval=(max(0.0, value - floor - Z * error), value + Z * error),
            evidence=Evidence(
                size=Size(n0), bound=float(((p + q) * widths).sum() / 2), details={"scale": scale}
            ),
        )  # fmt: skip
