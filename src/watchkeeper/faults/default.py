"""A default in the place of values."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, some

__all__ = ["Default"]


class Default:
    """A share of the values is the most ordinary one (the median, the commonest level); the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "default"
    sizes: ClassVar[tuple[float, ...]] = (0.2, 1.0)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers, levels and truth values."""
        return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what writes the default; None where the reference holds no value."""
        name, usual = site.column.name, site.usual
        if not len(usual):
            return None
        if site.column.kind is Kind.NUMERIC and usual.dtype.is_numeric():
            value = usual.quantile(0.5, "lower")
        else:
            value = usual.mode().sort()[0]

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            written = pl.Series(name, [value] * rows.height, rows.schema[name], strict=False)
            return put(rows, name, written, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"a default in {size * 100:.0f} % of rows"
