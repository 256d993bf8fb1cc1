"""Rise of the level that grew most beyond what is tolerated of a level so rare."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from watchkeeper.compare.cells import categorical, lacking, level_cells, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import wilson_upper
from watchkeeper.words.change import from_to

__all__ = ["LevelRise"]

_TOLERANCE = 0.05
_THREE = 3.0
"""Rows below which a level of the reference is not told from one that is not there (rule of three)."""


class LevelRise:
    """Share of a level now minus its share in the reference, for the level with the strongest evidence of a rise.

    A change of five points means little for a level of 40 % and much for one of .5 %. The evidence of level k is
    n·KL(q_k ‖ u_k) where its share q_k exceeds the tolerated one, u_k = max(min(p_k + .05, 2·p_k), upper limit of p_k,
    3/n0), and 0 elsewhere; where no level exceeds it, the level that rose most is reported. Levels that the reference
    does not hold are left to ``unseen_levels``. The fact ``series`` is the number of levels, among which the chart has
    to allow for the choice. The error is binomial.

    References
    ----------
    Chernoff (1952), doi:10.1214/aoms/1177729330. Hanley and Lippman-Hand (1983), the rule of three,
    doi:10.1001/jama.1983.03330370053031.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "level_rise"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the rise, which level it was, and the share that is tolerated of it."""
        table = level_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        p, q = table.shares()
        upper = np.maximum(wilson_upper(p, table.n0), _THREE / table.n0)
        tolerated = np.maximum(np.minimum(p + _TOLERANCE, 2 * p), upper)
        held = p > 0
        evidence = np.where(held & (q > tolerated), table.n * _divergence(q, np.minimum(tolerated, 1.0)), 0.0)
        risen = np.where(held, q - p, -1.0)
        worst = int(np.lexsort((risen, evidence))[-1])
        error = sqrt(p[worst] * (1 - p[worst]) / table.n0 + q[worst] * (1 - q[worst]) / table.n)
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, float(q[worst] - p[worst]), table.n, error=error,
            evidence=Evidence(
                Change(
                    Quantity.SHARE, float(p[worst]), float(q[worst]), float(min(1.0, upper[worst])),
                    (table.names[worst],),
                ),
                sizes(table.n0, table.n),
                among=int(held.sum()),
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which level rose."""
        change = measurement.evidence.change
        return f"moved, {change.levels[0]!r} {from_to(change)}"


def _divergence(q: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rel_entr(q, u) + rel_entr(1 - q, 1 - u)
    return found
