"""What the divergences between cells share: which cells to use, and the sampling error."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, erf

from watchkeeper.compare.cells import Cells, categorical, cells, lacking, level_cells, numeric
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import Z

__all__ = ["chi_mean", "column_cells", "comparable", "delta_error", "from_cells", "mean_of_largest"]

Shares = NDArray[np.float64]


def comparable(column: Column) -> bool:
    """Return whether the column has cells."""
    return numeric(column) or categorical(column)


def column_cells(reference: State, current: State, bins: int = 10) -> Cells:
    """Return the cells that suit the column's kind."""
    spec = current.spec or reference.spec
    return cells(reference, current, bins) if spec and numeric(spec) else level_cells(reference, current)


def delta_error(p: Shares, q: Shares, by_p: Shares, by_q: Shares, n0: int, n: int) -> float:
    """Return the standard error of a function of two multinomial shares by the delta method.

    Var f = (Σ p·f_p² - (Σ p·f_p)²)/n0 + (Σ q·f_q² - (Σ q·f_q)²)/n with the partial derivatives f_p, f_q, shape (k,).
    It tends to 0 as the shares become equal, where the floor of the measurement is the honest yardstick.
    """
    left = float((p * by_p**2).sum() - (p * by_p).sum() ** 2) / n0
    right = float((q * by_q**2).sum() - (q * by_q).sum() ** 2) / n
    return float(np.sqrt(max(left + right, 0.0)))


def chi_mean(degrees_of_freedom: int) -> float:
    """Return the mean of the chi distribution, √2·Γ((k + 1)/2)/Γ(k/2) with k degrees of freedom; 0 for none."""
    return (
        sqrt(2) * exp(lgamma((degrees_of_freedom + 1) / 2) - lgamma(degrees_of_freedom / 2))
        if degrees_of_freedom > 0
        else 0.0
    )


def from_cells(
    name: str,
    reference: State,
    current: State,
    formula: Callable[[Cells], tuple[float, float, float]],
    cut: Callable[[State, State], Cells] = column_cells,
) -> Measurement:
    """Return the measurement of a formula over cells, or one without data when a side is empty.

    ``cut`` makes the cells, ``formula`` gives value, standard error and floor. The interval is value ± 1.96 standard
    errors. Near equality the error vanishes and the value is its own sampling noise, so the interval reaches down to 0
    wherever the chi-square test of homogeneity over the same cells does not reject at .05.
    """
    table = cut(reference, current)
    missing = lacking(name, current, table.n0, table.n)
    if missing:
        return missing
    value, error, floor = formula(table)
    lower = max(0.0, value - Z * error) if _homogeneity(table) < 0.05 else 0.0
    interval = (lower, value + Z * error)
    return Measurement.of(
        current.key, Family.COMPARISON, name, value, table.n,
        error=error, floor=floor, interval=interval,
        evidence=Evidence(size=Size(table.n0), details={"cells": len(table.names)}),
    )  # fmt: skip


def _homogeneity(table: Cells) -> float:
    """Return the p-value of the chi-square test that both sides are samples of the same shares."""
    p, q = table.shares()
    pooled = (table.reference + table.current) / (table.n0 + table.n)
    used = pooled > 0
    statistic = float(((q - p)[used] ** 2 / pooled[used]).sum()) / (1 / table.n0 + 1 / table.n)
    degrees_of_freedom = int(used.sum()) - 1
    return float(chdtrc(degrees_of_freedom, statistic)) if degrees_of_freedom else 1.0


def mean_of_largest(spread: NDArray[np.float64]) -> float:
    """Return the mean of the largest absolute value of independent normal numbers with these standard deviations."""
    # Two shares change by the same amount.
    spread = np.sort(spread)[::-1][: 1 if len(spread) == 2 else None]
    if not spread[0]:
        return 0.0
    t = np.linspace(0.0, 6.0, 241) * spread[0]
    # Levels that are much rarer than the commonest one are never the largest.
    few = spread[spread > spread[0] / 6][:200]
    inside = np.prod(erf(t[:, None] / (sqrt(2) * few)), axis=1)
    return float(np.trapezoid(1 - inside, t))
