"""Centre and between-window variance of a series from its first, in-control windows."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

__all__ = ["TRIM", "Baseline", "baseline", "kept", "variance_between", "widening"]

TRIM = 3.5
"""Robust standard deviations from the median beyond which a point is no part of phase I."""

Floats = NDArray[np.float64]

_NORMAL_MAD = 1.4826022185056018
"""1 / Φ⁻¹(3/4): makes the median absolute deviation of a normal sample estimate its standard deviation."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """In-control level of a series.

    Parameters
    ----------
    centre
        Weighted mean of the points that were kept.
    between
        τ², the variance between windows beyond sampling, in the squared unit of the series.
    used
        Points kept after trimming.
    """

    centre: float
    between: float
    used: int


def baseline(points: tuple[tuple[float, float], ...], trim: float = TRIM) -> Baseline:
    """Estimate the in-control level from (value, standard error) pairs, robustly.

    Points further than 3.5 robust standard deviations from the median are left out (further than Student's quantile of
    the same probability where there are few points). τ² is the moment estimate of
    DerSimonian and Laird, τ² = max(0, (Q - (k - 1)) / (Σw - Σw²/Σw)) with w = 1/s²; points without a sampling error
    give the plain variance.

    Parameters
    ----------
    trim
        Robust standard deviations beyond which a point is left out; 0 leaves none out.

    References
    ----------
    DerSimonian and Laird (1986), Meta-analysis in clinical trials, doi:10.1016/0197-2456(86)90046-2.
    Iglewicz and Hoaglin (1993), How to detect and handle outliers: the limit of 3.5.
    """
    values = np.array([p[0] for p in points], float)
    errors = np.array([p[1] for p in points], float)
    middle = float(np.median(values))
    keep = kept(values - middle, errors, trim)
    values, errors = values[keep], errors[keep]
    k = len(values)
    if k < 2:
        return Baseline(middle, 0.0, k)
    if not (errors > 0).all():
        return Baseline(float(values.mean()), float(values.var(ddof=1)), k)
    w = 1 / errors**2
    fixed = float((w * values).sum() / w.sum())
    between = variance_between(values - fixed, errors, float(w.sum() - (w**2).sum() / w.sum()), k - 1)
    w = 1 / (errors**2 + between)
    return Baseline(float((w * values).sum() / w.sum()), between, k)


def kept(residuals: Floats, errors: Floats, trim: float = TRIM, medians: int = 1) -> NDArray[np.bool_]:
    """Return which points of phase I are kept, from their distances to the median; all of them at a trim of 0.

    Parameters
    ----------
    medians
        Number of medians that were taken, which the residuals are closer to than to the truth: as in robust regression
        with that many coefficients, the smallest residuals do not count for the spread.

    References
    ----------
    Hill and Holland (1977), Two robust alternatives to least-squares regression, doi:10.1080/01621459.1977.10479946.
    """
    if not trim:
        return np.ones(len(residuals), bool)
    distance = np.abs(residuals)
    spread = _NORMAL_MAD * float(np.median(np.sort(distance)[medians - 1 :]))
    if not spread and not errors.any():
        return np.asarray(distance == 0)
    # The median absolute deviation of a few points is itself uncertain; Student's quantile allows for that.
    limit = max(trim, float(-stdtrit(max(len(distance) - medians, 1), float(ndtr(-trim)))))
    return np.asarray(distance <= limit * np.sqrt(spread**2 + errors**2))


def variance_between(residuals: Floats, errors: Floats, weight: float, degrees: float) -> float:
    """Return τ² = max(0, (Σw·r² - degrees) / weight), the moment estimate, from residuals about weighted means."""
    q = float((residuals**2 / errors**2).sum())
    return max(0.0, (q - degrees) / weight) if weight > 0 else 0.0


def widening(k: float, used: int) -> float:
    """Return the factor that replaces k when the centre and spread come from ``used`` windows only.

    t_{m-1, 1-α/2}·√(1 + 1/m) with α = 2·Φ(-k): the prediction limits of one further point.
    """
    if used < 2:
        return k
    return float(-stdtrit(used - 1, float(ndtr(-k)))) * sqrt(1 + 1 / used)
