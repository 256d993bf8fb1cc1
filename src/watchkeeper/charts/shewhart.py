"""Shewhart's control chart."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

from watchkeeper.charts.chart import Memory, Options
from watchkeeper.charts.phase_one import baseline, widening
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["Shewhart"]


class Shewhart:
    """Signals a point outside μ ± k·σ_t, with σ_t² = s_t² + τ².

    s_t is the sampling error of the point itself, so windows of unequal size share one chart; τ² is the variance
    between windows in phase I. Centre and τ² come from the first ``min_samples`` points, trimmed robustly, and are
    then frozen. With ``exact`` set to 1 the factor k gives way to the prediction limit t_{m-1}·√(1 + 1/m), which keeps
    the false-alarm rate when phase I is short. ``margin`` widens the limits by that share of the centre, for series
    where a change below it does not matter however surely it is measured. A point that rests on fewer than ``min_rows``
    rows is neither learned from nor judged, because its error is itself a guess; one without an error is not judged
    among points that have one.

    At k = 3 and known parameters the in-control run length is 370.4 windows.

    References
    ----------
    Shewhart (1931), Economic control of quality of manufactured product. Champ and Woodall (1987), Exact results for
    Shewhart control charts with supplementary runs rules, doi:10.1080/00401706.1987.10488266.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "shewhart"
    defaults: ClassVar[Options] = {
        "k": 3.0,
        "min_samples": 8.0,
        "exact": 0.0,
        "margin": 0.0,
        "side": "both",
        "min_rows": 0.0,
    }

    def step(self, memory: Memory | None, measurement: Measurement, options: Options) -> tuple[Memory, Signal]:
        """Judge the next point; the first ``min_samples`` points are learned from and never signal."""
        memory = memory or Memory()
        chosen = {**self.defaults, **options}
        if measurement.status is not Status.OK or measurement.value is None:
            return memory, Signal(measurement, self.name)
        if measurement.n < float(chosen["min_rows"]):
            return memory, Signal(measurement, self.name, memory.numbers.get("centre"))
        value, error = measurement.value, measurement.error or 0.0
        if "centre" not in memory.numbers:
            points = (*memory.points, (value, error))
            if len(points) < int(chosen["min_samples"]):
                return Memory({}, points), Signal(measurement, self.name, zone=Zone.LEARNING)
            base = baseline(points)
            numbers = {"centre": base.centre, "between": base.between, "used": float(base.used)}
            return Memory(numbers, points), Signal(measurement, self.name, base.centre, zone=Zone.LEARNING)
        if measurement.error is None and (not memory.points or any(error for _, error in memory.points)):
            return memory, Signal(measurement, self.name, memory.numbers["centre"])
        return memory, self._judge(memory, measurement, value, error, chosen)

    def _judge(
        self, memory: Memory, measurement: Measurement, value: float, error: float, chosen: dict[str, float | str]
    ) -> Signal:
        k, side = float(chosen["k"]), str(chosen["side"])
        if float(chosen["exact"]):
            k = widening(k, int(memory.numbers["used"]))
        centre, sigma = memory.numbers["centre"], sqrt(error**2 + memory.numbers["between"])
        room = k * sigma + float(chosen["margin"]) * abs(centre)
        lower, upper = centre - room, centre + room
        z = (value - centre) / sigma if sigma > 0 else 0.0 if value == centre else float("inf") * (value - centre)
        low, high = value < lower and side != "upper", value > upper and side != "lower"
        rule = f"below {lower:.4g}" if low else f"above {upper:.4g}" if high else ""
        shown = (None if side == "upper" else lower, None if side == "lower" else upper)
        return Signal(measurement, self.name, centre, *shown, _zone(abs(z), bool(rule)), rule, z)


def _zone(z: float, beyond: bool) -> Zone:
    if beyond:
        return Zone.BEYOND
    return Zone.WITHIN_1 if z <= 1 else Zone.WITHIN_2 if z <= 2 else Zone.WITHIN_3
