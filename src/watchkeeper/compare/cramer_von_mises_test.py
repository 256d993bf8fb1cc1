"""Cramér–von Mises test."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.compare.cells import lacking, numeric, sizes, steps
from watchkeeper.compare.cramer_von_mises import cramer_von_mises
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["CramerVonMisesTest"]


class CramerVonMisesTest:
    """p-value of the two-sample Cramér–von Mises test; 1 for equal states.

    Without ties it equals scipy.stats.cramervonmises_2samp, whose p-value tends to 0 under equal distributions where
    values repeat and samples differ in size; here it keeps its level (see ``cramer_von_mises``, the distance).
    Inflates with n: at many rows it rejects for any difference, however small, so it decides no alarm by default.

    References
    ----------
    Anderson (1962), On the distribution of the two-sample Cramér–von Mises criterion, doi:10.1214/aoms/1177704477.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "cramer_von_mises_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with the criterion T and the distance ω²."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        found = cramer_von_mises(both)
        evidence = Evidence(
            size=sizes(n0, n), p_value=found.p_value, distance=found.value, details={"statistic": found.statistic}
        )
        return Measurement.of(current.key, Family.COMPARISON, self.name, found.p_value, n, evidence=evidence)
