"""Labels that say the opposite."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Role, Schema, Task
from watchkeeper.faults.fault import Plant, Site, put, some, written_as

__all__ = ["LabelFlip"]


class LabelFlip:
    """A share of the labels says the opposite; the size is that share.

    Of two classes it is the other one, of several each is called by the name of the next, and a number is mirrored at
    the median of the reference's.
    """

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "label_flip"
    sizes: ClassVar[tuple[float, ...]] = (0.3, 1.0)
    quick: ClassVar[tuple[float, ...]] = (1.0,)
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.LABEL_FAULT,)
    causes: ClassVar[frozenset[Cause]] = frozenset({Cause.PERFORMANCE, Cause.LABEL_FAULT})

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the label of classes or numbers."""
        turns = schema.task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
        return tuple(c for c in schema if c.role is Role.LABEL) if turns else ()

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what turns labels over; None where the reference has only one."""
        name, values = site.column.name, site.usual.unique().sort()
        if len(values) < 2:
            return None
        turn = _mirror(site.usual) if site.schema.task is Task.REGRESSION else _next(values)

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            return put(rows, name, turn(series_named(rows, name)), some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:.0f} % of labels flipped"


def _next(values: pl.Series) -> Callable[[pl.Series], pl.Series]:
    """Return what calls each class by the name of the next."""
    names = values.to_list()
    return lambda labels: labels.replace(names, [*names[1:], names[0]])


def _mirror(usual: pl.Series) -> Callable[[pl.Series], pl.Series]:
    """Return what mirrors numbers at their usual median."""
    middle = usual.cast(pl.Float64).median()
    centre = middle if isinstance(middle, float) else 0.0
    return lambda labels: written_as(2 * centre - labels.cast(pl.Float64), labels.dtype)
