"""Anomalies of any number of series, without a threshold set by hand."""

from __future__ import annotations

from typing import ClassVar

from scipy.special import stdtr

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.in_control import LEARNING, Expected
from watchkeeper.charts.level_chart import LevelChart, LevelJudgement
from watchkeeper.charts.run_length import shewhart_factor
from watchkeeper.core.signal import Basis

__all__ = ["SeasonalResidual"]


class SeasonalResidual(LevelChart):
    """Signals a point that is rarer than the budget allows, given its weekday, its hour and the point before.

    What is usual is learned from the series itself: the level of each weekday or hour where they differ, τ² between
    windows, and φ where points depend on the one before. The p-value of a point is Student's of its prediction error,
    and it signals at 1/(A·p): A is ``run_length``, in windows, p is ``series``, the number of series judged together.
    A series on its own keeps a run length of A·p windows and all together one of A, so that neither one metric nor ten
    thousand need a threshold.

    After ``confirm`` points in a row that signal on one side the chart takes the change for the new level and learns it
    (``rebase``), so that a step is told once and not for ever.

    Residuals of heavier tails than the normal distribution's signal more often.

    References
    ----------
    Montgomery (2013), Introduction to statistical quality control, 7th edition, chapter 10: residuals of autocorrelated
    series. Bonferroni's inequality for the sum over series.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "seasonal_residual"
    defaults: ClassVar[Options] = {
        **LEARNING, "rebase": "change", "run_length": 1_000.0, "series": 1.0, "side": "both",
    }  # fmt: skip

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        side = str(chosen["side"])
        budget = float(chosen["run_length"]) * float(chosen["series"])
        room = found.factor(shewhart_factor(budget, side)) * found.wide
        away = found.z * found.sigma if found.sigma > 0 else found.z
        low, high = away < -room and side != "upper", away > room and side != "lower"
        scaled = abs(found.z) / (1 + found.doubt) ** 0.5
        p_value = (2 if side == "both" else 1) * float(stdtr(found.degrees, -scaled))
        fired = low or high
        basis = Basis(p_value, 1 / budget) if fired else None
        rule = "rare_low" if low else "rare_high" if high else ""
        lower = None if side == "upper" else found.centre - room
        upper = None if side == "lower" else found.centre + room
        return LevelJudgement(lower, upper, rule, found.z, away > 0, min(1.0, p_value), fired=fired, basis=basis)
