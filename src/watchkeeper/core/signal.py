"""A measurement judged by a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watchkeeper.core.evidence import Sight
from watchkeeper.core.measurement import Measurement

__all__ = ["Basis", "Signal", "Zone"]


class Zone(StrEnum):
    """Where a point lies: within one, two or three sigma of the centre, beyond the limits, or not judged.

    ``blind`` is a point of a series that would not find a change within the bounds of its model.
    """

    WITHIN_1 = "within_1"
    WITHIN_2 = "within_2"
    WITHIN_3 = "within_3"
    BEYOND = "beyond"
    LEARNING = "learning"
    NOT_JUDGED = "not_judged"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Basis:
    """The numbers that a rule judged by, where value and limits of the signal do not tell them.

    Parameters
    ----------
    statistic, threshold
        What was compared, in the unit of the rule (a sum or an average in sigma, ln of the evidence, T², a p-value),
        and what it had to exceed; a p-value had to fall below it.
    tolerance
        The change that does not matter yet, or the level that is still no harm.
    shift
        By how much the series has moved: in sigma, or as a share.
    count
        Windows or values for which the change has lasted.
    weight
        λ of a moving average.
    part
        The part of several series judged together that is farthest from its centre.
    """

    statistic: float | None = None
    threshold: float | None = None
    tolerance: float | None = None
    shift: float | None = None
    count: int = 0
    weight: float | None = None
    part: str = ""


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
        Code of the rule that fired, such as ``above_upper``; empty when none did.
    score
        Distance from the centre in standard deviations, or the chart's own statistic; it orders signals by weight.
    p_value
        Of the point alone, against the null the chart tests; None where it tests none. It ranks columns in an alert.
    phase
        1 while the chart still learns its level, 2 when the level is fixed, 0 for charts that learn none.
    since
        Start of the window the level was learned from; later than the first window where the chart was re-based.
    fired
        Whether a rule fired.
    also
        Codes of further rules that the same point broke.
    basis
        The numbers the rule judged by; None where value and limits are all.
    sight
        The smallest change that would have been found; None where the chart cannot tell.
    alone
        Whether the chart has added evidence up already, so that the signal is an alert without waiting for another.
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
    fired: bool = False
    also: tuple[str, ...] = ()
    basis: Basis | None = None
    sight: Sight | None = None
    alone: bool = False
