"""Total variation distance."""

from __future__ import annotations

from math import pi, sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import Cells
from watchkeeper.compare.divergence import comparable, delta_error, from_cells
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["TotalVariation"]


def _distance(table: Cells) -> tuple[float, float, float]:
    p, q = table.shares()
    pooled = (table.reference + table.current) / (table.n0 + table.n)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / table.n0 + 1 / table.n))
    half = np.sign(q - p) / 2
    error = delta_error(p, q, -half, half, table.n0, table.n)
    return float(np.abs(q - p).sum()) / 2, error, sqrt(2 / pi) * float(spread.sum()) / 2


class TotalVariation:
    """TV = ½ Σ |q - p|: the smallest share of rows that would have to be changed to make both sides equal.

    Over ten reference quantiles or the levels, so for a numeric column it is the distance between those ten shares, a
    lower bound of the distance between the distributions. Sampling alone gives ½ Σ √(2·π_j·(1 - π_j)·(1/n0 + 1/n)/π)
    on average with the pooled shares π_j, which is reported as the floor: the distance inflates as n falls and with the
    number of levels. The error is that of the delta method.

    References
    ----------
    Levin, Peres, Wilmer (2009), Markov Chains and Mixing Times, proposition 4.2,
    https://pages.uoregon.edu/dlevin/MARKOV/markovmixing.pdf.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "total_variation"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its delta-method error and its floor."""
        return from_cells(self.name, reference, current, _distance)
