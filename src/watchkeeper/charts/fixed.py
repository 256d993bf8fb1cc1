"""Limits that the user states."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.tolerance import window_limit
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["Fixed"]


class Fixed:
    """Signals a point below ``lower`` or above ``upper``; it knows nothing of the point's sampling and has no memory.

    Where ``distance`` is set and the evidence of the measurement holds a distance between distributions, as that of
    ``unit_change`` does, the point signals only if that distance exceeds δ + √(ln(2·p·A)/(2·n_e)), the limit of the
    window rule: what few or clustered rows show by chance is no change of unit. By itself the chart promises no run
    length.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "fixed"
    defaults: ClassVar[Options] = {
        "lower": -inf, "upper": inf, "distance": "", "tolerance": 0.05, "run_length": 0.0, "series": 1.0,
        "design_effect": 1.0,
    }  # fmt: skip

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the point."""
        chosen = {**self.defaults, **options}
        lower, upper = float(chosen["lower"]), float(chosen["upper"])
        if measurement.status is not Status.OK or measurement.value is None:
            return memory or ChartMemory(), Signal(measurement, self.name)
        value = measurement.value
        fired = not lower <= value <= upper and (not chosen["distance"] or _moved(measurement, chosen))
        rule = ("below_lower" if value < lower else "above_upper") if fired else ""
        zone = Zone.BEYOND if fired else Zone.WITHIN_1
        shown = (None if lower == -inf else lower, None if upper == inf else upper)
        score = 10.0 if fired else 0.0
        return memory or ChartMemory(), Signal(measurement, self.name, None, *shown, zone, rule, score, fired=fired)


def _moved(measurement: Measurement, chosen: dict[str, float | str]) -> bool:
    distance, size = measurement.evidence.distance, measurement.evidence.size.n_effective
    if distance is None or size is None:
        return True
    asked = {**chosen, "run_length": max(1.0, float(chosen["run_length"]))}
    return distance > window_limit(measurement, asked, size)
