"""Values that grew by a factor, small and large ones alike: drift of scale, and no other unit."""

from __future__ import annotations

from math import exp, inf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import effective_size
from watchkeeper.core.evidence import Transformation, TransformationKind
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["SURE", "distance_turned", "scale_of"]

Floats = NDArray[np.float64]

SURE = 1.36
"""Times √(1/n0 + 1/n), what sampling adds to a distance of distribution functions in one of twenty samples."""

_LEVELS = np.linspace(0.05, 0.95, 19)
_GROWN, _ALIKE = 1.5, 0.1


def scale_of(reference: State, current: State, distance: float) -> Transformation | None:
    """Return the factor by which all quantiles grew or fell alike; None where no factor explains a change.

    The factor is exp(median ln(Q_q(u)/Q_p(u))) over 19 levels u, of columns of one sign, beyond 1.5 or below 1/1.5.
    What is left of the distance once it is undone is surely at most .1, and a quarter of what it was.
    """
    p, q = reference.part("histogram", HistogramPart), current.part("histogram", HistogramPart)
    n_e = effective_size(p.n, q.n)
    if not n_e or distance < max(0.1, 2.5 / sqrt(n_e)):
        return None
    factor = _ratio(p.quantile(_LEVELS), q.quantile(_LEVELS))
    if factor <= 0 or abs(log(factor)) <= log(_GROWN):
        return None
    after = distance_turned(p, q, factor)
    explained = after <= distance / 4 and after + SURE / sqrt(n_e) <= _ALIKE
    return Transformation(TransformationKind.SCALE, "", factor) if explained else None


def _ratio(p: Floats, q: Floats) -> float:
    usable = (np.sign(p) * np.sign(q) > 0) & np.isfinite(p) & np.isfinite(q)
    if usable.sum() < 0.8 * len(p):
        return 1.0
    middle = float(np.median(np.log(q[usable] / p[usable])))
    return exp(middle) if abs(middle) < 50 else 1.0


def distance_turned(p: HistogramPart, q: HistogramPart, factor: float = 1.0, offset: float = 0.0) -> float:
    """Return the least Kolmogorov–Smirnov distance between p and (q - offset) / factor that the bins allow.

    Turned back, bins of q straddle the edges of the bins of p; values that repeat would look displaced if the mass of
    such a bin were spread over it, so it is left open on which side of the edge it lies.
    """
    if factor in (0.0, inf):
        return 1.0
    edges = p.edges()[1]
    f0 = np.cumsum(p.counts) / p.n
    lower, upper = (np.sort((side - offset) / factor) for side in q.edges())
    mass = np.concatenate([[0.0], np.cumsum(q.counts if factor > 0 else q.counts[::-1]) / q.n])
    slack = 1e-12 * np.abs(edges)
    least = mass[np.searchsorted(upper, edges + slack, side="right")]
    most = mass[np.searchsorted(lower, edges - slack, side="left")]
    return float(np.maximum(np.maximum(f0 - most, least - f0), 0.0).max())
