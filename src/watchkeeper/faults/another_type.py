"""Values of another type."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["AnotherType"]

_CODES = 1_000_003


class AnotherType:
    """Numbers arrive as words, and words as numbers that say nothing."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "another_type"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers, levels and truth values."""
        return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what writes the values in the other type."""
        name = site.column.name

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            if rows.schema[name] == pl.String:
                codes = (column_named(name).hash(1) % _CODES).cast(pl.Float64) / 7
                return rows.with_columns(pl.when(column_named(name).is_not_null()).then(codes).alias(name))
            return rows.with_columns(pl.format("value {}", column_named(name).cast(pl.String)).alias(name))

        return plant

    def says(self, size: float) -> str:
        """Name the fault."""
        return "another type"
