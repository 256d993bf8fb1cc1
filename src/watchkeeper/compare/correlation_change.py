"""Change of correlations."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from watchkeeper.compare.second_moments import both_sides, correlations, evidence_of, together, varying
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.words.change import from_to

__all__ = ["CorrelationChange"]

_LEVEL = 0.05
_MEAN_OF_LARGEST = 0.5704
"""exp(-exp(-γ)): the share of its distribution below the mean of a largest of many."""


class CorrelationChange:
    """Largest |r_current - r_reference| over the pairs of features that changed significantly, or over all if none did.

    Each pair has z = |r - r0| / √(V0/n0 + max(V0, V)/n), where V is the variance of the influence function of a
    correlation, u·v - r·(u² + v²)/2 for standardised u and v, so that neither the scales nor the shapes of the
    features matter. The larger variance stands for that of a window, because a window that happens to lack the far
    rows of a lopsided feature takes itself for surer than it is. The p-value k·2Φ(-max z) allows for all k pairs, and
    a pair is significant where k·2Φ(-z) ≤ .05: a large change that is noise never stands beside the small p-value of
    another pair. The evidence names the pair. A feature that is constant on one side has no correlations.

    Nulls count as the median and values beyond eight interquartile ranges as lying there. Vectors of more than 64
    numbers have too many pairs; of them nothing is said.

    References
    ----------
    Devlin, Gnanadesikan, Kettenring (1975), Robust estimation and outlier detection with correlation coefficients,
    doi:10.1093/biomet/62.3.531.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "correlation_change"
    identical: ClassVar[float] = 0.0
    needs: ClassVar[tuple[str, ...]] = ("covariance",)

    def applies(self, column: Column) -> bool:
        """All numeric features together, and vectors."""
        return together(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the largest change with its error, its floor and a p-value for all pairs together."""
        sides = both_sides(self.name, reference, current)
        if isinstance(sides, Measurement):
            return sides
        p, q = sides
        if p.fourth.shape != p.second.shape:
            told = f"vectors of {p.given or p.d} numbers have too many pairs"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=q.n)
        usable = np.flatnonzero(varying(p) & varying(q))
        first, second = (usable[at] for at in np.triu_indices(len(usable), 1))
        if not len(first):
            told = "fewer than two features vary on both sides"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, told, n=q.n)
        (r0, v0), (r, v) = correlations(p, first, second), correlations(q, first, second)
        errors = np.sqrt(v0 / p.n + v / q.n)
        z = np.abs(r - r0) / np.sqrt(v0 / p.n + np.maximum(v0, v) / q.n)
        p_values = np.minimum(len(first) * 2 * ndtr(-z), 1.0)
        sure = p_values <= (_LEVEL if p_values.min() <= _LEVEL else 1.0)
        most = int(np.where(sure, np.abs(r - r0), -1.0).argmax())
        names = p.names or tuple(str(place) for place in range(p.d))
        evidence = replace(
            evidence_of(p, q),
            change=Change(Quantity.CORRELATION, float(r0[most]), float(r[most])),
            p_value=float(p_values.min()),
            among=len(first),
            about=(names[first[most]], names[second[most]]),
        )
        typical = float(ndtri((1 + _MEAN_OF_LARGEST ** (1 / len(first))) / 2))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, float(abs(r[most] - r0[most])), q.n,
            error=float(errors[most]), floor=typical * sqrt(float((errors**2).mean())), evidence=evidence,
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which pair it is."""
        change, pair = measurement.evidence.change, " × ".join(measurement.evidence.about)
        return f"correlation of {pair}: {from_to(change)}" if pair else ""
