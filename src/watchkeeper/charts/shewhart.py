"""Shewhart's control chart."""

from __future__ import annotations

from math import isfinite, nan
from typing import ClassVar

import numpy as np

from watchkeeper.charts.chart import ChartMemory, Options
from watchkeeper.charts.in_control import LEARNING, Expected
from watchkeeper.charts.level_chart import LevelChart, LevelJudgement
from watchkeeper.charts.run_length import shewhart_factor
from watchkeeper.charts.run_rules import LONGEST, broken, rules_named

__all__ = ["Shewhart"]


class Shewhart(LevelChart):
    """Signals a point outside μ ± k·σ_t, with σ_t² = s_t² + τ².

    s_t is the sampling error of the point itself, so windows of unequal size share one chart; τ² is the variance
    between windows in phase I. Centre and τ² come from the first ``min_samples`` points, trimmed robustly, and are
    then frozen; with ``phase_one`` points are learned from until there are as many, while they are judged. With
    ``exact`` set to 1 the factor k gives way to the prediction limit t_{m-1}·√(1 + 1/m), which keeps
    the false-alarm rate when phase I is short. ``run_length`` over ``series`` solves k from a budget instead.
    ``season`` and ``autocorrelation`` judge residuals, as the chart ``seasonal_residual`` does by default.
    ``margin`` widens the limits by that share of the centre, for series
    where a change below it does not matter however surely it is measured. A point that rests on fewer than ``min_rows``
    rows is neither learned from nor judged, because its error is itself a guess; one without an error is not judged
    among points that have one.

    ``rules`` adds runs rules: ``western_electric``, ``nelson``, or names of single ones. They are off by default: the
    four of Western Electric bring the run length down from 370.4 to 91.75 windows.

    At k = 3 and known parameters the in-control run length is 370.4 windows.

    References
    ----------
    Shewhart (1931), Economic control of quality of manufactured product. Champ and Woodall (1987), Exact results for
    Shewhart control charts with supplementary runs rules, doi:10.1080/00401706.1987.10488266.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "shewhart"
    defaults: ClassVar[Options] = {
        **LEARNING, "min_samples": 8.0, "phase_one": 0.0, "sampling": "own", "season": "none",
        "autocorrelation": "none", "exact": 0.0, "k": 3.0, "margin": 0.0, "side": "both", "rules": "",
        "run_length": 0.0, "series": 1.0,
    }  # fmt: skip

    def check(self, options: Options) -> None:
        """Raise UsageError where a runs rule does not exist."""
        super().check(options)
        rules_named(str(options["rules"]))

    def _judged(self, memory: ChartMemory, found: Expected, chosen: dict[str, float | str]) -> LevelJudgement:
        side, budget = str(chosen["side"]), float(chosen["run_length"]) * float(chosen["series"])
        k = shewhart_factor(budget, side) if budget else float(chosen["k"])
        room = found.factor(k) * found.wide + float(chosen["margin"]) * abs(found.centre)
        lower, upper = found.centre - room, found.centre + room
        away = found.z * found.sigma if isfinite(found.z) else found.z
        low, high = away < -room and side != "upper", away > room and side != "lower"
        broken_rules: tuple[str, ...] = ("below_lower",) if low else ("above_upper",) if high else ()
        shown = (None if side == "upper" else lower, None if side == "lower" else upper)
        names = rules_named(str(chosen["rules"]))
        if not names:
            return _judgement(shown, broken_rules, found, {})
        recent = (*memory.arrays.get("recent", ()), found.score())[-LONGEST:]
        if not broken_rules:
            z = np.array([nan] * (LONGEST - len(recent)) + list(recent))
            broken_rules = tuple(name for name in names if broken(z, name))
        # After a signal runs begin anew: a point that has told its story is not told again.
        return _judgement(shown, broken_rules, found, {"recent": () if broken_rules else recent})


def _judgement(
    limits: tuple[float | None, float | None],
    broken_rules: tuple[str, ...],
    found: Expected,
    arrays: dict[str, tuple[float, ...]],
) -> LevelJudgement:
    rule, *also = broken_rules or ("",)
    return LevelJudgement(
        *limits, rule, found.z, found.z > 0, arrays=arrays, fired=bool(broken_rules), also=tuple(also)
    )
