"""Kolmogorov–Smirnov distance."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import effective_size, lacking, numeric, steps
from watchkeeper.compare.scale import scale_of
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["Ks"]

_MEAN_OF_KOLMOGOROV = 0.8687311606361592
"""Mean of the Kolmogorov distribution, √(π/2)·ln 2."""


class Ks:
    """D = max |F_current - F_reference| over all bins of the universal histogram.

    The value is exact at the bin edges. The exact distance lies between it and ``largest``, the largest value that any
    order of the rows inside one bin allows: max_b max(D_left + p_b, q_b - D_left). The interval is that of Dvoretzky,
    Kiefer, Wolfowitz and Massart at the effective size n0·n/(n0 + n).

    References
    ----------
    Massart (1990), The tight constant in the DKW inequality, doi:10.1214/aop/1176990746.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "ks"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its interval and its floor."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        p, q = both.reference / n0, both.current / n
        right = np.cumsum(p) - np.cumsum(q)
        left = right - (p - q)
        value = float(np.abs(right).max())
        inside = np.where(both.whole, 0.0, np.maximum(np.abs(left + p), np.abs(q - left)))
        size = effective_size(n0, n)
        half = sqrt(log(2 / 0.05) / (2 * size))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            floor=_MEAN_OF_KOLMOGOROV / sqrt(size),
            interval=(max(0.0, value - half), min(1.0, value + half)),
            evidence=Evidence(
                size=Size(n0, size),
                transformation=scale_of(reference, current, value),
                bound=max(0.0, float(inside.max()) - value),
                details={"where": float(both.upper[int(np.abs(right).argmax())])},
            ),
        )  # fmt: skip
