"""Every value is of a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.rule import Extent, Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import one_of
from watchkeeper.quality.row_rule import RowRule

__all__ = ["TYPES", "HasType"]

TYPES = ("integer", "number", "text", "boolean", "date", "time", "duration")
"""What a column can be said to hold."""


class HasType(RowRule):
    """Every value is of the type: integer, number, text, boolean, date (without a time of day), time or duration.

    A column of another type breaks the rule in every row that has a value, with two exceptions: whole numbers are
    numbers, and numbers that are whole are integers, since a column of integers turns into floats when a null comes in.
    Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "has_type"
    grave: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("type", one_of(*TYPES), "what the column holds", required=True),
    )
    trial: ClassVar[RuleTrial] = RuleTrial({"column": "x", "type": "integer"}, {"x": [1, 2, 3]}, {"x": [1.5, 2.5, 3.5]})

    def settled(self, rule: Rule, extent: Extent) -> int | None:
        """Return the rows with a value, where all of them are of the type by that of the column."""
        return extent.rows - extent.nulls if _is(extent.dtype, str(rule.options["type"])) else None

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        column, dtype, wanted = column_named(rule.column), dtypes[rule.column], str(rule.options["type"])
        known = column.is_not_null()
        if wanted == "integer" and (dtype.is_float() or dtype.is_decimal()):
            number = column.cast(pl.Float64)
            known &= number.is_not_nan()
            return Looked(known, (number != number.floor()) | number.is_infinite())
        if wanted == "date" and isinstance(dtype, pl.Datetime):
            return Looked(known, column != column.dt.truncate("1d"))
        return Looked(known, pl.repeat(not _is(dtype, wanted), pl.len()))


def _is(dtype: pl.DataType, wanted: str) -> bool:
    if dtype == pl.Null:
        return True
    return {
        "integer": dtype.is_integer(),
        "number": dtype.is_numeric(),
        "text": dtype in (pl.String, pl.Categorical, pl.Enum),
        "boolean": dtype == pl.Boolean,
        "date": dtype == pl.Date,
        "time": dtype in (pl.Date, pl.Datetime, pl.Time),
        "duration": dtype == pl.Duration,
    }[wanted]
