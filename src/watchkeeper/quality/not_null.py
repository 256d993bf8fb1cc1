"""Every row has a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.rule import Extent, Looked, Rule, RuleTrial
from watchkeeper.quality.row_rule import RowRule

__all__ = ["NotNull"]


class NotNull(RowRule):
    """Every row has a value: it is neither null nor, among floats, NaN. Exact."""

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "not_null"
    grave: ClassVar[bool] = True
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x"}, {"x": [1.0, 2.0]}, {"x": [None, None]})

    def settled(self, rule: Rule, extent: Extent) -> int | None:
        """Return all rows, where none is null or NaN."""
        return None if extent.nulls or extent.nans else extent.rows

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row."""
        column = column_named(rule.column)
        lost = column.is_null()
        if dtypes[rule.column].is_float():
            lost |= column.is_nan()
        return Looked(pl.repeat(True, pl.len()), lost)
