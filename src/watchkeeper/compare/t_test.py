"""Welch's t-test."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import ClassVar

from scipy.special import stdtr

from watchkeeper.compare.cells import lacking, numeric, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.moments import MomentsPart

__all__ = ["TTest"]


class TTest:
    """Two-sided p-value of Welch's test that both means are equal; 1 for equal states.

    t = (mean - mean0)/√(s0²/n0 + s²/n) with Welch's degrees of freedom: scipy.stats.ttest_ind(equal_var=False), exact
    from the moments. It sees the mean and nothing else. Its level is exact for normal rows and comes close for others
    as n grows. Inflates with n: at many rows it rejects for any difference, however small, so it decides no alarm by
    default. ``difference`` is that of the means in standard deviations of the reference.

    References
    ----------
    Welch (1947), The generalization of "Student's" problem when several different population variances are involved,
    doi:10.1093/biomet/34.1-2.28.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "t_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with t and its degrees of freedom."""
        a, b = reference.part("moments", MomentsPart), current.part("moments", MomentsPart)
        missing = lacking(self.name, current, a.n, b.n)
        if missing:
            return missing
        if min(a.n, b.n) < 2:
            why = f"the sides have {a.n} and {b.n} values; the test needs two of each"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=b.n)
        if not (isfinite(a.second) and isfinite(b.second)):
            why = "the values are too large for their squares to be numbers"
            return Measurement.missing(current.key, Family.COMPARISON, self.name, why, n=b.n)
        # The anchor cancels, so the difference is as exact as the sums.
        moved = b.first / b.n - a.first / a.n
        left, right = a.variance / a.n, b.variance / b.n
        error = sqrt(left + right)
        details: dict[str, float | str] = {}
        if error > 0:
            statistic = moved / error
            degrees_of_freedom = (left + right) ** 2 / (left**2 / (a.n - 1) + right**2 / (b.n - 1))
            p_value = min(1.0, 2 * float(stdtr(degrees_of_freedom, -abs(statistic))))
            details |= {"statistic": statistic, "degrees_of_freedom": degrees_of_freedom}
        else:
            # Two constants are equal or they are not.
            p_value = 1.0 if moved == 0 else 0.0
        if a.deviation > 0:
            details["difference"] = moved / a.deviation
        evidence = Evidence(Change(Quantity.MEAN, a.mean, b.mean), sizes(a.n, b.n), p_value, details=details)
        return Measurement.of(current.key, Family.COMPARISON, self.name, p_value, b.n, evidence=evidence)
