"""The standard deviation lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.column_numbers import moments_of
from watchkeeper.quality.state_rule import StateRule

__all__ = ["Deviation"]


class Deviation(StateRule):
    """The sample standard deviation lies between ``lower`` and ``upper``. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "deviation"
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x", "upper": 2}, {"x": [1, 2, 3, 2]}, {"x": [1, 20, 30, 2]})

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the standard deviation."""
        part = moments_of(rule, state)
        return part.deviation, part.n, None
