"""Every text has a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_pattern
from watchkeeper.quality.row_rule import RowRule, as_level

__all__ = ["Matches"]


class Matches(RowRule):
    """Every value, as a whole, matches the regular expression ``pattern``.

    The expressions are those of Rust's ``regex``, without look-around and back-references, so that no pattern takes
    more than linear time. Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "matches"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("pattern", as_pattern, "the regular expression a whole value must match", required=True),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "pattern": "[a-z]+[0-9]"}, {"x": ["a1", "gate7"]}, {"x": ["a", "7gate"]}
    )

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        level = as_level(rule.column, dtypes[rule.column])
        return Looked(level.is_not_null(), ~level.str.contains(f"^(?:{rule.options['pattern']})$"))
