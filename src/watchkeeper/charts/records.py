"""Anomalies of operational series: what exceeds everything that was seen before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from typing import ClassVar

import numpy as np

from watchkeeper.charts.chart import SIDES, ChartMemory, Choices, Options
from watchkeeper.charts.clock import ClockProfile, Turn
from watchkeeper.charts.extremes import Extremes, record_margin
from watchkeeper.charts.level_chart import zone_of
from watchkeeper.charts.phases import REBASE, begun, released
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Basis, Signal, Zone

__all__ = ["Records"]

_LENGTHS: Mapping[str, int] = {"point": 1, "level": 12, "season": 1, "season_level": 24, "spread": 36}
"""The statistics, and the points that each of them is made of."""

_TOGETHER = 2.0
"""Independent series of records that the five statistics of one series are worth, as measured on generated series."""

_LEARNED = timedelta(days=2)
"""Time that is learned from at least where points are shorter than a day: who saw no night takes it for a fault."""

_DAY = timedelta(days=1)
_FAR = 8.0
_STILL = 1e-3
"""Share of half the range of the first points that a spread is taken to have at least."""

_ROUNDING = 1e-9
_LEAST_SEEN = 20
_SIGMAS = 3.0
"""Score of what lies on its limit."""


@dataclass(frozen=True, slots=True)
class _Judged:
    name: str
    value: float
    extremes: Extremes
    limit: float
    """Distance from the middle that may not be exceeded."""

    @property
    def away(self) -> float:
        return self.value - self.extremes.middle

    @property
    def share(self) -> float:
        """Distance from the middle in units of the limit, signed; nothing where there is no distance."""
        if self.limit > 0:
            return self.away / self.limit
        return 0.0 if self.away == 0 else float(np.copysign(_FAR, self.away))


class Records:
    """Signals what lies farther out than everything before it, by a margin that chance alone does not reach.

    For series without a sampling error: latency, load, orders, sales. Of each series five statistics are followed: the
    point, the median of 12 points, how far the point is from what this hour of a weekday or weekend usually has (of
    windows of a day: this weekday), the mean of that over 24 points, and the spread of 36 points. Each signals where it
    exceeds its own extremes of the last ``history`` points by the share of half their distance that points with
    exponential tails exceed them by once in ``run_length``·``series`` points. Nothing is estimated but extremes, so
    that steps, bursts, constant stretches and gaps need no options: what lasts becomes part of what was seen, and
    signals once.

    It learns from the first ``min_samples`` points, and from two days where points are shorter than a day. Extremes of
    an incident are forgotten after ``history`` points; until then a second, smaller one is seen only by the statistics
    that the first did not move. Heavier tails signal more often: twice the promise with three degrees of freedom.

    References
    ----------
    Arnold, Balakrishnan, Nagaraja (1998), Records, doi:10.1002/9781118150412.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "records"
    defaults: ClassVar[Options] = {
        "min_samples": 30.0, "run_length": 1_000.0, "series": 1.0, "side": "both", "history": 4_096.0, "min_rows": 0.0,
        "rebase": "none",
    }  # fmt: skip
    choices: ClassVar[Choices] = {"side": SIDES, "rebase": REBASE}

    def step(
        self, memory: ChartMemory | None, measurement: Measurement, options: Options
    ) -> tuple[ChartMemory, Signal]:
        """Judge the next point; the first points are learned from and never signal."""
        chosen = {**self.defaults, **options}
        memory, value = memory or ChartMemory(), measurement.value
        if measurement.status is not Status.OK or value is None or measurement.n < float(chosen["min_rows"]):
            return memory, Signal(measurement, self.name)
        memory = released(memory, measurement, chosen)
        phases = begun(memory, measurement)
        statistics, arrays = _statistics(memory, measurement, value)
        judged = _judged(memory, statistics, chosen)
        numbers = dict(memory.numbers)
        for name, number in statistics.items():
            after = _extremes(memory, name).after(number, max(int(float(chosen["history"])), 1))
            arrays |= {f"lows_{name}": after.lows, f"highs_{name}": after.highs}
            numbers |= {f"count_{name}": float(after.count), f"filled_{name}": float(after.filled)}
        if measurement.window is not None:
            numbers.setdefault("began", measurement.window.start.timestamp())
        learning = "learned" not in numbers and _learns(memory, measurement, chosen)
        if not learning:
            numbers.setdefault("learned", memory.numbers.get("count_point", 0.0))
        half = _extremes(memory, "point").half
        if "unit" not in numbers and half > 0 and _seen(memory, "point") >= float(chosen["min_samples"]):
            numbers["unit"] = half
        kept = ChartMemory(numbers, (), {**memory.arrays, **arrays}, phases)
        if learning:
            return kept, Signal(measurement, self.name, zone=Zone.LEARNING, phase=1, since=phases[-1].start)
        return kept, _signal(self.name, measurement, judged, phases[-1].start)


