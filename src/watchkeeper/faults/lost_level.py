"""A level that does not come any more."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["LostLevel"]


class LostLevel:
    """Rows of the second most common level come as the most common one."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "lost_level"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (
        HypothesisKind.DATA_FAULT, HypothesisKind.COVARIATE_SHIFT, HypothesisKind.TRAFFIC_MIX,
    )  # fmt: skip

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Levels and truth values."""
        return of_kinds(schema, Kind.CATEGORICAL, Kind.BOOLEAN)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what replaces the level; None where there is but one."""
        name, usual = site.column.name, site.usual
        counts = usual.alias("level").value_counts().sort(["count", "level"], descending=[True, False])
        if counts.height < 2:
            return None
        first, second = counts["level"][0], counts["level"][1]
        return lambda rows: rows.with_columns(
            pl.when(column_named(name) == second)
            .then(pl.lit(first, rows.schema[name]))
            .otherwise(column_named(name))
            .alias(name)
        )

    def says(self, size: float) -> str:
        """Name the fault."""
        return "a common level is lost"
