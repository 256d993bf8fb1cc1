"""What rules about statistics have in common: a number from the states that are there already, between two limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import ClassVar

import polars as pl

from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Looked, Parameter, Rule, RuleVerdict, Subject, Work
from watchkeeper.core.state import State
from watchkeeper.quality.parameters import as_number
from watchkeeper.quality.row_rule import key_of

__all__ = ["LIMITS", "StateRule"]

LIMITS = (Parameter("lower", as_number, "the least it may be"), Parameter("upper", as_number, "the most it may be"))


class StateRule:
    """Base of the rules about one number of a column; the measurement is that number."""

    subject: ClassVar[Subject] = "column"
    work: ClassVar[Work] = "states"
    grave: ClassVar[bool] = False
    parameters: ClassVar[tuple[Parameter, ...]] = LIMITS

    def check(self, rule: Rule) -> str:
        """Say when there is no limit, or none between."""
        lower, upper = rule.options.get("lower"), rule.options.get("upper")
        if lower is None and upper is None:
            return "give lower, upper or both"
        if lower is not None and upper is not None and lower > upper:
            return f"lower ({lower}) is above upper ({upper})"
        return ""

    def reads(self, rule: Rule) -> tuple[str, ...]:
        """Return the columns of the rule."""
        return rule.columns

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at no rows."""
        raise StateError(f"{rule.kind} is read off states and looks at no rows")

    def number(self, rule: Rule, state: State) -> tuple[float, int, float | None]:
        """Return the number, the rows it rests on, and its standard error where that is known."""
        raise NotImplementedError

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the number."""
        key = key_of(rule, states)
        value, n, error = self.number(rule, self.state(rule, states))
        if not n or not isfinite(value):
            return Measurement.missing(key, Family.QUALITY, rule.name, "no values", n=n)
        error = error if error is not None and isfinite(error) else None
        return Measurement.of(key, Family.QUALITY, rule.name, value, n, error=error)

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether the number lies between the limits."""
        lower, upper, value = rule.options.get("lower"), rule.options.get("upper"), measurement.value or 0.0
        low, high = lower is not None and value < lower, upper is not None and value > upper
        return RuleVerdict(not (low or high), "value_below" if low else "value_above" if high else "", lower, upper)

    @staticmethod
    def state(rule: Rule, states: Mapping[str, State]) -> State:
        """Return the state of the column.

        Raises
        ------
        StateError
            When there is none.
        """
        if rule.column not in states:
            raise StateError(f"no state of column {rule.column!r} is kept: it is missing, or not watched")
        return states[rule.column]
