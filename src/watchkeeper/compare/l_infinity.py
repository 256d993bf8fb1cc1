"""Largest change of the share of one level."""

from __future__ import annotations

from math import log, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import categorical, effective_size, lacking, level_cells
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["LInfinity"]


class LInfinity:
    """L∞ = max over levels of |q - p|: the share of the level that changed most, in points.

    The interval is that of the level itself, for a binomial difference. The floor √(2·ln(2k))·max sd bounds what
    sampling alone gives on average as the largest of k levels.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "l_infinity"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the largest change, and which level it was."""
        table = level_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        p, q = table.shares()
        change = np.abs(q - p)
        worst = int(change.argmax())
        pooled = (table.reference + table.current) / (table.n0 + table.n)
        size = effective_size(table.n0, table.n)
        spread = np.sqrt(pooled * (1 - pooled) / size)
        value = float(change[worst])
        error = sqrt(p[worst] * (1 - p[worst]) / table.n0 + q[worst] * (1 - q[worst]) / table.n)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, table.n,
            error=error, floor=sqrt(2 * log(2 * len(p))) * float(spread.max()),
            interval=(max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)),
            facts={
                "n_reference": table.n0,
                "n_effective": size,
                "level": table.names[worst],
                "from": float(p[worst]),
                "to": float(q[worst]),
            },
        )  # fmt: skip
