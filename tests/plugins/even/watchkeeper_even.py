"""Numbers that are even."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.rule import Looked, Rule, RuleTrial, column_named
from watchkeeper.quality.row_rule import RowRule


class Even(RowRule):
    """Every number is even. Nulls pass. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "even"
    grave: ClassVar[bool] = True
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "seats"}, {"seats": [2, 4]}, {"seats": [1, 3]})

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        if not dtypes[rule.column].is_numeric():
            raise SchemaError(f"column {rule.column!r} holds no numbers, and only those are even")
        column = column_named(rule.column)
        return Looked(column.is_not_null(), column % 2 != 0)
