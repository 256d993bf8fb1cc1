"""The exponentially weighted moving average chart of several series together."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.charts.chart import Options
from watchkeeper.charts.t_squared import TSquared

__all__ = ["Mewma"]


class Mewma(TSquared):
    """Signals when T² of a moving average of several metrics exceeds its limit: for small shifts that last.

    Q = (1 - r)·Q + r·z, T² = Q'S⁻¹Q·(2 - r)/r, where r is the option ``lambda``. z, S and what is judged are those of
    the chart ``t_squared``. The limit is solved from the budget by Rigdon's integral equation and widened for a short
    phase I.

    References
    ----------
    Lowry, Woodall, Champ and Rigdon (1992), A multivariate exponentially weighted moving average control chart,
    doi:10.1080/00401706.1992.10485232. Rigdon (1995), doi:10.1080/00949659508811686.
    """

    plugin: ClassVar[str] = "chart"
    name: ClassVar[str] = "mewma"
    patience: ClassVar[int] = 3
    defaults: ClassVar[Options] = {**TSquared.defaults, "lambda": 0.1}
