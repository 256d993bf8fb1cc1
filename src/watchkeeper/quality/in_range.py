"""Every value lies between two limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.rule import Extent, Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_bound, as_truth, wrong_order
from watchkeeper.quality.row_rule import RowRule
from watchkeeper.schema.kinds import type_name

__all__ = ["InRange"]


class InRange(RowRule):
    """Every number or time lies between ``lower`` and ``upper``, both included unless ``strictly`` is true.

    Nulls and NaN are what ``not_null`` speaks of. Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "in_range"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lower", as_bound, "the least value"),
        Parameter("upper", as_bound, "the largest value"),
        Parameter("strictly", as_truth, "whether the limits themselves are outside", default=False),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "lower": 0, "upper": 10}, {"x": [0.0, 5.0, 10.0]}, {"x": [-1.0, 11.0, 12.0]}
    )

    def check(self, rule: Rule) -> str:
        """Say when there is no limit, or none between."""
        lower, upper = rule.options.get("lower"), rule.options.get("upper")
        if lower is None and upper is None:
            return "give lower, upper or both"
        return wrong_order(lower, upper)

    def settled(self, rule: Rule, extent: Extent) -> int | None:
        """Return the rows with a number, where the smallest and the largest keep the rule."""
        lower, upper = rule.options.get("lower"), rule.options.get("upper")
        if extent.extremes is None or isinstance(lower, datetime) or isinstance(upper, datetime):
            return None
        smallest, largest = extent.extremes
        inside = (lower is None or smallest >= lower) and (upper is None or largest <= upper)
        touched = rule.options.get("strictly") and (smallest == lower or largest == upper)
        return extent.rows - extent.nulls - extent.nans if inside and not touched else None

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row with a value."""
        name, dtype = rule.column, dtypes[rule.column]
        column, strictly = column_named(name), bool(rule.options.get("strictly"))
        lower, upper = (_limit(rule.options.get(side), name, dtype) for side in ("lower", "upper"))
        broken = pl.repeat(False, pl.len())
        if lower is not None:
            broken |= (column <= lower) if strictly else (column < lower)
        if upper is not None:
            broken |= (column >= upper) if strictly else (column > upper)
        known = column.is_not_null() & column.is_not_nan() if dtype.is_float() else column.is_not_null()
        return Looked(known, broken)


def _limit(limit: Any, name: str, dtype: pl.DataType) -> pl.Expr | None:
    """Return a limit in the type of the column."""
    if limit is None:
        return None
    if isinstance(limit, datetime):
        if isinstance(dtype, pl.Datetime):
            naive = limit.astimezone(UTC).replace(tzinfo=None)
            moment = pl.lit(naive, dtype=pl.Datetime("us"))
            return (
                moment.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone) if dtype.time_zone else moment
            )
        if dtype == pl.Date:
            return pl.lit(limit.replace(tzinfo=None), dtype=pl.Datetime("us"))
    elif dtype.is_numeric() or dtype == pl.Boolean:
        return pl.lit(limit)
    elif isinstance(dtype, pl.Duration):
        return pl.duration(microseconds=round(float(limit) * 1e6))
    elif dtype == pl.Null:
        return pl.lit(None)
    what = "times" if isinstance(limit, datetime) else "numbers"
    raise SchemaError(f"column {name!r} holds {type_name(dtype)}, where {what} were expected")
