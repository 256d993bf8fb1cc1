"""Answers that take longer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds, put, some

__all__ = ["SlowAnswers"]

_TIMES = 5.0


class SlowAnswers:
    """A share of the answers takes five times as long; the size is that share."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "slow_answers"
    sizes: ClassVar[tuple[float, ...]] = (0.1, 1.0)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.RUNTIME,)
    causes: ClassVar[frozenset[Cause]] = frozenset({Cause.RUNTIME})

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Return the latency."""
        return of_kinds(schema, Kind.NUMERIC, roles=(Role.LATENCY,))

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what slows answers down."""
        name = site.column.name

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            slow = series_named(rows, name).cast(pl.Float64)
            return put(rows.with_columns(slow.alias(name)), name, slow * _TIMES, some(rows, size, rng))

        return plant

    def says(self, size: float) -> str:
        """Return the share."""
        return f"{size * 100:.0f} % of answers five times as slow"
