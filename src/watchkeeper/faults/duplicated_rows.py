"""Rows that come twice."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Role, Schema
from watchkeeper.faults.fault import Plant, Site, some

__all__ = ["DuplicatedRows"]


class DuplicatedRows:
    """A share of the rows comes twice, its id with it; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "duplicated_rows"
    sizes: ClassVar[tuple[float, ...]] = (0.5,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.DATA_FAULT,)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the id, by which a row is known to come twice."""
        return tuple(c for c in schema if c.role is Role.ID)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what adds the rows."""
        return lambda rows: pl.concat([rows, rows.filter(some(rows, size, rng))])

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:.0f} % of rows twice"
