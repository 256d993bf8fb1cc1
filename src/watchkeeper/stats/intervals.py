"""95 % intervals and standard errors of proportions, means and bounded ratios."""

from __future__ import annotations

from math import inf, isfinite, log, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Z",
    "logit_interval",
    "mean_interval",
    "newcombe",
    "proportion_error",
    "sample_error",
    "wilson",
    "wilson_upper",
]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def wilson(k: float, n: float, z: float = Z) -> tuple[float, float]:
    """Return Wilson's score interval of k successes in n trials; (0, 1) without trials.

    ``z`` is the normal quantile of its level, of 95 % where none is given.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, doi:10.2307/2276774.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if not n:
        return 0.0, 1.0
    centre, half = _wilson(k / n, n, z)
    # At the ends one limit is exactly 0 or 1, which rounding would miss.
    return (0.0 if k == 0 else max(0.0, centre - half)), (1.0 if k == n else min(1.0, centre + half))


def wilson_upper(p: NDArray[np.float64], n: float) -> NDArray[np.float64]:
    """Return the upper limit of Wilson's 95 % interval for each share of n > 0 rows, shape as ``p``."""
    centre, half = _wilson(p, n, Z)
    return np.asarray(np.minimum(centre + half, 1.0))


def _wilson(p: Any, n: float, z: float) -> Any:
    width = 1 + z * z / n
    return (p + z * z / (2 * n)) / width, z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / width


def newcombe(k0: float, n0: float, k: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval for k/n - k0/n0, a hybrid of two of Wilson's.

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions, method 10,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    p, q = k0 / n0, k / n
    (low0, high0), (low, high) = wilson(k0, n0), wilson(k, n)
    return q - p - sqrt((q - low) ** 2 + (high0 - p) ** 2), q - p + sqrt((high - q) ** 2 + (p - low0) ** 2)


def proportion_error(k: float, n: float) -> float:
    """Return √(p(1-p)/n); at p = 0 and p = 1, where that is 0 and certainty would be false, Wilson's width / 2z."""
    if 0 < k < n:
        return sqrt(k / n * (1 - k / n) / n)
    lower, upper = wilson(k, n)
    return (upper - lower) / (2 * Z)


def sample_error(n: int, total: float, squares: float) -> float | None:
    """Return the standard error of the mean of n values with Σx and Σx²; None below two."""
    if n < 2:
        return None
    return sqrt(max(0.0, (squares - total * (total / n)) / (n - 1)) / n)


def mean_interval(
    value: float, error: float | None, n: int, lowest: float = -inf, highest: float = inf
) -> tuple[float, float] | None:
    """Return value ± t·error with n - 1 degrees of freedom, cut to what is possible; None without an error."""
    if error is None or n < 2 or not isfinite(error):
        return None
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * error
    return max(lowest, value - half), min(highest, value + half)


def logit_interval(value: float, error: float) -> tuple[float, float]:
    """Return the interval of a number strictly between 0 and 1 that is symmetric on the logit scale."""
    logit, half = log(value / (1 - value)), Z * error / (value * (1 - value))
    from scipy.special import expit

    return float(expit(logit - half)), float(expit(logit + half))
