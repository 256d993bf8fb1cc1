"""Two columns stand in a relation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.rule import Looked, Parameter, Rule, RuleTrial
from watchkeeper.quality.parameters import as_column, as_number, as_truth, one_of
from watchkeeper.quality.row_rule import RowRule, as_level
from watchkeeper.schema.kinds import type_name

__all__ = ["Compares"]

_BROKEN: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "equal": lambda a, b, room: ((a - b).abs() > room) if room else a != b,
    "unequal": lambda a, b, room: ((a - b).abs() <= room) if room else a == b,
    "less": lambda a, b, room: a >= b + room if room else a >= b,
    "at_most": lambda a, b, room: a > b + room if room else a > b,
    "greater": lambda a, b, room: a <= b - room if room else a <= b,
    "at_least": lambda a, b, room: a < b - room if room else a < b,
}

_EQUALITY = ("equal", "unequal")


class Compares(RowRule):
    """A column is equal, unequal, less, at_most, greater or at_least when held against another of the same row.

    ``room`` is how far two numbers may be off and still pass: |a - b| ≤ room for ``equal``, a ≤ b + room for
    ``at_most``. A null or NaN is equal to no value: ``equal`` and ``unequal`` leave out rows in which both are missing,
    the other relations, or these with ``skip_nulls``, rows in which one is. Exact.
    """

    plugin: ClassVar[str] = "rule"
    name: ClassVar[str] = "compares"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("relation", one_of(*_BROKEN), "what the column is, held against the other", required=True),
        Parameter("other", as_column, "the other column", required=True),
        Parameter("room", as_number, "by how much numbers may be off", default=0),
        Parameter("skip_nulls", as_truth, "whether a null against a value is not asked", default=False),
    )
    trial: ClassVar[RuleTrial] = RuleTrial(
        {"column": "x", "relation": "at_most", "other": "y"},
        {"x": [1, 2, 3], "y": [1, 5, 4]},
        {"x": [2, 6, 5], "y": [1, 5, 4]},
    )

    def check(self, rule: Rule) -> str:
        """Say when a column is held against itself."""
        if rule.options.get("room", 0) < 0:
            return "room must not be negative"
        return "other is the column itself" if rule.options["other"] == rule.column else ""

    def reads(self, rule: Rule) -> tuple[str, ...]:
        """Return both columns."""
        return (rule.column, rule.options["other"])

    def expression(self, rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
        """Look at every row in which both have a value."""
        names = self.reads(rule)
        kinds = [dtypes[name] for name in names]
        numbers = [dtype.is_numeric() or dtype == pl.Null for dtype in kinds]
        a, b = (column_named(name) for name in names)
        if all(numbers) or all(dtype in (pl.Date, pl.Datetime) for dtype in kinds):
            filled = [
                column.is_not_null() & column.is_not_nan() if dtype.is_float() else column.is_not_null()
                for column, dtype in zip((a, b), kinds, strict=True)
            ]
            if not all(numbers):
                a, b = (_moment(name, dtype) for name, dtype in zip(names, kinds, strict=True))
        elif any(numbers) or any(dtype.is_temporal() for dtype in kinds):
            told = " and ".join(f"{n!r} holds {type_name(d)}" for n, d in zip(names, kinds, strict=True))
            raise SchemaError(f"these do not compare: column {told}")
        else:
            a, b = (as_level(name, dtype) for name, dtype in zip(names, kinds, strict=True))
            filled = [a.is_not_null(), b.is_not_null()]
        room = rule.options.get("room", 0) if all(numbers) else 0
        relation, (left, right) = rule.options["relation"], filled
        broken = _BROKEN[relation](a, b, room)
        if relation not in _EQUALITY or rule.options.get("skip_nulls"):
            return Looked(left & right, broken)
        return Looked(left | right, pl.when(left & right).then(broken).otherwise(relation == "equal"))


def _moment(name: str, dtype: pl.DataType) -> pl.Expr:
    column = column_named(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))
