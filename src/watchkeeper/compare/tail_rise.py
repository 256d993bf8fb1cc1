"""Rise of the share of rows beyond the reference's 95th percentile: what became slow, or large."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

import numpy as np
from scipy.stats import beta

from watchkeeper.compare.cells import effective_size, lacking, numeric, steps
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.intervals import newcombe
from watchkeeper.words.change import from_to

__all__ = ["BEYOND", "TOLERATED", "TailRise"]

BEYOND = 0.05
"""Share of the reference that lies above the percentile."""

TOLERATED = 0.075
"""Share of rows that may lie there and be no harm."""

_SURE = 0.999
"""Chance that no more rows than ``before_upper`` lie beyond a percentile that so few rows tell."""


class TailRise:
    """Share of rows above the reference's 95th percentile now, minus the same share in the reference.

    A fall of the values leaves it at or below 0, so that latencies are judged by their slow end alone. The percentile
    is the upper edge of its bin of the universal histogram, so that the shares are exact. Infinite values are rows: an
    answer that never came is beyond every percentile. The interval is Newcombe's hybrid of two Wilson intervals.

    A few reference rows tell their percentile badly, and a window of many rows would show that as a rise:
    ``before_upper`` of the evidence is what lies beyond it in unchanged rows at most, with a chance of error of .1 %.

    Where more than 5 % of the reference share its largest value, such as a time limit, nothing lies beyond the
    percentile but what exceeds that value: more rows at the limit are no rise.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. David and Nagaraja (2003), Order statistics,
    doi:10.1002/0471722162, for the share beyond a percentile of a sample.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "tail_rise"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric and time columns."""
        return numeric(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the rise, positive when more rows are beyond."""
        both = steps(reference, current)
        before, now = (side.part("count", CountPart) for side in (reference, current))
        finite, n = int(both.reference.sum()), int(both.current.sum()) + now.positive + now.negative
        missing = lacking(self.name, current, finite, n)
        if missing:
            return missing
        n0 = finite + before.positive + before.negative
        below = before.negative + np.cumsum(both.reference)
        # Where the percentile is infinite, the largest finite value takes its place.
        place = int(np.searchsorted(below, min((1 - BEYOND) * n0, below[-1])))
        far0, far = n0 - int(below[place]), n - now.negative - int(both.current[: place + 1].sum())
        p, q, pooled, size = far0 / n0, far / n, (far0 + far) / (n0 + n), effective_size(n0, n)
        highest = float(both.upper[-1])
        # New rows beyond the k-th of n0 reference rows have a share that is Beta(n0 - k + 1, k).
        upper = float(beta.ppf(_SURE, far0 + 1, n0 - far0))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, q - p, n,
            error=sqrt(p * (1 - p) / n0 + q * (1 - q) / n),
            floor=sqrt(2 / pi * pooled * (1 - pooled) / size),
            interval=newcombe(far0, n0, far, n),
            evidence=Evidence(
                Change(Quantity.SHARE, p, q, upper, (f"above {float(both.upper[place]):.3g}",)),
                Size(n0, size),
                details={
                    "beyond": float(both.upper[place]),
                    "p95_reference": _percentile(reference, highest), "p95": _percentile(current, highest),
                },
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say how many rows are beyond, and what became of the percentile."""
        change = measurement.evidence.change
        before, now = self.percentiles(measurement)
        beyond = float(measurement.evidence.details["beyond"])
        return f"exceeds {beyond:.3g} more often: {from_to(change)} (95th percentile {before:.3g} → {now:.3g})"

    @staticmethod
    def percentiles(measurement: Measurement) -> tuple[float, float]:
        """Return the 95th percentile of the reference and of the window, of a measurement of this comparison."""
        details = measurement.evidence.details
        return float(details["p95_reference"]), float(details["p95"])


def _percentile(state: State, highest: float) -> float:
    """Return the 95th percentile of the rows with a value; ``highest`` where it is infinite."""
    part, count = state.part("histogram", HistogramPart), state.part("count", CountPart)
    finite = int(part.counts.sum())
    wanted = (1 - BEYOND) * (finite + count.positive + count.negative) - count.negative
    return float(part.quantile(wanted / finite)) if finite > 0 and wanted <= finite else highest
