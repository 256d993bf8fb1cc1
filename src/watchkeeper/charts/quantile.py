"""Limits from the quantiles of a series' own history."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from watchkeeper.charts.chart import SIDES, ChartMemory, Choices, Options
from watchkeeper.charts.level_chart import zone_of
from watchkeeper.charts.phases import REBASE, begun, confirmed, released
from watchkeeper.charts.run_length import shewhart_factor
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal, Zone

__all__ = ["Quantile", "quantile_limits"]

Floats = NDArray[np.float64]

_BEYOND = 3.0
"""Points of the history that lie beyond the quantile that is read off."""

_LOG_ROOT = 2.5066282746310002
"""√(2π)."""


class Quantile:
    """Signals a point outside the quantiles of history, whose two sides may differ: for series that are not symmetric.

    The limits are the quantiles that a normal distribution has at ±k, read off the history. As long as it is too short
    for that, the quantile beyond which three of its points lie is read off and carried on: its distance from the median
    is multiplied by k/z, where z is the normal quantile of the same probability, and widened by what a quantile of so
    few points is uncertain by. From 2,200 points on nothing is assumed at k = 3. ``run_length`` over ``series`` solves
    k from a budget instead. The first ``phase_one`` points are history, those that signal left out; from
    ``min_samples`` on points are judged. Points count alike, whatever their number of rows.

    References
    ----------
    David and Nagaraja (2003), Order statistics, 3rd edition, section 10.2: variance of a sample quantile.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "quantile"
    defaults: ClassVar[Options] = {
        "min_samples": 30.0, "phase_one": 400.0, "k": 3.0, "side": "both", "run_length": 0.0, "series": 1.0,
        "min_rows": 0.0, "rebase": "none", "confirm": 8.0,
    }  # fmt: skip
    choices: ClassVar[Choices] = {"side": SIDES, "rebase": REBASE}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next point; the first ``min_samples`` points are learned from and never signal."""
        chosen = {**self.defaults, **options}
        memory, value = memory or ChartMemory(), measurement.value
        if measurement.status is not Status.OK or value is None or measurement.n < float(chosen["min_rows"]):
            return memory, Signal(measurement, self.name)
        memory = released(memory, measurement, chosen)
        history, phases = memory.arrays.get("history", ()), begun(memory, measurement)
        since = phases[-1].start
        if len(history) < int(float(chosen["min_samples"])):
            signal = Signal(measurement, self.name, zone=Zone.LEARNING, phase=1, since=since)
            return ChartMemory(memory.numbers, (), {"history": (*history, value)}, phases), signal
        side, budget = str(chosen["side"]), float(chosen["run_length"]) * float(chosen["series"])
        k = shewhart_factor(budget, side) if budget else float(chosen["k"])
        lower, centre, upper = quantile_limits(np.array(history), k)
        low, high = value < lower and side != "upper", value > upper and side != "lower"
        room = upper - centre if value > centre else centre - lower
        score = k * (value - centre) / room if room > 0 else 0.0 if value == centre else 10.0 * np.sign(value - centre)
        fired = low or high
        rule = "below_lower" if low else "above_upper" if high else ""
        grows = len(history) < float(chosen["phase_one"])
        signal = Signal(
            measurement, self.name, centre, None if side == "upper" else lower, None if side == "lower" else upper,
            zone_of(float(score), fired), rule, float(score), phase=1 if grows else 2, since=since, fired=fired,
        )  # fmt: skip
        after, streak = confirmed(memory, high, fired, chosen)
        if after is not memory:
            return after, signal
        kept = (*history, value) if grows and not fired else history
        return ChartMemory({"streak": streak} if streak else {}, (), {"history": kept}, phases), signal


def quantile_limits(history: Floats, k: float) -> tuple[float, float, float]:
    """Return the lower limit, the median and the upper limit at ±k normal standard deviations."""
    m, wanted = len(history), float(ndtr(-k))
    tail = min(max(wanted, _BEYOND / (m + 1)), 0.25)
    z = float(-ndtri(tail))
    low, centre, high = np.quantile(history, [tail, 0.5, 1 - tail], method="weibull").tolist()
    if z >= k:
        return low, centre, high
    # Normal theory: the quantile has the variance tail·(1 - tail)/(m·φ(z)²) in units of the standard deviation.
    density = np.exp(-(z**2) / 2) / _LOG_ROOT
    ratio = k / z * sqrt(1 + (k / z) ** 2 * tail * (1 - tail) / (m * density**2))
    return centre - ratio * (centre - low), centre, centre + ratio * (high - centre)
