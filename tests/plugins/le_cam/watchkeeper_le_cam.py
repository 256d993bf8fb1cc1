"""Le Cam's distance."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.compare.cells import Cells
from watchkeeper.compare.divergence import comparable, from_cells
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Column
from watchkeeper.core.state import State


def _le_cam(table: Cells) -> tuple[float, float, float]:
    p, q = table.shares(0.0)
    either = p + q > 0
    value = 0.5 * float(((p - q)[either] ** 2 / (p + q)[either]).sum())
    return value, 0.0, (len(p) - 1) / 4 * (1 / table.n0 + 1 / table.n)


class LeCam:
    """½ Σ (p - q)² / (p + q) over ten reference quantiles or the levels.

    References
    ----------
    Le Cam (1986), Asymptotic Methods in Statistical Decision Theory, section 4.2.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "le_cam"
    identical: ClassVar[float] = 0.0

    def applies(self, column: Column) -> bool:
        """Numeric, time, categorical and boolean columns."""
        return comparable(column)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the distance with its floor."""
        return from_cells(self.name, reference, current, _le_cam)
