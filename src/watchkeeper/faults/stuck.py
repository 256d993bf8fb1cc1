"""A value that does not change any more."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put

__all__ = ["Stuck"]


class Stuck:
    """Every row has the last value from before."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "stuck"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers, levels and truth values."""
        return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what repeats the value; None where the window before has none."""
        name, before = site.column.name, series_named(site.before, site.column.name).drop_nulls()
        if not len(before):
            return None
        last = before[-1]
        return lambda rows: put(rows, name, pl.Series(name, [last] * rows.height, rows.schema[name], strict=False))

    def says(self, size: float) -> str:
        """Name the fault."""
        return "stuck at one value"
