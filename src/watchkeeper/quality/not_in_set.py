"""No value is one of a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_values
from watchkeeper.quality.row_rule import RowRule, as_level

__all__ = ["NotInSet"]


class NotInSet(RowRule):
    """No value is one of ``values``, such as -999 or N/A; compared as text. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "not_in_set"
    grave: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("values", as_values, "the values that may not occur", required=True),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "values": ["unknown"]}, {"x": ["a", "b"]}, {"x": ["unknown", "unknown"]}
    )

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        level = as_level(rule.column, dtypes[rule.column])
        return Looked(level.is_not_null(), level.is_in(list(rule.options["values"])))
