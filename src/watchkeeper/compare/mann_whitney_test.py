"""Mann–Whitney test."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from scipy.special import ndtr
from scipy.stats import mannwhitneyu

from watchkeeper.compare.cells import PairedEcdf, lacking, numeric, sizes, steps
from watchkeeper.compare.rank_rows import rank_rows
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["MannWhitneyTest"]

_SMALL = 8


class MannWhitneyTest:
    """Two-sided p-value of the Mann–Whitney test (Wilcoxon's rank-sum test); 1 for equal states.

    U counts the pairs in which the current value is the larger one, ties for half. Rows of one bin of the histogram
    count as ties, which moves U/(n0·n) by at most half of ``bound``, the share of pairs that share a bin. The p-value
    is that of scipy.stats.mannwhitneyu: normal, with the correction for ties and continuity, and exact for up to eight
    rows without ties on a side. It sees whether one side tends to be larger and no change of the spread. Inflates with
    n: at many rows it rejects for any difference, however small, so it decides no alarm by default; ``superiority``,
    U/(n0·n), is the effect size, .5 for no change.

    References
    ----------
    Mann and Whitney (1947), On a test of whether one of two random variables is stochastically larger than the other,
    doi:10.1214/aoms/1177730491.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "mann_whitney_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with U and the probability that a current value is larger."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        left, right = both.reference.astype(float), both.current.astype(float)
        u = float((right * (np.cumsum(left) - left / 2)).sum())
        p_value = _p_value(both, u)
        evidence = Evidence(
            size=sizes(n0, n),
            p_value=p_value,
            bound=float((left * right).sum()) / (n0 * n),
            details={"statistic": u, "superiority": u / (n0 * n)},
        )
        return Measurement.of(current.key, Family.COMPARISON, self.name, p_value, n, evidence=evidence)


def _p_value(both: PairedEcdf, u: float) -> float:
    n0, n = int(both.reference.sum()), int(both.current.sum())
    total, tied = n0 + n, (both.reference + both.current).astype(float)
    if min(n0, n) <= _SMALL and tied.max() == 1:
        return float(mannwhitneyu(*rank_rows(both), method="exact").pvalue)
    ties = float((tied**3 - tied).sum())
    variance = n0 * n / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (abs(u - n0 * n / 2) - 0.5) / sqrt(variance)
    return min(1.0, 2 * float(ndtr(-z)))
