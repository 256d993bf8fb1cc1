"""How much the predictions move between windows beyond what sampling explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri

from watchkeeper.core.errors import UsageError
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.state import StateKey
from watchkeeper.core.window import Window
from watchkeeper.stats.intervals import Z

__all__ = ["NAME", "stability"]

NAME = "prediction_stability"

Floats = NDArray[np.float64]

_LEAST_ERROR = 1e-6
"""Of the largest error, below which an error is one of rounding."""


def stability(measurements: Sequence[Measurement]) -> Measurement:
    """Return the spread τ between windows of one series, usually ``prediction_mean``, beyond sampling noise.

    With values y, standard errors s, weights w = 1/s², the weighted mean ȳ and Q = Σw(y - ȳ)², DerSimonian and Laird's
    τ² = max(0, (Q - (k - 1)) / (Σw - Σw²/Σw)). The interval is Q-profile's (Viechtbauer): every τ² under which Q with
    weights 1/(s² + τ²) lies between the 2.5 % and 97.5 % quantiles of χ² with k - 1 degrees of freedom; it is exact for
    normal windows. The standard error is the delta method's over Biggerstaff and Tweedie's variance of Q, and at
    τ = 0 the interval's upper limit over 1.96. A value of 0 means that the windows differ by no more than chance.

    Where a window has a standard error of exactly 0 (constant predictions) weights would be infinite; then every window
    weighs the same, τ² = max(0, sample variance - mean s²), and the interval is χ²'s for the sample variance.

    Parameters
    ----------
    measurements
        One series over several windows; windows without data or without a standard error are left out and counted.

    Returns
    -------
    Measurement
        ``prediction_stability``, over the span of the windows, with ``n`` the rows of all of them; without data below
        two windows.

    Raises
    ------
    UsageError
        When there is no measurement, or they belong to more than one series.

    References
    ----------
    DerSimonian, Laird (1986), Meta-analysis in clinical trials, doi:10.1016/0197-2456(86)90046-2. Biggerstaff, Tweedie
    (1997), Incorporating variability in estimates of heterogeneity, doi:10.1002/(SICI)1097-0258(19970415)16:7<753.
    Viechtbauer (2007), Confidence intervals for the amount of heterogeneity in meta-analysis, doi:10.1002/sim.2514.
    """
    key = _series_key(measurements)
    used = [m for m in measurements if m.status is Status.OK and m.value is not None and m.error is not None]
    rows = sum(m.n for m in used)
    if len(used) < 2:
        reason = f"{len(used)} of {len(measurements)} windows have a value with its error; a spread needs two"
        return Measurement.missing(key, Family.METRIC, NAME, reason, n=rows)
    values = np.array([m.value for m in used], float)
    errors = np.array([m.error for m in used], float)
    # One window of equal predictions, whose error is nothing but rounding, would weigh all there is.
    estimate = _weighted if (errors > _LEAST_ERROR * errors.max()).all() else _unweighted
    spread, error, interval = estimate(values, errors)
    left_out = len(measurements) - len(used)
    details: dict[str, float | str] = {"of": used[0].name, "windows": len(used), "mean": float(values.mean())}
    if left_out:
        details["left_out"] = left_out
    evidence = Evidence(details=details)
    return Measurement.of(key, Family.METRIC, NAME, spread, rows, error=error, interval=interval, evidence=evidence)


def _series_key(measurements: Sequence[Measurement]) -> StateKey:
    if not measurements:
        raise UsageError("a spread between windows needs the measurements of at least one window")
    series = {(m.model, *m.series) for m in measurements}
    if len(series) > 1:
        named = "; ".join("/".join(part for part in each if part) for each in sorted(series)[:3])
        raise UsageError(f"a spread between windows needs one series, these are {len(series)}: {named}")
    first = measurements[0]
    windows = [m.window for m in measurements if m.window is not None]
    span = Window(min(w.start for w in windows), max(w.end for w in windows)) if windows else None
    versions = {m.version for m in measurements}
    version = first.version if len(versions) == 1 else ""
    return StateKey(first.model, version, span, first.segment, first.column)


def _weighted(values: Floats, errors: Floats) -> tuple[float, float, tuple[float, float]]:
    # Everything in units of the median error, so that squares neither overflow nor vanish.
    unit = float(np.median(errors))
    y, variances = values / unit, (errors / unit) ** 2
    k = len(y)
    w = 1 / variances
    s1, s2, s3 = (float((w**power).sum()) for power in (1, 2, 3))
    scale = s1 - s2 / s1
    squared = max(0.0, (_q(y, variances, 0.0) - (k - 1)) / scale)
    lower, upper = (_solve(lambda t: _q(y, variances, t), float(chdtri(k - 1, tail))) for tail in (0.025, 0.975))
    interval = sqrt(lower) * unit, sqrt(upper) * unit
    if not squared:
        return 0.0, interval[1] / Z, interval
    of_q = 2 * (k - 1) + 4 * scale * squared + 2 * (s2 - 2 * s3 / s1 + (s2 / s1) ** 2) * squared**2
    spread = sqrt(squared)
    return spread * unit, sqrt(of_q) / scale / (2 * spread) * unit, interval


def _q(y: Floats, variances: Floats, between: float) -> float:
    w = 1 / (variances + between)
    centre = float((w * y).sum() / w.sum())
    return float((w * (y - centre) ** 2).sum())


def _solve(q: Callable[[float], float], wanted: float) -> float:
    """Return the τ² at which the falling function q takes the wanted value, 0 when it starts below."""
    if q(0.0) <= wanted:
        return 0.0
    upper = 1.0
    while q(upper) > wanted:
        upper *= 4.0
    return float(brentq(lambda squared: q(squared) - wanted, 0.0, upper))


def _unweighted(values: Floats, errors: Floats) -> tuple[float, float, tuple[float, float]]:
    k = len(values)
    variance, noise = float(values.var(ddof=1)), float((errors**2).mean())
    limits = (((k - 1) * variance / float(chdtri(k - 1, tail))) for tail in (0.025, 0.975))
    lower, upper = (sqrt(max(0.0, limit - noise)) for limit in limits)
    spread = sqrt(max(0.0, variance - noise))
    error = variance * sqrt(2 / (k - 1)) / (2 * spread) if spread else upper / Z
    return spread, error, (lower, upper)
