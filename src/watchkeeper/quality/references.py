"""Every value occurs in another table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_column, as_text, as_values
from watchkeeper.quality.row_rule import RowRule, as_level

__all__ = ["References"]


class References(RowRule):
    """Every value occurs in the column ``key`` of another table, compared as text. Nulls pass. Exact.

    The keys are read once, when the rules are; a table of more than a million different keys is refused.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "references"
    grave: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("table", as_text, "the other table: a file, folder or glob", required=True),
        Parameter("key", as_column, "its column that holds the values; the same name by default"),
        Parameter("known", as_values, "the keys themselves, filled in when the table is read"),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "table": "airports.csv"},
        {"x": ["JFK", "LGA"]},
        {"x": ["XXX", "YYY"]},
        {"known": ("JFK", "LGA", "EWR")},
    )

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        if rule.options.get("known") is None:
            raise SchemaError(f"the table {rule.options['table']} was not read, so its keys are not known")
        level = as_level(rule.column, dtypes[rule.column])
        return Looked(level.is_not_null(), ~level.is_in(list(rule.options["known"])))
