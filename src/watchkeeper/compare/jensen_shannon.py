"""Jensen–Shannon distance."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import xlogy

from watchkeeper.compare.cells import Cells
from watchkeeper.compare.divergence import chi_mean, comparable, delta_error, from_cells
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["JensenShannon"]


def _distance(table: Cells) -> tuple[float, float, float]:
    p, q = table.shares()
    middle = (p + q) / 2
    divergence = float((xlogy(p, p / middle) + xlogy(q, q / middle)).sum()) / 2 / np.log(2)
    value = float(np.sqrt(max(divergence, 0.0)))
    floor = chi_mean(len(p) - 1) * float(np.sqrt((1 / table.n0 + 1 / table.n) / (8 * np.log(2))))
    if value == 0.0:
        return 0.0, 0.0, floor
    with np.errstate(divide="ignore"):
        by_p = np.where(p > 0, np.log2(p / middle), 0.0) / 2
        by_q = np.where(q > 0, np.log2(q / middle), 0.0) / 2
    error = delta_error(p, q, by_p, by_q, table.n0, table.n) / (2 * value)
    return value, error, floor


class JensenShannon:
    """JS = √(½·KL(p‖m) + ½·KL(q‖m)), m = (p + q)/2, in bits: from 0 for equal to 1 for disjoint distributions.

    Over the same cells as the population stability index. The floor is c·√((1/n0 + 1/n)/(8 ln 2)) with c the mean of
    the chi distribution with k - 1 degrees of freedom, from the second-order expansion of the divergence about p = q.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy, doi:10.1109/18.61115.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "jensen_shannon"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its delta-method error and its floor."""
        return from_cells(self.name, reference, current, _distance)
