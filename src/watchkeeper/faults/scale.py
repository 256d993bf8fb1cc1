"""Values that spread more."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, spread, written_as

__all__ = ["Scale"]


class Scale:
    """All values lie farther from the middle of the reference; the size is how many times as far."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "scale"
    sizes: ClassVar[tuple[float, ...]] = (1.5, 3.0)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.COVARIATE_SHIFT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers."""
        return of_kinds(schema, Kind.NUMERIC)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what spreads; None where the reference does not vary."""
        name, usual = site.column.name, site.usual
        if not usual.dtype.is_numeric() or not spread(usual):
            return None
        middle = float(usual.cast(pl.Float64).median() or 0.0)  # type: ignore[arg-type]

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            values = (series_named(rows, name).cast(pl.Float64) - middle) * size + middle
            return put(rows, name, written_as(values, rows.schema[name], rng))

        return plant

    def says(self, size: float) -> str:
        """Return the factor."""
        return f"spread × {size:g}"
