"""Every text has a length between two limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_number
from watchkeeper.quality.row_rule import RowRule, as_level

__all__ = ["HasLength"]


class HasLength(RowRule):
    """Every value has between ``lower`` and ``upper`` characters, both included. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "has_length"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lower", as_number, "the least number of characters", default=0),
        Parameter("upper", as_number, "the largest number of characters"),
    )
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x", "upper": 3}, {"x": ["a", "abc"]}, {"x": ["abcd", "abcde"]})

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        length = as_level(rule.column, dtypes[rule.column]).str.len_chars()
        broken = length < rule.options.get("lower", 0)
        if rule.options.get("upper") is not None:
            broken |= length > rule.options["upper"]
        return Looked(length.is_not_null(), broken)
