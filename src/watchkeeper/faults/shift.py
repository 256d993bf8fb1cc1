"""Values that are larger by a part of their spread."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, spread, written_as

__all__ = ["Shift"]


class Shift:
    """All values are larger; the size is by how many standard deviations of the reference."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "shift"
    sizes: ClassVar[tuple[float, ...]] = (0.2, 0.5, 1.0)
    quick: ClassVar[tuple[float, ...]] = (0.5, 1.0)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.COVARIATE_SHIFT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers."""
        return of_kinds(schema, Kind.NUMERIC)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what adds; None where the reference does not vary."""
        name, usual = site.column.name, site.usual
        by = size * spread(usual) if usual.dtype.is_numeric() else 0.0
        if not by:
            return None
        return lambda rows: put(
            rows, name, written_as(series_named(rows, name).cast(pl.Float64) + by, rows.schema[name], rng)
        )

    def says(self, size: float) -> str:
        """Return the size."""
        return f"shift {size:g} σ"
