"""Shares of both sides at fixed points of the reference, for charts that add up evidence from batch to batch."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical, effective_size, lacking, steps
from watchkeeper.compare.divergence import comparable
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["POINTS", "Shares", "curve"]

POINTS = 128
"""Points at which a distribution function is compared: quantiles of the reference."""

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
    spec = current.spec or reference.spec
    a, b = reference.part("count", CountPart), current.part("count", CountPart)
    if spec is not None and categorical(spec):
        left, right = _levels(reference, current)
    else:
        left, right = _quantiles(reference, current)
        left, right = left + a.negative, right + b.negative
    return (
        np.append(left, a.missing) / max(a.rows, 1),
        np.append(right, b.missing) / max(b.rows, 1),
    )


def _quantiles(reference: State, current: State) -> Pair:
    both = steps(reference, current)
    occupied = np.flatnonzero(both.reference)
    if not len(occupied):
        return np.empty(0), np.empty(0)
    left, right = np.cumsum(both.reference), np.cumsum(both.current)
    wanted = np.arange(1, POINTS) * int(left[-1]) / POINTS
    rank = np.unique(np.searchsorted(left[occupied], wanted))
    # A cut lies before the next bin that the reference fills, the outermost ones right at the edge of the reference.
    at = np.append(occupied[rank[rank < len(occupied) - 1] + 1] - 1, occupied[-1])
    below = both.current[: occupied[0]].sum()
    return np.append(0.0, left[at]), np.append(float(below), right[at])


def _levels(reference: State, current: State) -> Pair:
    p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
    held = q.as_dict()
    left = p.counts.astype(float)
    right = np.array([held.get(name, 0) for name in p.names], float)
    return np.append(left, p.other), np.append(right, q.n - right.sum())


class Shares:
    """D = max over fixed points of |current share - reference share|, with the shares themselves for the e-detector.

    The points are at most 128 quantiles of the reference, or its levels and all others together; one more is the share
    of rows without a value. Shares are of all rows, those without a value included. The interval is that of Dvoretzky,
    Kiefer, Wolfowitz and Massart.

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
        """Return the distance and, as ``curve``, both shares at every point."""
        n0, n = reference.part("count", CountPart).rows, current.part("count", CountPart).rows
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        p, q = curve(reference, current)
        change = np.abs(q - p)
        size = effective_size(n0, n)
        value, half = float(change.max()), sqrt(log(2 / 0.05) / (2 * size))
        found = Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n,
            floor=sqrt(2 * log(2 * len(p)) * float((p * (1 - p)).max()) / size),
            interval=(max(0.0, value - half), min(1.0, value + half)),
            facts={"n_reference": n0, "n_effective": size},
        )  # fmt: skip
        return found.with_curve(p, q)
