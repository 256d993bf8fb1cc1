"""Another unit, by a factor and an offset."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, spread

__all__ = ["UnitAffine"]

_OFFSETS = {1.8: 32.0, 1.0: 273.15}
_NOTICEABLE = 0.5
"""Standard deviations by which the middle must move for the column to be one that such a unit is used in."""


class UnitAffine:
    """Degrees Fahrenheit (1.8 x + 32) or kelvin (x + 273.15) for degrees Celsius; the size is the factor."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "unit_affine"
    sizes: ClassVar[tuple[float, ...]] = tuple(_OFFSETS)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Numbers."""
        return of_kinds(schema, Kind.NUMERIC)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what changes the unit; None where it would hardly move the column, as one of millions."""
        name, usual = site.column.name, site.usual
        if not usual.dtype.is_numeric() or not spread(usual):
            return None
        middle = float(usual.cast(pl.Float64).median() or 0.0)  # type: ignore[arg-type]
        offset = _OFFSETS.get(size, 32.0)
        if abs((size - 1) * middle + offset) < _NOTICEABLE * spread(usual):
            return None
        return lambda rows: put(rows, name, series_named(rows, name).cast(pl.Float64) * size + offset)

    def says(self, size: float) -> str:
        """Name the unit."""
        return "°C → °F" if size != 1.0 else "°C → K"
