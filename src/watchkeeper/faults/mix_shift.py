"""More rows of one level."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import HypothesisKind
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.faults.fault import Plant, Site, of_kinds

__all__ = ["MixShift"]


class MixShift:
    """As many rows as before, more of them of one level, drawn once; the size is by how much its share is larger."""

    plugin: ClassVar[str] = "fault"
    name: ClassVar[str] = "mix_shift"
    sizes: ClassVar[tuple[float, ...]] = (0.2,)
    quick: ClassVar[tuple[float, ...]] = ()
    kinds: ClassVar[tuple[HypothesisKind, ...]] = (HypothesisKind.TRAFFIC_MIX, HypothesisKind.COVARIATE_SHIFT)

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Levels of features."""
        return of_kinds(schema, Kind.CATEGORICAL, Kind.BOOLEAN, roles=(Role.FEATURE,))

    def plant(self, site: Site, size: float, rng: np.random.Generator) -> Plant | None:
        """Return what draws rows anew; None where no level has room for so many more rows."""
        name, usual = site.column.name, site.usual
        counts = usual.alias("level").value_counts().sort("level")
        roomy = counts.filter((pl.col("count") <= (1 - size) * len(usual)) & (pl.col("count") * 20 >= len(usual)))
        if not roomy.height:
            return None
        level = roomy["level"][int(rng.integers(roomy.height))]

        def plant(rows: pl.DataFrame) -> pl.DataFrame:
            mine = (series_named(rows, name) == level).fill_null(value=False).to_numpy()
            inside, outside = np.flatnonzero(mine), np.flatnonzero(~mine)
            more = min(len(outside), round(size * rows.height))
            if not len(inside) or not more:
                return rows
            kept = rng.permutation(outside)[more:]
            places = np.sort(np.concatenate([inside, kept, rng.choice(inside, more)]))
            return rows.select(pl.all().gather(places.tolist()))

        return plant

    def says(self, size: float) -> str:
        """Return by how much the share is larger."""
        return f"{size * 100:.0f} points more of one level"
