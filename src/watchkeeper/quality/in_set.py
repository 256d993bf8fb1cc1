"""Every value is one of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_values
from watchkeeper.quality.row_rule import RowRule, as_level

__all__ = ["InSet"]


class InSet(RowRule):
    """Every value is one of ``values``, compared as text so that 1, 1.0 and "1" are one. Nulls pass. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "in_set"
    grave: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("values", as_values, "the values that may occur", required=True),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "values": ["a", "b"]}, {"x": ["a", "b", "a"]}, {"x": ["c", "A", "c"]}
    )

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        level = as_level(rule.column, dtypes[rule.column])
        return Looked(level.is_not_null(), ~level.is_in(list(rule.options["values"])))
