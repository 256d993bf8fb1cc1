"""Population stability index."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from watchkeeper.compare.cells import Cells, level_cells, numeric, quantile_cells
from watchkeeper.compare.divergence import comparable, delta_error, from_cells
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State

__all__ = ["Psi"]

_FLOOR = 1e-4


def _psi(table: Cells) -> tuple[float, float, float]:
    p, q = table.shares(_FLOOR)
    ratio = np.log(q / p)
    value = float(((q - p) * ratio).sum())
    error = delta_error(p, q, -ratio + 1 - q / p, ratio + 1 - p / q, table.n0, table.n)
    return value, error, (len(p) - 1) * (1 / table.n0 + 1 / table.n)


class Psi:
    """PSI = Σ (q - p)·ln(q / p) over the cells between the reference's deciles, or over the levels.

    A value that is several deciles ends one cell. It is the definition that most people know the limits .1 and .2 by;
    a value that holds much of the rows is seen better by the comparisons that give it a cell of its own.
    Shares are raised to at least 1e-4 and both sides renormalised. Sampling alone gives (k - 1)·(1/n0 + 1/n) on
    average, which is reported as the floor: the index inflates as n falls, so a fixed limit such as .2 means different
    things at different sizes.

    References
    ----------
    Yurdakul (2018), Statistical properties of the population stability index, https://scholarworks.wmich.edu/dissertations/3208.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "psi"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the index with its delta-method error and its floor."""
        return from_cells(self.name, reference, current, _psi, _deciles)


def _deciles(reference: State, current: State) -> Cells:
    spec = current.spec or reference.spec
    return quantile_cells(reference, current) if spec and numeric(spec) else level_cells(reference, current)
