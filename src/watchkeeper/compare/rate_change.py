"""Change of the share of a rare level, as a ratio."""

from __future__ import annotations

from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from watchkeeper.compare.cells import categorical, lacking, level_cells, sizes
from watchkeeper.core.evidence import Change, Evidence, Quantity
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State
from watchkeeper.words.change import from_to

__all__ = ["RateChange"]

_RARE = 0.1
"""Share of the reference up to which a level is rare: of a common one a few points matter, and no ratio."""


class RateChange:
    """How many times as common or as rare a level became, less one, for the rare level with the strongest evidence.

    A rate of 2.5 % that falls to 1.4 % moves by one point, and by 79 %: the value is max(r, 1/r) - 1 with the ratio
    r = q/p of the shares (half a row is added on both sides where the level is gone). A level is rare up to a share of
    10 % in the reference; where no level is, the rarest is reported and its p-value is 1. Levels that the reference
    does not hold are left to ``unseen_levels``.

    Of the c0 + c rows with the level, c lie in the window. Given their sum, c is binomial with the chance n/(n0 + n)
    when the rate is the same and small; for a rate p that test is conservative, the variance being 1 - p of what it
    allows for. The p-value is twice the smaller tail, times the number of rare levels, which is ``among``. It is valid
    for independent rows; the chart ``significance`` divides by a design effect.

    References
    ----------
    Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson series,
    doi:10.1093/biomet/31.3-4.313.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "rate_change"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Categorical and boolean columns."""
        return categorical(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the change, which level it was, and how probable it is by chance."""
        table = level_cells(reference, current)
        missing = lacking(self.name, current, table.n0, table.n)
        if missing:
            return missing
        p, q = table.shares()
        rare = (p > 0) & (p <= _RARE)
        among = int(rare.sum())
        chances = np.where(rare, _by_chance(table.reference, table.current, table.n / (table.n0 + table.n)), 2.0)
        worst = int(chances.argmin()) if among else int(np.where(p > 0, p, 2.0).argmin())
        before, after = float(p[worst]), float(q[worst])
        half = 0.0 if after > 0 else 0.5
        ratio = ((after * table.n + half) / table.n) / ((before * table.n0 + half) / table.n0)
        spread = sqrt((1 - before) / (before * table.n0 + half) + max(0.0, 1 - after) / (after * table.n + half))
        value = max(ratio, 1 / ratio) - 1
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, table.n, error=(1 + value) * spread,
            evidence=Evidence(
                Change(Quantity.SHARE, before, after, levels=(table.names[worst],)),
                sizes(table.n0, table.n),
                p_value=min(1.0, among * float(chances[worst])) if among else 1.0,
                among=max(1, among),
            ),
        )  # fmt: skip

    def describe(self, measurement: Measurement) -> str:
        """Say which level became rarer or more common."""
        change = measurement.evidence.change
        way = "rarer" if (change.after or 0.0) < (change.before or 0.0) else "more common"
        return f"has {change.levels[0]!r} {way}, {from_to(change)}"


def _by_chance(before: NDArray[np.int64], now: NDArray[np.int64], part: float) -> NDArray[np.float64]:
    """Return twice the smaller tail of ``now`` among all rows with the level, of which ``part`` are expected."""
    # The tails of the binomial, P(c ≤ k) and P(c ≥ k), are incomplete beta functions; both are 1 at their ends.
    below = np.where(before > 0, betainc(np.maximum(before, 1), now + 1.0, 1 - part), 1.0)
    above = np.where(now > 0, betainc(np.maximum(now, 1), before + 1.0, part), 1.0)
    found: NDArray[np.float64] = np.minimum(1.0, 2 * np.minimum(below, above))
    return found
