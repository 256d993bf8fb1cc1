"""The Shiryaev–Roberts chart of a shift of known size."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.in_control import ADDING, Expected
from watchkeeper.charts.level_chart import LevelChart, LevelJudgement
from watchkeeper.charts.run_length import shiryaev_roberts_limit
from watchkeeper.core.signal import Basis

__all__ = ["ShiryaevRoberts", "accumulated"]

Floats = NDArray[np.float64]

_NONE = -30.0
"""ln R of a chart that has seen nothing: e^-30 adds nothing to 1."""

_HELD = 2.0


class ShiryaevRoberts(LevelChart):
    """Signals when R = (1 + R)·exp(2k·(z - k)) exceeds e^g, on either side: nearly the quickest for a shift of 2k.

    z is standardised as in the chart ``cusum``. R is the likelihood ratio of a shift of 2k, summed over all windows
    in which it may have begun. g is solved from the budget unless stated; with both sides each has half of it.

    References
    ----------
    Shiryaev (1963), On optimum methods in quickest detection problems, doi:10.1137/1108002. Roberts (1966), A
    comparison of some control chart procedures, doi:10.1080/00401706.1966.10490374.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "shiryaev_roberts"
    patience: ClassVar[int] = 2
    stated: ClassVar[str] = "g"
    defaults: ClassVar[Options] = {
        **ADDING, "k": 0.5, "g": 0.0, "run_length": 500.0, "series": 1.0, "side": "both",
    }  # fmt: skip

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        k, side = float(chosen["k"]), str(chosen["side"])
        budget = float(chosen["run_length"]) * float(chosen["series"]) * (2 if side == "both" else 1)
        g = float(chosen["g"]) or shiryaev_roberts_limit(k, budget)
        score = found.score()
        before = np.array([memory.numbers.get("rising", _NONE), memory.numbers.get("falling", _NONE)])
        after = accumulated(before, np.array([score, -score]), k)
        watched = np.array([side != "lower", side != "upper"])
        way = int(np.argmax(np.where(watched, after, -np.inf)))
        fired = bool(after[way] > g)
        basis = Basis(float(after[way]), g) if fired else None
        rule = ("evidence_of_fall" if way else "evidence_of_rise") if fired else ""
        needed = (g - np.logaddexp(0.0, before)) / (2 * k) + k
        lower, upper = found.value_at(-float(needed[1])), found.value_at(float(needed[0]))
        shown = (None if side == "upper" else lower, None if side == "lower" else upper)
        held = np.clip(after, _NONE, g + _HELD).tolist()
        weight = 3 * max(float(after[way]), 0.0) / g if g > 0 else 0.0
        numbers = {"rising": held[0], "falling": held[1]}
        score = -weight if way else weight
        return LevelJudgement(*shown, rule, score, not way, numbers=numbers, fired=fired, basis=basis)


def accumulated(log_r: Floats, z: Floats, slack: float) -> Floats:
    """Return ln R after a point, ln(1 + R) + 2k·(z - k), of one series or of many."""
    return np.logaddexp(0.0, log_r) + 2 * slack * (z - slack)
