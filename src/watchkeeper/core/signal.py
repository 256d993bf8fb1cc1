"""A measurement judged by a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchkeeper.core.measurement import Measurement

__all__ = ["Signal", "Zone"]


class Zone(StrEnum):
    """Where a point lies: within one, two or three sigma of the centre, beyond the limits, or not judged."""

    WITHIN_1 = "within_1"
    WITHIN_2 = "within_2"
    WITHIN_3 = "within_3"
    BEYOND = "beyond"
    LEARNING = "learning"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Signal:
    """What a chart says of a measurement.

    Parameters
    ----------
    chart
        Registry key of the chart.
    centre, lower, upper
        Centre line and limits in the unit of the measurement; None where the chart has none (yet).
    zone
        Where the point lies.
    rule
        The rule that fired, in words; empty when none did.
    score
        Distance from the centre in standard deviations, or the chart's own statistic; it orders signals by weight.
    p_value
        Of the point alone, against the null the chart tests; None where it tests none. It ranks columns in an alert.
    phase
        1 while the chart still learns its level, 2 when the level is fixed, 0 for charts that learn none.
    since
        Start of the window the level was learned from; later than the first window where the chart was re-based.
    """

    measurement: Measurement
    chart: str
    centre: float | None = None
    lower: float | None = None
    upper: float | None = None
    zone: Zone = Zone.NOT_JUDGED
    rule: str = ""
    score: float = 0.0
    p_value: float | None = None
    phase: int = 0
    since: datetime | None = None

    @property
    def fired(self) -> bool:
        """Whether a rule fired."""
        return bool(self.rule)
