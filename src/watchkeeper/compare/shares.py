"""Shares of both sides at fixed points of the reference, for charts that add up evidence from batch to batch."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical, effective_size, lacking
from watchkeeper.compare.cuts import Cuts
from watchkeeper.compare.divergence import comparable, mean_of_largest
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart

__all__ = ["Shares", "curve"]

_MEAN_OF_KOLMOGOROV = 0.8687311606361592
"""√(π/2)·ln 2."""

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def curve(reference: State, current: State) -> Pair:
    """Return the shares of rows of both sides at fixed points, the share without a value last.

    Numeric columns: shares of rows with a value below the reference's smallest and up to each of at most 128 of its
    quantiles. Others: the share of each level of the reference, and of all levels it does not keep. The points follow
    from the reference alone, so any two batches are compared at the same ones.

    Returns
    -------
    tuple
        Reference and current, each float64 of shape (k,).
    """
    cuts = Cuts.of(reference)
    return cuts.reference, cuts.in_state(current)


class Shares:
    """D = max over fixed points of |current share - reference share|, with the shares themselves for the e-detector.

    The points are at most 128 quantiles of the reference, or its levels and all others together; one more is the share
    of rows without a value. Shares are of all rows, those without a value included. The interval is that of Dvoretzky,
    Kiefer, Wolfowitz and Massart. The floor is what sampling alone gives on average: for numbers the mean of the
    Kolmogorov distribution over √n_e, for levels the mean of the largest of independent normal changes.

    References
    ----------
    Massart (1990), The tight constant in the DKW inequality, doi:10.1214/aop/1176990746.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "shares"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance and, as ``curve``, both shares at every point, the reference's as new rows have them.

        The fact ``ordered`` says that they are shares up to rising values.
        """
        n0, n = reference.part("count", CountPart).rows, current.part("count", CountPart).rows
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        cuts = Cuts.of(reference)
        p, q = cuts.reference, cuts.in_state(current)
        change = np.abs(q - p)
        size = effective_size(n0, n)
        value, half = float(change.max()), sqrt(log(2 / 0.05) / (2 * size))
        found = Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            floor=_floor(reference, p, size),
            interval=(max(0.0, value - half), min(1.0, value + half)),
            evidence=Evidence(size=Size(n0, size, rank_effect=None if cuts.bins is None else 1.0)),
        )  # fmt: skip
        return found.with_curve(cuts.fresh, q)


def _floor(reference: State, p: NDArray[np.float64], size: float) -> float:
    """Return the mean distance between samples of one distribution: Kolmogorov's for a continuous one."""
    if reference.spec is not None and categorical(reference.spec):
        return mean_of_largest(np.sqrt(p * (1 - p) / size))
    return _MEAN_OF_KOLMOGOROV / sqrt(size)
