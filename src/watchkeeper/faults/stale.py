"""Values of the window before, served again."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put

__all__ = ["Stale"]


class Stale:
    """Rows have the values of the window before the fault, in their order and again and again, as from a cache."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "stale"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT, HypothesisKind.COVARIATE_SHIFT)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers, levels and truth values."""
        return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what serves the old values; None where the window before is empty."""
        name, before = site.column.name, series_named(site.before, site.column.name)
        if not len(before):
            return None

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            places = np.arange(rows.height) % len(before)
            return put(rows, name, before.gather(places.tolist()).cast(rows.schema[name], strict=False))

        return plant

    def says(self, size: float) -> str:
        """Name the fault."""
        return "values of the window before"
