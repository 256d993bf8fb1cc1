"""Intervals for shares of rows and for their differences."""

from __future__ import annotations

from math import sqrt

__all__ = ["Z", "newcombe", "wilson"]

Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson(k: float, n: float, z: float = Z) -> tuple[float, float]:
    """Return Wilson's interval for the share k/n, n > 0.

    References
    ----------
    Wilson (1927), Probable inference, doi:10.1080/01621459.1927.10502953.
    """
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * sqrt(max(0.0, k * (n - k) / n + z * z / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


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
