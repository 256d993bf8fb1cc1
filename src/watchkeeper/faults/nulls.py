"""Values that are missing."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, some

__all__ = ["Nulls"]


class Nulls:
    """A share of the values is null; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "nulls"
    sizes: ClassVar[tuple[float, ...]] = (0.02, 0.1, 1.0)
    quick: ClassVar[tuple[float, ...]] = (0.1, 1.0)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """All that are watched."""
        return tuple(c for c in of_kinds(schema) if c.kind is not Kind.UNUSABLE)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what takes values away."""
        name = site.column.name

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            nothing = pl.Series(name, [None] * rows.height, rows.schema[name])
            return put(rows, name, nothing, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:g} % nulls"
