"""The mean lies between two limits."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.core.rule import Parameter, Rule, RuleTrial
from watchkeeper.core.state import State
from watchkeeper.quality.column_numbers import moments_of
from watchkeeper.quality.state_rule import BOUNDS, StateRule

__all__ = ["Mean"]


class Mean(StateRule):
    """The arithmetic mean lies between ``lower`` and ``upper``; of truths the share that is true. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "mean"
    parameters: ClassVar[tuple[Parameter, ...]] = BOUNDS
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "lower": 1, "upper": 3}, {"x": [1.0, 2.0, 6.0]}, {"x": [1.0, 2.0, 9.0]}
    )

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the mean with its standard error."""
        part = moments_of(rule, state)
        return part.mean, part.n, part.mean_error
