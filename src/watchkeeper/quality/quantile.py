"""A quantile lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Parameter, Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.column_numbers import quantile_of
from watchkeeper.quality.parameters import as_share
from watchkeeper.quality.state_rule import BOUNDS, StateRule

__all__ = ["Quantile"]


class Quantile(StateRule):
    """The quantile at ``q`` lies between the limits; at 0 it is the smallest value and at 1 the largest.

    Between two values it is interpolated. Exact where every value is counted one by one, else off by at most 2^-8 of
    its distance from the reference median.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "quantile"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("q", as_share, "the share of the rows below it", required=True),
        *BOUNDS,
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "q": 0.9, "upper": 10}, {"x": [1.0, 2.0, 3.0, 9.0]}, {"x": [1.0, 2.0, 30.0, 40.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the quantile."""
        return (*quantile_of(rule, state, float(rule.options["q"])), None)
