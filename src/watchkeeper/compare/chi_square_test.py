"""Chi-square test of homogeneity."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from watchkeeper.compare.cells import lacking, sizes
from watchkeeper.compare.divergence import column_cells, comparable
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["ChiSquareTest"]

_LEAST_EXPECTED = 5.0


class ChiSquareTest:
    """p-value of the two-sample chi-square test over ten reference quantiles or the levels; 1 for equal states.

    Equals scipy.stats.chi2_contingency without Yates's correction on the two rows of counts, after the cells in which
    either side expects fewer than five rows were merged into one (with the rarest other cell where that is not enough).
    Both sides are samples: a reference taken for the exact expectation would call equal data different. Inflates with
    n: at many rows it rejects for any difference, however small, so it decides no alarm by default.

    References
    ----------
    Cochran (1954), Some methods for strengthening the common χ² tests, doi:10.2307/3001616.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "chi_square_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with X² and the number of cells that were merged."""
        table = column_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        counts = np.array([table.reference, table.current], float)
        counts = counts[:, counts.sum(axis=0) > 0]
        kept = _merged(counts)
        expected = kept.sum(1, keepdims=True) * kept.sum(0, keepdims=True) / kept.sum()
        statistic = float(((kept - expected) ** 2 / expected).sum())
        degrees_of_freedom = kept.shape[1] - 1
        p_value = float(chdtrc(degrees_of_freedom, statistic)) if degrees_of_freedom else 1.0
        merged = counts.shape[1] - kept.shape[1]
        evidence = Evidence(
            size=sizes(table.n0, table.n),
            p_value=p_value,
            details={"statistic": statistic, "degrees_of_freedom": degrees_of_freedom, "merged": merged},
        )
        return Measurement.of(current.key, Family.COMPARISON, self.name, p_value, table.n, evidence=evidence)


def _merged(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cells, shape (2, k), with those of small expectation merged into the last one."""
    smaller = float(counts.sum(axis=1).min()) / float(counts.sum())
    order = np.argsort(counts.sum(axis=0), kind="stable")
    least = counts.sum(axis=0)[order] * smaller
    few = int((least < _LEAST_EXPECTED).sum())
    if few == 0:
        return counts
    while few < len(order) and least[:few].sum() < _LEAST_EXPECTED:
        few += 1
    rest = counts[:, order[few:]]
    return np.column_stack([rest, counts[:, order[:few]].sum(axis=1)])
