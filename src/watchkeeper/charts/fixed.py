"""Limits that the user states."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from watchkeeper.charts.chart import Memory, Options
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["Fixed"]


class Fixed:
    """Signals a point below ``lower`` or above ``upper``; it knows nothing of sampling and keeps no memory."""

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "fixed"
    defaults: ClassVar[Options] = {"lower": -inf, "upper": inf}

    def step(self, memory: Memory | None, measurement: Measurement, options: Options) -> tuple[Memory, Signal]:
        """Judge the point."""
        chosen = {**self.defaults, **options}
        lower, upper = float(chosen["lower"]), float(chosen["upper"])
        if measurement.status is not Status.OK or measurement.value is None:
            return memory or Memory(), Signal(measurement, self.name)
        value = measurement.value
        rule = f"below {lower:.4g}" if value < lower else f"above {upper:.4g}" if value > upper else ""
        zone = Zone.BEYOND if rule else Zone.WITHIN_1
        shown = (None if lower == -inf else lower, None if upper == inf else upper)
        return memory or Memory(), Signal(measurement, self.name, None, *shown, zone, rule, 10.0 if rule else 0.0)
