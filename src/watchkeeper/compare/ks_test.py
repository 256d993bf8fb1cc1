"""Kolmogorov–Smirnov test."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.stats import ks_2samp, kstwo

from watchkeeper.compare.cells import PairedEcdf, effective_size, lacking, numeric, sizes, steps
from watchkeeper.compare.ks import Ks
from watchkeeper.compare.rank_rows import rank_rows
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["KsTest"]

_EXACT = 10_000


class KsTest:
    """p-value of the two-sided two-sample Kolmogorov–Smirnov test; 1 for equal states.

    Equals scipy.stats.ks_2samp: exact up to 10,000 rows a side, Kolmogorov's distribution at n0·n/(n0 + n) beyond.
    D is read at the edges of the bins; ``p_value_least`` is that of the largest D the rows inside a bin allow.
    Conservative with ties. Inflates with n: at many rows it rejects for any difference, however small, so it decides no
    alarm by default; the comparison ``ks`` is the distance itself.

    References
    ----------
    Hodges (1958), The significance probability of the Smirnov two-sample test, doi:10.1007/BF02589501.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "ks_test"
    identical: ClassVar[float] = 1.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the p-value with the distance."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        found = Ks().compare(reference, current)
        distance = float(found.value or 0.0)
        largest = distance + found.evidence.bound
        p_value = _p_value(both, distance)
        size = sizes(n0, n)
        least = min(p_value, _limit(largest, effective_size(n0, n))) if largest > distance else p_value
        evidence = Evidence(size=size, p_value=p_value, distance=distance, details={"p_value_least": least})
        return Measurement.of(current.key, Family.COMPARISON, self.name, p_value, n, evidence=evidence)


def _p_value(both: PairedEcdf, distance: float) -> float:
    n0, n = int(both.reference.sum()), int(both.current.sum())
    if distance == 0.0:
        return 1.0
    if max(n0, n) <= _EXACT:
        return float(ks_2samp(*rank_rows(both)).pvalue)
    return _limit(distance, effective_size(n0, n))


def _limit(distance: float, size: float) -> float:
    return float(np.clip(kstwo.sf(distance, max(1, round(size))), 0.0, 1.0))
