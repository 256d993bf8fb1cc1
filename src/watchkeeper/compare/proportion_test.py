"""Test of two proportions."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.special import ndtr
from scipy.stats import fisher_exact

from watchkeeper.compare.cells import lacking, level_cells, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State

__all__ = ["ProportionTest"]

_LEAST_EXPECTED = 5.0


class ProportionTest:
    """Two-sided p-value of the test that the share of true rows is the same on both sides; 1 for equal states.

    z = (q - p)/√(π·(1 - π)·(1/n0 + 1/n)) with the pooled share π, which is scipy.stats.chi2_contingency without Yates's
    correction on the two by two counts; scipy.stats.fisher_exact, which is conservative, where a cell expects fewer
    than five rows. Inflates with n: at many rows it rejects for any difference, however small, so it decides no alarm
    by default; ``difference`` is q - p.

    References
    ----------
    Fisher (1922), On the interpretation of χ² from contingency tables, doi:10.2307/2340521.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "proportion_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Boolean columns."""
        return column.kind is Kind.BOOLEAN

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with the two shares."""
        table = level_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        at = table.names.index("true") if "true" in table.names else None
        k0, k = (int(table.reference[at]), int(table.current[at])) if at is not None else (0, 0)
        p, q, pooled = k0 / table.n0, k / table.n, (k0 + k) / (table.n0 + table.n)
        if min(pooled, 1 - pooled) * min(table.n0, table.n) < _LEAST_EXPECTED:
            p_value = float(fisher_exact(np.array([[k0, table.n0 - k0], [k, table.n - k]])).pvalue)
        else:
            p_value = 2 * float(ndtr(-abs(q - p) / sqrt(pooled * (1 - pooled) * (1 / table.n0 + 1 / table.n))))
        evidence = Evidence(
            Change(Quantity.SHARE, p, q, levels=("true",)), sizes(table.n0, table.n), min(1.0, p_value),
            details={"difference": q - p},
        )  # fmt: skip
        return Measurement.of(current.key, Family.COMPARISON, self.name, min(1.0, p_value), table.n, evidence=evidence)
