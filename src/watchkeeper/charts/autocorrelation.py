"""Whether the points of a series depend on the ones before, and by how much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

__all__ = ["autocorrelations", "first_order", "ljung_box"]

Floats = NDArray[np.float64]

_LEAST = 30
_LAGS = 5
_LEVEL = 0.05
_MOST = 0.95


def autocorrelations(scaled: Floats, lags: int) -> Floats:
    """Return r_k = Σ(z_t - z̄)(z_{t-k} - z̄) / Σ(z_t - z̄)² for k = 1 to ``lags``; 0 for a constant."""
    away = scaled - scaled.mean()
    whole = float(away @ away)
    if not whole:
        return np.zeros(lags)
    return np.array([float(away[k:] @ away[:-k]) / whole for k in range(1, lags + 1)])


def ljung_box(scaled: Floats, lags: int = _LAGS) -> float:
    """Return the p-value of Q = m(m + 2)·Σ r_k²/(m - k) against no autocorrelation, by chi-square.

    References
    ----------
    Ljung and Box (1978), On a measure of lack of fit in time series models, doi:10.1093/biomet/65.2.297.

    Examples
    --------
    >>> round(ljung_box(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 1), 4)
    0.0106
    """
    m, r = len(scaled), autocorrelations(scaled, lags)
    q = m * (m + 2) * float((r**2 / (m - np.arange(1, lags + 1))).sum())
    return float(chi2.sf(q, lags))


def first_order(scaled: Floats, *, tested: bool = True) -> float:
    """Return φ of an AR(1) where Ljung–Box rejects at .05, 0 where it does not or with fewer than 30 points.

    Parameters
    ----------
    tested
        Whether Ljung–Box must reject. A chart that adds points up cannot afford a dependence that was overlooked: it
        takes φ as it is estimated, but none below 0, which by chance would make residuals of it that depend.

    Notes
    -----
    The first autocorrelation of m points is on average (1 + 3φ)/m too small, which is added back.

    References
    ----------
    Marriott and Pope (1954), Bias in the estimation of autocorrelations, doi:10.1093/biomet/41.3-4.390.
    """
    if len(scaled) < _LEAST or (tested and ljung_box(scaled) > _LEVEL):
        return 0.0
    r = float(autocorrelations(scaled, 1)[0])
    return float(np.clip(r + (1 + 3 * r) / len(scaled), -_MOST if tested else 0.0, _MOST))
