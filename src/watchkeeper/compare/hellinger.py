"""Hellinger distance."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import Cells
from watchkeeper.compare.divergence import chi_mean, comparable, delta_error, from_cells
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["Hellinger"]


def _distance(table: Cells) -> tuple[float, float, float]:
    p, q = table.shares()
    value = sqrt(float(((np.sqrt(q) - np.sqrt(p)) ** 2).sum()) / 2)
    floor = chi_mean(len(p) - 1) * sqrt((1 / table.n0 + 1 / table.n) / 8)
    if value == 0.0:
        return 0.0, 0.0, floor
    # A cell that one side leaves empty has no derivative there; it has no sampling error either.
    both = (p > 0) & (q > 0)
    ratio = np.sqrt(np.divide(q, p, out=np.ones_like(q), where=both))
    by_p, by_q = np.where(both, (1 - ratio) / 2, 0.5 * (p > 0)), np.where(both, (1 - 1 / ratio) / 2, 0.5 * (q > 0))
    return value, delta_error(p, q, by_p, by_q, table.n0, table.n) / (2 * value), floor


class Hellinger:
    """H = √(½ Σ (√q - √p)²): from 0 for equal to 1 for disjoint distributions.

    Over ten reference quantiles or the levels, as the population stability index, but without a smallest share: a cell
    that one side leaves empty needs none. Sampling alone gives about c·√((1/n0 + 1/n)/8) on average, with c the mean of
    the chi distribution with k - 1 degrees of freedom, which is reported as the floor: the distance inflates as n
    falls. The error is that of the delta method.

    References
    ----------
    Hellinger (1909), doi:10.1515/crll.1909.136.210. Its sampling distribution: Beran (1977), Minimum Hellinger distance
    estimates for parametric models, doi:10.1214/aos/1176343842.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "hellinger"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its delta-method error and its floor."""
        return from_cells(self.name, reference, current, _distance)
