"""The number of distinct values lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.state_rule import StateRule
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.distinct import Distinct, DistinctPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["DistinctValues", "distinct_of"]


class DistinctValues(StateRule):
    """The number of distinct values lies between the limits.

    Exact for levels up to 1,000 of them; else a HyperLogLog estimate with a standard error of 1.6 %.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "distinct_values"
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "upper": 3}, {"x": ["a", "b", "c", "a"]}, {"x": ["a", "b", "c", "d"]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the number of distinct values."""
        return distinct_of(state)


def distinct_of(state: State) -> tuple[float, int, float | None]:
    """Return the number of distinct values, the rows it rests on and its standard error; None where it is exact."""
    n = state.part("count", CountPart).valid
    levels = state.parts.get("levels")
    if isinstance(levels, LevelsPart) and not levels.other:
        return float(len(levels.names)), n, None
    value = Distinct().result(state.part("distinct", DistinctPart))
    # The estimate of a few values is off by less than half of one.
    return (float(round(value)), n, None) if value < 32 else (value, n, 0.0163 * value)
