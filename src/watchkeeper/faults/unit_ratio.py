"""Another unit, by a factor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, spread, written_as

__all__ = ["UnitRatio"]


class UnitRatio:
    """All values are multiplied, as metres for kilometres, inches for centimetres; the size is the factor."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "unit_ratio"
    sizes: ClassVar[tuple[float, ...]] = (1000.0, 0.1, 2.54)
    quick: ClassVar[tuple[float, ...]] = (0.1,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers."""
        return of_kinds(schema, Kind.NUMERIC)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what multiplies; None where the column has no unit: it is constant, or no number."""
        name, usual = site.column.name, site.usual
        if not usual.dtype.is_numeric() or not spread(usual):
            return None

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            values = series_named(rows, name).cast(pl.Float64) * size
            dtype = rows.schema[name]
            # Tenths of whole numbers are no whole numbers.
            return put(rows, name, written_as(values, dtype) if size >= 1 and size % 1 == 0 else values)

        return plant

    def says(self, size: float) -> str:
        """Return the factor."""
        return f"unit × {size:g}"
