"""Labels that say the opposite."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Role, Schema, Task
from watchkeeper.faults.fault import Plant, Site, some

__all__ = ["LabelFlip"]


class LabelFlip:
    """A share of the labels is the other class; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "label_flip"
    sizes: ClassVar[tuple[float, ...]] = (0.3, 1.0)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.LABEL_FAULT,)
    causes: ClassVar[frozenset[Cause]] = frozenset({Cause.PERFORMANCE, Cause.LABEL_FAULT})

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the label of two classes."""
        return tuple(c for c in schema if c.role is Role.LABEL) if schema.task is Task.BINARY else ()

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what turns labels over; None where the reference does not have both classes."""
        name, values = site.column.name, site.usual.unique().sort()
        if len(values) != 2:
            return None
        one, other = values[0], values[1]

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            turned = series_named(rows, name).replace([one, other], [other, one])
            return rows.with_columns(turned.zip_with(some(rows, size, rng), series_named(rows, name)).alias(name))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:.0f} % of labels flipped"
