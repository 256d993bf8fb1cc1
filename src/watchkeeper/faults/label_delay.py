"""Labels that do not come in."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Role, Schema
from watchkeeper.faults.fault import Plant, Site, put, some

__all__ = ["LabelDelay"]


class LabelDelay:
    """A share of the labels is not in yet; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "label_delay"
    sizes: ClassVar[tuple[float, ...]] = (0.7, 1.0)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.LABEL_FAULT,)
    causes: ClassVar[frozenset[Cause]] = frozenset({Cause.LABEL_FAULT})

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the label."""
        return tuple(c for c in schema if c.role is Role.LABEL)

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what takes labels away."""
        name = site.column.name

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            nothing = pl.Series(name, [None] * rows.height, rows.schema[name])
            return put(rows, name, nothing, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:.0f} % of labels late"
