"""The mean lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.moments import MomentsPart

__all__ = ["Mean"]


class Mean(StateRule):
    """The arithmetic mean lies between ``lower`` and ``upper``. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "mean"
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "lower": 1, "upper": 3}, {"x": [1.0, 2.0, 6.0]}, {"x": [1.0, 2.0, 9.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the mean with its standard error."""
        part = state.part("moments", MomentsPart)
        return part.mean, part.n, part.mean_error
