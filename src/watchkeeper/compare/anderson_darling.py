"""Anderson–Darling distance."""

from __future__ import annotations

from math import erfc, exp, expm1, pi, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import PairedEcdf, effective_size, lacking, numeric, sizes, steps
from watchkeeper.compare.cramer_von_mises import Criterion
from watchkeeper.compare.quadratic import influence_error, interval, null_of, upper_tail
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["AndersonDarling", "anderson_darling", "limit_tail"]

_LIMIT_VARIANCE = 2 * (pi**2 - 9) / 3
_TIED = 0.1
_LARGE = 10_000


def anderson_darling(both: PairedEcdf) -> Criterion:
    """Return the effect size and the test of A² = (N - 1)/N·n_e·value."""
    n0, n = int(both.reference.sum()), int(both.current.sum())
    total, size = n0 + n, effective_size(n0, n)
    if len(both.bins) == 1:
        return Criterion(0.0, 0.0, 0.0, 0.0, 1.0)
    counts = both.reference + both.current
    share = counts / total
    right = np.cumsum(both.reference / n0 - both.current / n)
    right[-1] = 0.0
    left = np.append(0.0, right[:-1])
    square = ((left + right) / 2) ** 2
    middle = np.cumsum(share) - share / 2
    # What the mid-rank of tied rows leaves of H(1 - H), and of the variance of D in units of 1/n_e.
    within = middle * (1 - middle) - share / 4
    value = float((share * square / within).sum())
    null = null_of(share / within, middle, size, within=within)
    by_step = share * (left + right) / within
    # The weight 1/(H(1 - H)) moves with the rows too.
    by_weight = -share * square * (1 - 2 * middle) / within**2
    beyond = np.cumsum(by_weight[::-1])[::-1]
    error = influence_error(by_step, square / within + beyond, both.reference, both.current)
    statistic = (total - 1) / total * size * value
    return Criterion(value, error, null[0], statistic, _p_value(statistic, value, n0, n, null))


def _p_value(statistic: float, value: float, n0: int, n: int, null: tuple[float, float]) -> float:
    if value <= 0:
        return 1.0
    size = effective_size(n0, n)
    if null[1] * size**2 > (1 + _TIED) * _LIMIT_VARIANCE:
        return upper_tail(value, null)
    return limit_tail(1 + (statistic - 1) * sqrt(_LIMIT_VARIANCE / variance(n0, n)))


def variance(n0: int, n: int) -> float:
    """Return the variance of A² between two samples without ties, eq. 4 of Scholz and Stephens with k = 2."""
    total = n0 + n
    if total > _LARGE or total < 4:
        return _LIMIT_VARIANCE
    inverse = 1.0 / np.arange(total - 1, 1, -1)
    partial = np.cumsum(inverse)
    h, g = float(partial[-1]) + 1.0, float((partial / np.arange(2, total)).sum())
    both = 1 / n0 + 1 / n
    a = (4 * g - 6) + (10 - 6 * g) * both
    b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * both - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * both + 4 * h
    d = (2 * h + 6) * 4 - 8 * h
    return (a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3))


def limit_tail(x: float) -> float:
    """Return P(A² ≥ x) for the limit of the Anderson–Darling criterion.

    Marsaglia and Marsaglia (2004), doi:10.18637/jss.v009.i02, to 2e-6; beyond 6, where little is left, the leading
    term √3·erfc(√x) of a weighted sum of chi-square variables.
    """
    if x <= 0.02:
        return 1.0
    if x > 6:
        return sqrt(3) * erfc(sqrt(x))
    if x < 2:
        series = 2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * x) * x) * x) * x) * x
        return 1 - exp(-1.2337141 / x) / sqrt(x) * series
    series = 1.0776 - (2.30695 - (0.43424 - (0.082433 - (0.008056 - 0.0003146 * x) * x) * x) * x) * x
    return -expm1(-exp(series))


class AndersonDarling:
    """α² = ∫ (F_current - F_reference)² / (H·(1 - H)) dH with H the shares of both sides together.

    As the Cramér–von Mises distance, with the tails weighing as much as the middle. The test criterion
    A² = (N - 1)/N·n_e·α² grows with n and is stated with its p-value, n_e = n0·n/(n0 + n); α² does not grow.
    Ties take their mid-rank: A² equals the A²akN from which scipy.stats.anderson_ksamp(variant="midrank") starts, with
    the rows of one bin of the histogram as ties. The floor is what sampling alone gives on average, 1/n_e. p-values:
    the limit, with the exact variance for samples of this size, and under many ties the gamma approximation of the
    weighted sum of chi-square variables. They inflate with n.

    References
    ----------
    Scholz and Stephens (1987), K-sample Anderson–Darling tests, eq. 4 and 7, doi:10.1080/01621459.1987.10478517.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "anderson_darling"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return α² with A² and its p-value."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        found = anderson_darling(both)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, found.value, n,
            error=found.error, floor=found.floor, interval=interval(found.value, found.error, found.p_value),
            evidence=Evidence(
                size=sizes(n0, n), p_value=found.p_value, details={"statistic": found.statistic}
            ),
        )  # fmt: skip
