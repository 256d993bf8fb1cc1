"""What rules about statistics have in common: a number from the states that are there already, between two limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import ClassVar

import polars as pl

from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Change, Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Looked, Parameter, Rule, RuleVerdict, Subject, Work
from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.quality.parameters import as_bound, as_number, wrong_order
from watchkeeper.quality.row_rule import key_of

__all__ = ["BOUNDS", "LIMITS", "StateRule"]

LIMITS = (Parameter("lower", as_number, "the least it may be"), Parameter("upper", as_number, "the most it may be"))
BOUNDS = (Parameter("lower", as_bound, "the least it may be"), Parameter("upper", as_bound, "the most it may be"))
"""Limits of what is of the kind of the column: a number, or a date or time."""


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
        return wrong_order(lower, upper)

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
        key, state = key_of(rule, states), self.state(rule, states)
        if BOUNDS[0] in self.parameters:
            _check_bounds(rule, state)
        value, n, error = self.number(rule, state)
        if not n or not isfinite(value):
            return Measurement.missing(key, Family.QUALITY, rule.name, "no values", n=n)
        error = error if error is not None and isfinite(error) else None
        times = BOUNDS[0] in self.parameters and state.spec is not None and state.spec.kind is Kind.TIME
        evidence = Evidence(change=Change(unit="time" if times else ""))
        return Measurement.of(key, Family.QUALITY, rule.name, value, n, error=error, evidence=evidence)

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether the number lies between the limits."""
        lower, upper = (_number(rule.options.get(side)) for side in ("lower", "upper"))
        value = measurement.value or 0.0
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


def _number(limit: float | datetime | None) -> float | None:
    """Return a limit in the unit of states, which of times is seconds since 1970."""
    return limit.timestamp() if isinstance(limit, datetime) else limit


def _check_bounds(rule: Rule, state: State) -> None:
    times = state.spec is not None and state.spec.kind is Kind.TIME
    limits = [rule.options.get(side) for side in ("lower", "upper")]
    if any(isinstance(limit, datetime) != times for limit in limits if limit is not None):
        holds, wanted = ("times", "dates or times such as 2013-01-31") if times else ("no times", "numbers")
        raise StateError(f"column {rule.column!r} holds {holds}, so that lower and upper must be {wanted}")