def _extremes(memory: ChartMemory, name: str) -> Extremes:
    arrays = memory.arrays
    count, filled = (int(memory.numbers.get(f"{what}_{name}", 0.0)) for what in ("count", "filled"))
    return Extremes(arrays.get(f"lows_{name}", ()), arrays.get(f"highs_{name}", ()), count, filled)


def _seen(memory: ChartMemory, name: str) -> float:
    return memory.numbers.get(f"count_{name}", 0.0)


def _learns(memory: ChartMemory, measurement: Measurement, chosen: Options) -> bool:
    if _seen(memory, "point") < float(chosen["min_samples"]):
        return True
    window = measurement.window
    if window is None or window.end - window.start >= _DAY:
        return False
    return window.start.timestamp() - memory.numbers.get("began", 0.0) < _LEARNED.total_seconds()


def _statistics(
    memory: ChartMemory, measurement: Measurement, value: float
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Return the statistics that there are points enough for, and the lists of the memory that change."""
    recent = (*memory.arrays.get("recent", ()), value)[-_LENGTHS["spread"] :]
    arrays = {"recent": recent}
    found = {"point": value}
    if len(recent) >= _LENGTHS["level"]:
        found["level"] = float(np.median(recent[-_LENGTHS["level"] :]))
    if len(recent) == _LENGTHS["spread"] and "unit" in memory.numbers:
        found["spread"] = log(float(np.std(recent)) + _STILL * memory.numbers["unit"])
    turn = Turn.of(measurement.window)
    if turn is None:
        return found, arrays
    profile = ClockProfile(memory.arrays)
    usual = profile.expected(turn)
    arrays |= profile.after(turn, value)
    if usual is not None:
        residuals = (*memory.arrays.get("residuals", ()), value - usual)[-_LENGTHS["season_level"] :]
        arrays["residuals"] = residuals
        found["season"] = residuals[-1]
        if len(residuals) == _LENGTHS["season_level"]:
            found["season_level"] = float(np.mean(residuals))
    return found, arrays


def _judged(memory: ChartMemory, statistics: Mapping[str, float], chosen: Options) -> list[_Judged]:
    """Return each statistic with its limit, where it has been seen for half as long as was learned."""
    side = str(chosen["side"])
    per_side = _TOGETHER * (2 if side == "both" else 1) * float(chosen["run_length"]) * float(chosen["series"])
    found = []
    for name, value in statistics.items():
        extremes = _extremes(memory, name)
        if extremes.count < max(memory.numbers.get("learned", 0.0) / 2, _LEAST_SEEN):
            continue
        margin = record_margin(extremes.count, _LENGTHS[name], per_side)
        rounding = _ROUNDING * max(abs(extremes.low), abs(extremes.high))
        judged = _Judged(name, value, extremes, (1 + margin) * extremes.half + rounding)
        if side == "both" or (name != "spread" and (judged.share > 0) == (side == "upper")):
            found.append(judged)
    return found


def _signal(chart: str, measurement: Measurement, judged: list[_Judged], since: datetime | None) -> Signal:
    if not judged:
        return Signal(measurement, chart, zone=Zone.WITHIN_1, phase=2, since=since)
    worst = max(judged, key=lambda one: abs(one.share))
    score = float(np.clip(_SIGMAS * worst.share, -_FAR, _FAR))
    fired = abs(worst.share) > 1
    rule = ("record_high" if worst.share > 0 else "record_low") if fired else ""
    centre = worst.extremes.middle
    limit = centre + np.copysign(worst.limit, worst.share)
    basis = Basis(worst.value, float(limit), part=worst.name) if fired else None
    lower = upper = None
    point = next((one for one in judged if one.name == "point"), None)
    if point is not None:
        lower, upper = point.extremes.middle - point.limit, point.extremes.middle + point.limit
    return Signal(
        measurement, chart, None, lower, upper, zone_of(score, fired), rule, score, phase=2, since=since, fired=fired,
        basis=basis,
    )  # fmt: skip
