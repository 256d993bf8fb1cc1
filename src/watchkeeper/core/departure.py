"""How far one statistic of a window lies from what its season expects, and how far the reference's own windows did."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.core.evidence import Change

__all__ = ["Departure"]

Numbers = tuple[float, ...]

_NO_CHANGE = Change()


@dataclass(frozen=True, slots=True)
class Departure:
    """One statistic of a window against its season, with all that a chart needs to judge it; never stored.

    Attributes
    ----------
    statistic
        Its name: ``mean``, ``spread``, ``below:0.1``, ``quantile:0.9``, ``level:web``, ``mean, others known``.
    residual
        Observed less expected, in the unit of the statistic; NaN where the window has too few rows.
    inflation
        How many times wider than usual it scatters because the window has fewer rows than usual; at least 1.
    tolerance
        The residual below which a change does not matter.
    rho, gain
        How much of a residual is carried into the next window, and how fast the level follows it.
    level, previous
        Where level and residual stood at the end of the reference.
    scales, largest
        Of each of the five views, the standard deviation over the reference's own windows and the largest value there.
    windows
        Windows of the reference.
    allowed
        How far a slow movement may have led by now, downwards and upwards.
    seasonal
        Whether the reference is long enough to say where the season should be; else only breaks are judged.
    alone
        Whether it is judged by the single window alone.
    change
        Expected and observed, in the unit of the column.
    """

    statistic: str
    residual: float
    inflation: float
    tolerance: float
    rho: float
    gain: float
    level: float
    previous: float
    scales: Numbers
    largest: Numbers
    windows: int
    allowed: tuple[float, float] = (0.0, 0.0)
    seasonal: bool = False
    alone: bool = False
    change: Change = _NO_CHANGE
