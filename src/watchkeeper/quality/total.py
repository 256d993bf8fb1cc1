"""The sum lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.column_numbers import moments_of
from watchkeeper.quality.state_rule import StateRule

__all__ = ["Total"]


class Total(StateRule):
    """The sum of all values lies between ``lower`` and ``upper``. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "total"
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "upper": 10}, {"x": [1.0, 2.0, 3.0]}, {"x": [1.0, 20.0, 3.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the sum: n times the anchor, plus the sum of the differences from it."""
        part = moments_of(rule, state)
        return part.n * part.anchor + part.first, part.n, None
