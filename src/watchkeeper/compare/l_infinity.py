"""Largest change of the share of one level."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from watchkeeper.compare.cells import categorical, effective_size, lacking, level_cells
from watchkeeper.compare.divergence import mean_of_largest
from watchkeeper.core.evidence import Change, Evidence, Quantity, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.words.change import from_to

__all__ = ["LInfinity"]


class LInfinity:
    """L∞ = max over levels of |q - p|: the share of the level that changed most, in points.

    The interval follows from k binomial differences that hold together, at z = Φ⁻¹(1 - .025/k): from the largest lower
    to the largest upper limit. The floor, what sampling alone gives on average, is the mean of the largest of k
    independent normal changes, ∫ 1 - Π_j erf(t/(√2·s_j)) dt with their standard errors s_j (two levels are one change).

    References
    ----------
    Miller (1981), Simultaneous Statistical Inference, doi:10.1007/978-1-4613-8122-8.
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
        errors = np.sqrt(p * (1 - p) / table.n0 + q * (1 - q) / table.n)
        room = float(ndtri(1 - 0.025 / max(1, len(p) if len(p) > 2 else 1))) * np.maximum(errors, spread)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, table.n,
            error=float(errors[worst]), floor=mean_of_largest(spread),
            interval=(max(0.0, float((change - room).max())), min(1.0, float((change + room).max()))),
            evidence=Evidence(
                Change(Quantity.SHARE, float(p[worst]), float(q[worst]), levels=(table.names[worst],)),
                Size(table.n0, size),
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which level moved."""
        change = measurement.evidence.change
        return f"moved, {change.levels[0]!r} {from_to(change)}"
