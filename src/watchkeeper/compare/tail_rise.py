"""Rise of the share of rows beyond the reference's 95th percentile: what became slow, or large."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import effective_size, lacking, numeric, steps
from watchkeeper.compare.proportion import newcombe, wilson
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["TailRise"]

_TAIL = 0.95


class TailRise:
    """Share of rows above the reference's 95th percentile now, minus the same share in the reference.

    A fall of the values leaves it at or below 0, so that latencies are judged by their slow end alone. The percentile
    is the upper edge of its bin of the universal histogram, so that the shares are exact. The interval is Newcombe's
    hybrid of two Wilson intervals.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "tail_rise"
    identical: ClassVar[float] = 0.0
    narrow: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the rise, positive when more rows are beyond."""
        both = steps(reference, current)
        n0, n = int(both.reference.sum()), int(both.current.sum())
        missing = lacking(self.name, current, n0, n)
        if missing:
            return missing
        below = np.cumsum(both.reference)
        place = int(np.searchsorted(below, _TAIL * n0))
        far0, far = n0 - int(below[place]), n - int(both.current[: place + 1].sum())
        p, q, pooled, size = far0 / n0, far / n, (far0 + far) / (n0 + n), effective_size(n0, n)
        parts = [side.part("histogram", HistogramPart) for side in (reference, current)]
        before, now = (float(part.quantile(_TAIL)) for part in parts)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, q - p, n,
            error=sqrt(p * (1 - p) / n0 + q * (1 - q) / n),
            floor=sqrt(2 / pi * pooled * (1 - pooled) / size),
            interval=newcombe(far0, n0, far, n),
            facts={
                "n_reference": n0, "n_effective": size, "from": p, "to": q, "reference_upper": wilson(far0, n0)[1],
                "beyond": float(both.upper[place]), "p95_reference": before, "p95": now,
            },
        )  # fmt: skip
