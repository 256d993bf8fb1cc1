"""Another truth in a part of the rows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.alert import Cause
from watchkeeper.core.columns import column_named, series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["ConceptShift"]

_LEAST, _MOST = 0.1, 0.6
"""Shares of the reference between which one segment lies."""


class ConceptShift:
    """In one segment labels have nothing to do with features: they are shuffled among its rows.

    The segment is one level of the feature, or its values below or above the median.
    """

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "concept_shift"
    sizes: ClassVar[tuple[float, ...]] = (1.0,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.CONCEPT_SHIFT,)
    causes: ClassVar[frozenset[Cause]] = frozenset({Cause.PERFORMANCE})

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Features, where there are labels."""
        if schema.of(Role.LABEL) is None:
            return ()
        return of_kinds(schema, Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN, roles=(Role.FEATURE,))

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what shuffles; None where no segment is large enough, nor small enough to be one of several."""
        label = site.schema.name_of(Role.LABEL)
        inside = _segment(site, rng)
        if label is None or inside is None:
            return None

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            places = np.flatnonzero(rows.select(inside.fill_null(value=False)).to_series().to_numpy())
            order = np.arange(rows.height)
            order[places] = rng.permutation(places)
            return rows.with_columns(series_named(rows, label).gather(order.tolist()).alias(label))

        return plant

    def says(self, size: float) -> str:
        """Name the fault."""
        return "other labels in one segment"


def _segment(site: Site, rng: np.random.Generator) -> pl.Expr | None:
    name, usual = site.column.name, site.usual
    if site.column.kind is Kind.NUMERIC and usual.dtype.is_numeric():
        middle = usual.median()
        return (
            None
            if middle is None
            else (column_named(name) < middle if rng.random() < 0.5 else column_named(name) >= middle)
        )
    counts = usual.alias("level").value_counts().sort("level")
    fitting = counts.filter((pl.col("count") / len(usual)).is_between(_LEAST, _MOST)) if len(usual) else counts
    return column_named(name) == fitting["level"][int(rng.integers(fitting.height))] if fitting.height else None
