"""The two-sided cumulative sum chart."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.in_control import ADDING, Expected
from watchkeeper.charts.level_chart import LevelChart, LevelJudgement
from watchkeeper.charts.run_length import cusum_limit
from watchkeeper.core.signal import Basis

__all__ = ["Cusum", "summed"]

Floats = NDArray[np.float64]

_HELD = 2.0
"""A sum is held within this distance beyond its limit, so that it returns soon when the series does."""


class Cusum(LevelChart):
    """Signals when C⁺ = max(0, C⁺ + z - k) or C⁻ = max(0, C⁻ - z - k) exceeds h: for shifts of about 2k that last.

    z is the point less its level over √(s_t² + τ²), as in the chart ``shewhart``, with season and dependence taken out,
    and in short phases its normal score. h is solved from the budget, so that the run length to a false alarm is
    ``run_length`` windows over ``series`` series together, unless ``h`` states it. ``head`` starts both sums at that
    share of h (a fast initial response). k allows for the error of the level as an estimate.

    A sum that signals says for how many windows it has been above 0, which estimates when the change began, and by how
    much the series has moved since. The chart does not start anew after a signal. ``lower`` and ``upper`` are the
    values beyond which this very point would have signalled.

    References
    ----------
    Page (1954), Continuous inspection schemes, doi:10.1093/biomet/41.1-2.100.
    Lucas and Crosier (1982), Fast initial response for CUSUM quality-control schemes,
    doi:10.1080/00401706.1982.10487759.
    NIST/SEMATECH, e-Handbook of statistical methods, 6.3.2.3, https://www.itl.nist.gov/div898/handbook/.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "cusum"
    patience: ClassVar[int] = 2
    stated: ClassVar[str] = "h"
    defaults: ClassVar[Options] = {
        **ADDING, "k": 0.5, "h": 0.0, "head": 0.0, "run_length": 500.0, "series": 1.0,
        "side": "both",
    }  # fmt: skip

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        k, side = float(chosen["k"]), str(chosen["side"])
        budget = float(chosen["run_length"]) * float(chosen["series"])
        h = float(chosen["h"]) or cusum_limit(k, budget, side)
        # The error of the centre is in every point alike, and would add up.
        k += (found.doubt / (1 + found.doubt)) ** 0.5
        score = found.score()
        head = float(chosen["head"]) * h
        before = np.array([memory.numbers.get("up", head), memory.numbers.get("down", head)])
        sums = summed(before, np.array([score, -score]), k)
        watched = np.array([side != "lower", side != "upper"])
        way = int(np.argmax(np.where(watched, sums, -1.0)))
        lasted = [memory.numbers.get(name, 0.0) for name in ("up_for", "down_for")]
        lasted = [n + 1 if now > 0 else 0.0 for n, now in zip(lasted, sums, strict=True)]
        fired = bool(sums[way] > h)
        basis = None
        if fired:
            moved = k + float(sums[way] - (head if lasted[way] > 1 else 0.0)) / max(lasted[way], 1.0)
            basis = Basis(float(sums[way]), h, shift=moved, count=int(lasted[way]))
        rule = ("sum_low" if way else "sum_high") if fired else ""
        upper, lower = found.value_at(h + k - before[0]), found.value_at(-(h + k - before[1]))
        held = np.minimum(sums, h + _HELD).tolist()
        numbers = {"up": held[0], "down": held[1], "up_for": lasted[0], "down_for": lasted[1]}
        shown = (None if side == "upper" else lower, None if side == "lower" else upper)
        score = float(3 * sums[way] / h) * (-1 if way else 1)
        return LevelJudgement(*shown, rule, score, not way, numbers=numbers, fired=fired, basis=basis)


def summed(sums: Floats, z: Floats, slack: float) -> Floats:
    """Return max(0, C + z - k), of one series or of many."""
    return np.maximum(0.0, sums + z - slack)
