"""What rules about single rows have in common: the share of the rows that break them, from their counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import polars as pl
from scipy.stats import binom

from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import SchemaError, StateError
from watchkeeper.core.evidence import Evidence, RuleCheck
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.rule import Looked, Parameter, Rule, RuleVerdict, Subject, Work
from watchkeeper.core.state import RULES, State, StateKey
from watchkeeper.schema.kinds import type_name
from watchkeeper.stats.rule_counts import RuleCountsPart, Tally

__all__ = ["RowRule", "as_level", "is_counted", "judge_share", "key_of", "tally_of"]


class RowRule:
    """Base of the rules that ask each row for itself; the measurement is the share of the rows that break it."""

    subject: ClassVar[Subject] = "column"
    work: ClassVar[Work] = "rows"
    grave: ClassVar[bool] = False
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def check(self, rule: Rule) -> str:
        """Find nothing wrong."""
        return ""

    def reads(self, rule: Rule) -> tuple[str, ...]:
        """Return the columns of the rule."""
        return rule.columns

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Return what to evaluate over the rows."""
        raise NotImplementedError

    def measure(self, rule: Rule, states: Mapping[str, State], now: datetime | None) -> Measurement:
        """Return the share of the rows the rule speaks of that break it, exactly."""
        tally = tally_of(rule, states)
        return self.share(rule, states, tally, tally.checked, tally.broken, {})

    def judge(self, rule: Rule, measurement: Measurement) -> RuleVerdict:
        """Return whether few enough rows break the rule."""
        return judge_share(rule, measurement)

    def share(
        self,
        rule: Rule,
        states: Mapping[str, State],
        tally: Tally,
        checked: int,
        broken: int,
        details: Mapping[str, float | str],
    ) -> Measurement:
        """Return a share as a measurement; without rows to check there is none."""
        key = key_of(rule, states)
        if not checked:
            what = "no rows" if not tally.rows else "no row that the rule speaks of"
            return Measurement.missing(key, Family.QUALITY, rule.name, what, n=0)
        examples = "; ".join(states[RULES].part("rule_counts", RuleCountsPart).words(rule))
        check = RuleCheck(checked=checked, offending=broken, rows=tally.rows, examples=examples)
        value = broken / checked
        error = (value * (1 - value) / checked) ** 0.5
        return Measurement.of(
            key, Family.QUALITY, rule.name, value, checked, error=error, evidence=Evidence(rule=check, details=details)
        )


def judge_share(rule: Rule, measurement: Measurement) -> RuleVerdict:
    """Return whether at most the share of rows that ``mostly`` leaves breaks a rule, or not significantly more."""
    upper, value = round(1.0 - rule.mostly, 12), measurement.value or 0.0
    if value <= upper:
        return RuleVerdict(True, upper=upper)
    if rule.alpha is None:
        return RuleVerdict(False, "rows_broken", upper=upper)
    check = measurement.evidence.rule or RuleCheck()
    offending, checked = check.offending or 0, check.checked or 0
    p_value = float(binom.sf(offending - 1, checked, upper))
    kept = p_value > rule.alpha
    return RuleVerdict(kept, "" if kept else "rows_broken", None, upper, p_value, rule.alpha)


def is_counted(rule: Rule, states: Mapping[str, State]) -> bool:
    """Return whether rows were held against a rule at all: one that was added later says nothing of earlier rows."""
    part = states[RULES].parts.get("rule_counts") if RULES in states else None
    return isinstance(part, RuleCountsPart) and part.of(rule) is not None


def tally_of(rule: Rule, states: Mapping[str, State]) -> Tally:
    """Return what was counted for a rule.

    Raises
    ------
    StateError
        When it was not counted, or could not be.
    """
    state = states.get(RULES)
    tally = state.part("rule_counts", RuleCountsPart).of(rule) if state is not None else None
    if tally is None:
        raise StateError("the rule was not counted when these rows were summarised")
    if tally.problem:
        raise StateError(tally.problem)
    return tally


def key_of(rule: Rule, states: Mapping[str, State]) -> StateKey:
    """Return the key of a measurement of a rule."""
    known = next(iter(states.values())).key if states else StateKey()
    return StateKey(known.model, known.version, known.window, known.segment, rule.column or RULES)


def as_level(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text, in the way in which levels are told apart.

    Raises
    ------
    SchemaError
        When it holds nested values.
    """
    column = column_named(name)
    if dtype == pl.String:
        return column
    if dtype.is_nested() or dtype == pl.Object:
        raise SchemaError(f"column {name!r} holds {type_name(dtype)}, where single values were expected")
    if dtype.is_float():
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < 2**53)
        return (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
    if dtype == pl.Binary:
        return column.bin.encode("hex")
    return column.cast(pl.String)
