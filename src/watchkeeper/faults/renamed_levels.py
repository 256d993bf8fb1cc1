"""Levels under other names."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["RenamedLevels"]

_CODES = 1_000


class RenamedLevels:
    """Levels have other names; the size is the share of levels, of which at least one is renamed."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "renamed_levels"
    sizes: ClassVar[tuple[float, ...]] = (0.3, 1.0)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Levels."""
        return of_kinds(schema, Kind.CATEGORICAL)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what renames; None where the reference holds no level."""
        levels = site.usual.unique().sort()
        if not len(levels):
            return None
        drawn = rng.permutation(len(levels))[: max(1, round(size * len(levels)))]
        chosen = levels.gather(sorted(int(place) for place in drawn))
        name = site.column.name
        # Levels that the reference lacks are renamed with all the others.
        among = column_named(name).is_in(chosen.implode()) if size < 1 else pl.lit(True)
        return lambda rows: rows.with_columns(
            pl.when(among).then(_renamed(name, rows.schema[name])).otherwise(_kept(name, rows.schema[name]))
        )

    def says(self, size: float) -> str:
        """Return the share."""
        return "all levels renamed" if size >= 1 else f"{size * 100:.0f} % of levels renamed"


def _renamed(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column with other names: other codes of numbers, other words of words."""
    if dtype.is_numeric():
        return column_named(name) + _CODES
    return pl.format("{} (new)", column_named(name).cast(pl.String)).alias(name)


def _kept(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as it is, in the type in which it is renamed."""
    return column_named(name) if dtype.is_numeric() else column_named(name).cast(pl.String)
