"""A level that was never seen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, some

__all__ = ["NewLevel"]

_CODE = 987_654


class NewLevel:
    """A share of the rows has one level that was never seen; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "new_level"
    sizes: ClassVar[tuple[float, ...]] = (0.05, 0.2)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT, HypothesisKind.COVARIATE_SHIFT)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Levels."""
        return of_kinds(schema, Kind.CATEGORICAL)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what writes the level."""
        name = site.column.name

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            number = rows.schema[name].is_numeric()
            dtype = pl.Int64() if rows.schema[name].is_integer() else rows.schema[name] if number else pl.String()
            level = pl.Series(name, [_CODE if number else "never seen"] * rows.height, dtype, strict=False)
            return put(rows.with_columns(column_named(name).cast(dtype)), name, level, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"a new level in {size * 100:.0f} % of rows"
