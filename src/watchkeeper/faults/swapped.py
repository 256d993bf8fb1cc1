"""Two columns in each other's place."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["Swapped"]


class Swapped:
    """A feature and another one of its kind, drawn once, hold each other's values."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "swapped"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numeric and categorical features that are not the only one."""
        return tuple(c for c in _candidates(schema) if len(_partners(schema, c)) > 0)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what swaps."""
        name = site.column.name
        others = [c.name for c in _partners(site.schema, site.column) if c.name in site.before.columns]
        if not others:
            return None
        other = str(rng.choice(others))

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.with_columns(series_named(rows, other).alias(name), series_named(rows, name).alias(other))

        return plant

    def says(self, size: float) -> str:
        """Name the fault."""
        return "swapped with another column"


def _candidates(schema: Schema) -> tuple[Column, ...]:
    return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, roles=(Role.FEATURE,))


def _partners(schema: Schema, column: Column) -> list[Column]:
    return [c for c in _candidates(schema) if c.kind is column.kind and c.name != column.name]
