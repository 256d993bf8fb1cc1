"""The exponentially weighted moving average chart."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.in_control import ADDING, Expected
from watchkeeper.charts.level_chart import LevelChart, LevelJudgement
from watchkeeper.charts.run_length import ewma_limit
from watchkeeper.core.errors import UsageError
from watchkeeper.core.signal import Basis

__all__ = ["Ewma", "smoothed"]

Numbers = TypeVar("Numbers", float, NDArray[np.float64])

_HELD = 1.25
"""The average is held within this multiple of its limit, so that it returns soon when the series does."""


class Ewma(LevelChart):
    """Signals when the moving average Q = (1 - λ)·Q + λ·z is beyond ±L·√(λ/(2 - λ)): for small lasting shifts.

    z is the point less its level over √(s_t² + τ²), as in the chart ``shewhart``, with season and dependence taken out,
    and in short phases its normal score. L is solved from the budget, so that the run length to a false alarm is
    ``run_length`` windows over ``series`` series together, unless ``factor`` states it. The limits
    allow for the error of the level as an estimate.

    The chart does not start anew after a signal: it signals as long as the average is beyond its limits. ``lower`` and
    ``upper`` of a signal are the values beyond which this very point would have brought the average there.

    References
    ----------
    Roberts (1959), Control chart tests based on geometric moving averages, doi:10.1080/00401706.1959.10489860.
    Lucas and Saccucci (1990), Exponentially weighted moving average control schemes,
    doi:10.1080/00401706.1990.10484583.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "ewma"
    patience: ClassVar[int] = 2
    stated: ClassVar[str] = "factor"
    defaults: ClassVar[Options] = {
        **ADDING, "lambda": 0.1, "factor": 0.0, "run_length": 500.0, "series": 1.0,
        "side": "both",
    }  # fmt: skip

    def check(self, options: Options) -> None:
        """Raise UsageError where λ is no weight, or the run length cannot be kept."""
        super().check(options)
        weight = float(options["lambda"])
        if not 0 < weight <= 1:
            raise UsageError(f"lambda is {weight:g}; valid: more than 0 and at most 1")

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        weight, side = float(chosen["lambda"]), str(chosen["side"])
        self.check(chosen)
        budget = float(chosen["run_length"]) * float(chosen["series"])
        factor = float(chosen["factor"]) or ewma_limit(weight, budget, side)
        # The error of the centre is in every point alike, and no average takes it out.
        variance = (weight / (2 - weight) + found.doubt) / (1 + found.doubt)
        limit, before = factor * sqrt(variance), memory.numbers.get("average", 0.0)
        average = smoothed(before, found.score(), weight)
        low, high = average < -limit and side != "upper", average > limit and side != "lower"
        edges = [found.value_at((edge - (1 - weight) * before) / weight) for edge in (-limit, limit)]
        lower, upper = (None if side == "upper" else edges[0]), (None if side == "lower" else edges[1])
        score = 3 * average / limit
        fired = low or high
        basis = Basis(average, limit, weight=weight) if fired else None
        rule = "average_beyond" if fired else ""
        held = min(max(average, -_HELD * limit), _HELD * limit)
        numbers = {"average": held}
        return LevelJudgement(lower, upper, rule, score, average > 0, numbers=numbers, fired=fired, basis=basis)


def smoothed(average: Numbers, z: Numbers, weight: float) -> Numbers:
    """Return (1 - λ)·Q + λ·z, of one series or of many."""
    return (1 - weight) * average + weight * z
