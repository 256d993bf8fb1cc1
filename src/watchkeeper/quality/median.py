"""The median lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Parameter, Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.column_numbers import quantile_of
from watchkeeper.quality.state_rule import BOUNDS, StateRule

__all__ = ["Median"]


class Median(StateRule):
    """The median lies between ``lower`` and ``upper``.

    Of an even number of values it is the middle of the two in the middle. Exact where every value is counted one by
    one, else off by at most 2^-8 of its distance from the reference median.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "median"
    parameters: ClassVar[tuple[Parameter, ...]] = BOUNDS
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "lower": 1, "upper": 3}, {"x": [1.0, 2.0, 9.0]}, {"x": [1.0, 8.0, 9.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the median."""
        return (*quantile_of(rule, state, 0.5), None)
