"""Values that stand for missing and look like numbers or levels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, some

__all__ = ["Sentinel"]

_NUMBER = -999


class Sentinel:
    """A share of the values is −999; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "sentinel"
    sizes: ClassVar[tuple[float, ...]] = (0.1, 1.0)
    quick: ClassVar[tuple[float, ...]] = (0.1,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers."""
        return of_kinds(schema, Kind.NUMERIC)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what writes −999; None where that is an ordinary value."""
        name, usual = site.column.name, site.usual
        if not usual.dtype.is_numeric() or (usual == _NUMBER).any():
            return None

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            dtype = rows.schema[name]
            written = pl.repeat(_NUMBER, rows.height, dtype=dtype if dtype.is_float() else pl.Int64, eager=True)
            column = rows.with_columns(column_named(name).cast(written.dtype)) if dtype != written.dtype else rows
            return put(column, name, written, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"−999 in {size * 100:.0f} % of rows"
