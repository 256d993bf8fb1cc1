"""Two-sample chi-square test of homogeneity."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.stats import chi2

from watchkeeper.compare.cells import lacking
from watchkeeper.compare.divergence import column_cells, comparable
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["ChiSquare"]


class ChiSquare:
    """X² = Σ (observed - expected)²/expected over both samples and all cells, with k - 1 degrees of freedom.

    Both sides are samples; taking the reference as exact expectation would call equal data different. Grows with n
    for any true difference, so the effect size Cramér's V = √(X²/(n0 + n)) goes with it; never a default for alarms.
    Exact; cells that both sides leave empty are dropped.

    References
    ----------
    Pearson (1911), On the probability that two independent distributions of frequency are really samples from the
    same population, doi:10.1093/biomet/8.1-2.250.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "chi_square"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return X² with its p-value, degrees of freedom and Cramér's V."""
        table = column_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        used = (table.reference + table.current) > 0
        observed = np.array([table.reference[used], table.current[used]], float)
        expected = observed.sum(1, keepdims=True) * observed.sum(0, keepdims=True) / observed.sum()
        value = float(((observed - expected) ** 2 / expected).sum())
        degrees_of_freedom = int(used.sum()) - 1
        evidence = Evidence(
            size=Size(table.n0),
            p_value=float(chi2.sf(value, degrees_of_freedom)) if degrees_of_freedom else 1.0,
            details={
                "degrees_of_freedom": degrees_of_freedom, "cramers_v": sqrt(value / (table.n0 + table.n)),
                "smallest_expected": float(expected.min()),
            },
        )  # fmt: skip
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, table.n,
            error=sqrt(2 * degrees_of_freedom + 4 * max(value - degrees_of_freedom, 0.0)),
            floor=float(degrees_of_freedom), evidence=evidence,
        )  # fmt: skip
