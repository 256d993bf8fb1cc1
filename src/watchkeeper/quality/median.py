"""The median lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.histogram import HistogramPart

__all__ = ["Median"]


class Median(StateRule):
    """The median lies between ``lower`` and ``upper``.

    The median is off by at most 2^-8 of its distance from the reference median.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "median"
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "lower": 1, "upper": 3}, {"x": [1.0, 2.0, 9.0]}, {"x": [1.0, 8.0, 9.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the median."""
        part = state.part("histogram", HistogramPart)
        return (float(part.quantile(0.5)) if part.n else 0.0), part.n, None
