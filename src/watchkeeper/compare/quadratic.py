"""What the distances ∫ (F - G)² dw share: their behaviour under equal distributions, and their sampling error."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from watchkeeper.stats.intervals import Z

__all__ = ["Null", "influence_error", "interval", "null_of", "step_variance", "upper_tail"]

Numbers = NDArray[np.float64]
Null = tuple[float, float]
"""Mean and variance of a distance between two samples of one distribution."""


def null_of(weight: Numbers, f: Numbers, size: float, *, within: Numbers | None = None) -> Null:
    """Return mean and variance of Σ w_j·D_j² when both sides are samples of one distribution.

    D is then a Brownian bridge at the effective size n_e: Cov(D_i, D_j) = F_i·(1 - F_j)/n_e for F_i ≤ F_j. So the mean
    is Σ w_j·F_j·(1 - F_j)/n_e and the variance 2·Σ Σ w_i·w_j·Cov(D_i, D_j)², summed in one pass over the points.

    Parameters
    ----------
    weight, f
        Weights and distribution function at increasing points, shape (b,).
    size
        Effective sample size n_e = n0·n/(n0 + n).
    within
        Variance of D_j times n_e where it is not F_j·(1 - F_j), shape (b,).

    References
    ----------
    Anderson and Darling (1952), Asymptotic theory of certain "goodness of fit" criteria, doi:10.1214/aoms/1177729437.
    """
    own = f * (1 - f) if within is None else within
    before = np.cumsum(weight * f**2) - weight * f**2
    both = float((weight**2 * own**2).sum() + 2 * (weight * (1 - f) ** 2 * before).sum())
    return float((weight * own).sum()) / size, 2 * both / size**2


def upper_tail(value: float, null: Null) -> float:
    """Return P(distance ≥ value) under ``null``, from the gamma distribution with its mean and variance.

    The distance is a weighted sum of chi-square variables with one degree of freedom. The approximation is exact for
    one weight (two values). For the weights 1/j² of the Cramér–von Mises criterion it gives .1117 instead of .10, .0502
    instead of .05 and .0067 instead of .01.

    References
    ----------
    Box (1954), Some theorems on quadratic forms, doi:10.1214/aoms/1177728786.
    """
    mean, variance = null
    if value <= 0 or mean <= 0 or variance <= 0:
        return 1.0 if value <= 0 else 0.0
    return float(gammaincc(mean**2 / variance, value * mean / variance))


def interval(value: float, error: float, p_value: float) -> tuple[float, float]:
    """Return value ± 1.96 standard errors, down to 0 where a test does not tell the value from 0 at .05."""
    return max(0.0, value - Z * error) if p_value < 0.05 else 0.0, value + Z * error


def step_variance(counts: NDArray[np.int64], influence: Numbers) -> float:
    """Return the variance of the mean influence of rows that lie in bins, each with its influence; both shape (b,)."""
    n = int(counts.sum())
    mean = float((counts * influence).sum()) / n
    return max(0.0, float((counts * (influence - mean) ** 2).sum()) / n) / n


def influence_error(
    by_step: Numbers, at_row: Numbers, reference: NDArray[np.int64], current: NDArray[np.int64]
) -> float:
    """Return the standard error of a distance by the influence of single rows.

    Parameters
    ----------
    by_step
        Derivative of the distance by F - G at the upper edge of each bin, shape (b,).
    at_row
        Derivative by the share of all rows in each bin, shape (b,).
    """
    tail = np.cumsum(by_step[::-1])[::-1]
    n0, n = int(reference.sum()), int(current.sum())
    share = n0 / (n0 + n)
    left, right = tail + share * at_row, -tail + (1 - share) * at_row
    return sqrt(step_variance(reference, left) + step_variance(current, right))
