"""Anderson–Darling test."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.compare.anderson_darling import anderson_darling
from watchkeeper.compare.cells import lacking, numeric, sizes, steps
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["AndersonDarlingTest"]


class AndersonDarlingTest:
    """p-value of the two-sample Anderson–Darling test; 1 for equal states.

    The statistic equals that of scipy.stats.anderson_ksamp(variant="midrank"); its p-value is interpolated from a table
    between .001 and .25, this one is that of the limit everywhere. Inflates with n: at many rows it rejects for any
    difference, however small, so it decides no alarm by default; the comparison ``anderson_darling`` is the distance.

    References
    ----------
    Scholz and Stephens (1987), K-sample Anderson–Darling tests, doi:10.1080/01621459.1987.10478517.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "anderson_darling_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with the criterion A² and the distance."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        found = anderson_darling(both)
        evidence = Evidence(
            size=sizes(n0, n), p_value=found.p_value, distance=found.value, details={"statistic": found.statistic}
        )
        return Measurement.of(current.key, Family.COMPARISON, self.name, found.p_value, n, evidence=evidence)
