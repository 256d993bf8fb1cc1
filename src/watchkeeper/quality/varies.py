"""A column holds more than one value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Parameter, Rule, RuleTrial, RuleVerdict
from watchkeeper.core.state import State
from watchkeeper.quality.distinct_values import distinct_of
from watchkeeper.quality.parameters import as_number
from watchkeeper.quality.row_rule import key_of
from watchkeeper.quality.state_rule import StateRule

__all__ = ["Varies"]

_LEAST = 2.0


class Varies(StateRule):
    """The column is not constant: among at least ``min_samples`` values there are two different ones."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "varies"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("min_samples", as_number, "values below which nothing is said", default=30),
    )
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x", "min_samples": 3}, {"x": [7, 7, 8]}, {"x": [7, 7, 7]})

    def check(self, rule: Rule) -> str:
        """Find nothing wrong."""
        return ""

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether there are two different values."""
        kept = (measurement.value or 0.0) >= _LEAST
        return RuleVerdict(kept, "" if kept else "constant", _LEAST)

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the number of distinct values."""
        return distinct_of(state)

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the number of distinct values; among too few there is none."""
        found = super().measure(rule, states, now)
        least = int(rule.options.get("min_samples", 30))
        if found.n >= least or found.value is None:
            return found
        words = f"{found.n} values, fewer than the {least} that it takes to say so"
        return Measurement.missing(key_of(rule, states), Family.QUALITY, rule.name, words, n=found.n)
