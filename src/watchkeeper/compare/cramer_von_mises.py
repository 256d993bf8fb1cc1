"""Cramér–von Mises distance."""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, pi, sqrt
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, kve
from scipy.stats import cramervonmises_2samp

from watchkeeper.compare.cells import PairedEcdf, effective_size, lacking, numeric, sizes, steps
from watchkeeper.compare.quadratic import influence_error, interval, null_of, upper_tail
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["CramerVonMises", "Criterion", "cramer_von_mises", "limit_tail"]

_SMALL = 20
_TIED = 0.01


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion between two distribution functions.

    Attributes
    ----------
    value, error, floor
        The effect size, its standard error, and its mean under equal distributions.
    statistic, p_value
        What the test looks at, and how often equal distributions give as much.
    """

    value: float
    error: float
    floor: float
    statistic: float
    p_value: float


def cramer_von_mises(both: PairedEcdf) -> Criterion:
    """Return ω² and the test of T = n_e·ω²."""
    n0, n = int(both.reference.sum()), int(both.current.sum())
    total, size = n0 + n, effective_size(n0, n)
    share = (both.reference + both.current) / total
    right = np.cumsum(both.reference / n0 - both.current / n)
    right[-1] = 0.0
    square = (right**2 + np.append(0.0, right[:-1]) ** 2) / 2
    value = float((share * square).sum())
    weight = np.append((share[:-1] + share[1:]) / 2, 0.0)
    null = null_of(weight, np.cumsum(share), size)
    error = influence_error(2 * weight * right, square, both.reference, both.current)
    return Criterion(value, error, null[0], size * value, _p_value(both, value, size, null))


def _p_value(both: PairedEcdf, value: float, size: float, null: tuple[float, float]) -> float:
    n0, n = int(both.reference.sum()), int(both.current.sum())
    counts = both.reference + both.current
    if max(n0, n) <= _SMALL and min(n0, n) > 1 and counts.max() == 1:
        place = np.arange(len(counts))
        return float(cramervonmises_2samp(place[both.reference > 0], place[both.current > 0]).pvalue)
    if abs(6 * size * null[0] - 1) > _TIED:
        return upper_tail(value, null)
    total, product = n0 + n, float(n0) * n
    mean = (1 + 1 / total) / 6
    shape = 4 * product * total - 3 * (float(n0) ** 2 + float(n) ** 2) - 2 * product
    variance = (total + 1) / (45 * float(total) ** 2) * shape / (4 * product)
    return limit_tail(1 / 6 + (size * value - mean) / sqrt(45 * variance))


def _bound(both: PairedEcdf, value: float) -> float:
    """Return how far from the value the exact one may lie, whatever the order of the rows inside their bins."""
    share = (both.reference + both.current) / (both.reference.sum() + both.current.sum())
    return max(abs(float((share * extreme**2).sum()) - value) for extreme in both.extremes())


def limit_tail(x: float) -> float:
    """Return P(W² ≥ x) for the limit of the Cramér–von Mises criterion.

    The series in Bessel functions K_¼ of Anderson and Darling (1952), eq. 4.35; beyond 2, where little is left, the
    leading term √2·erfc(π·√(x/2)) of a weighted sum of chi-square variables.
    """
    if x <= 0.003:
        return 1.0
    if x > 2:
        return sqrt(2) * erfc(pi * sqrt(x / 2))
    inside = 0.0
    for k in range(20):
        y = (4 * k + 1) ** 2 / (16 * x)
        factor = exp(gammaln(k + 0.5) - gammaln(k + 1)) / (pi**1.5 * sqrt(x))
        inside += factor * sqrt(4 * k + 1) * exp(-2 * y) * float(kve(0.25, y))
    return min(1.0, max(0.0, 1.0 - inside))


class CramerVonMises:
    """ω² = ∫ (F_current - F_reference)² dH with H the shares of both sides together: from 0 to at most 1/3.

    The test criterion T = n_e·ω² grows with n and is stated with its p-value, n_e = n0·n/(n0 + n); ω² does not
    grow. At a value that occurs more than once (F - G)² is the mean of the squares left and right of it. Without ties
    that equals scipy.stats.cramervonmises_2samp, and with ties too for samples of equal size; for samples of unequal
    size scipy's mid-ranks make T grow under equal distributions. Values that share a bin of the histogram count as
    ties; the exact ω² is within ``bound``, whatever their order. The floor is what sampling alone gives on average,
    1/(6·n_e) without ties.

    p-values: exact up to 20 rows a side, the limit with Anderson's mean and variance above, and under many ties the
    gamma approximation of the weighted sum of chi-square variables. They inflate with n.

    References
    ----------
    Anderson (1962), On the distribution of the two-sample Cramér–von Mises criterion, doi:10.1214/aoms/1177704477.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "cramer_von_mises"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return ω² with T and its p-value."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        found = cramer_von_mises(both)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, found.value, n,
            error=found.error, floor=found.floor, interval=interval(found.value, found.error, found.p_value),
            evidence=Evidence(
                size=sizes(n0, n), p_value=found.p_value, bound=_bound(both, found.value),
                details={"statistic": found.statistic},
            ),
        )  # fmt: skip
