"""Average run lengths of control charts, exactly, and the limits that give a wanted one.

Each run length solves an integral equation of the chart's statistic, by Gauss–Legendre quadrature (Nyström's method);
the errors are below 1e-6 of the run length for the parameters in use. Observations are normal with variance 1 and known
parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom, ncx2, norm

from watchkeeper.core.errors import UsageError

__all__ = [
    "binomial_ewma_limit",
    "binomial_ewma_run_length",
    "cusum_limit",
    "cusum_run_length",
    "ewma_limit",
    "ewma_run_length",
    "mewma_limit",
    "mewma_run_length",
    "persistent_run_length",
    "shewhart_factor",
    "shiryaev_roberts_limit",
    "shiryaev_roberts_run_length",
]

Floats = NDArray[np.float64]

_NODES = 60
_SIDES = {"both": 2.0, "upper": 1.0, "lower": 1.0}


def shewhart_factor(run_length: float, side: str = "both") -> float:
    """Return k with a run length of 1 / P(point beyond k sigma).

    Examples
    --------
    >>> round(shewhart_factor(370.398347), 4)
    3.0
    """
    return float(norm.isf(1 / (_SIDES[side] * _wanted(run_length))))


def persistent_run_length(run_length: float, k: int, n: int) -> float:
    """Return the run length of single signals that lets ``k`` of the last ``n`` windows signal as rarely as wanted.

    A signal of probability α is at least the k-th of the last n with probability α·P(Bin(n - 1, α) ≥ k - 1), which is
    set to 1/A. Signals of different windows are taken to be independent.

    Parameters
    ----------
    run_length
        A, the average number of windows to an alert without a cause.

    Examples
    --------
    >>> persistent_run_length(500.0, 1, 1)
    500.0
    >>> round(persistent_run_length(500.0, 2, 3), 1)
    31.4
    """
    wanted = 1 / _wanted(run_length)
    if k == 1:
        return run_length
    share = brentq(lambda alpha: alpha * float(binom.sf(k - 2, n - 1, alpha)) - wanted, wanted, 1.0, xtol=1e-15)
    return 1 / float(share)


def ewma_run_length(weight: float, factor: float, shift: float = 0.0) -> float:
    """Return the run length of a two-sided EWMA chart that starts at its centre.

    The statistic is Q = (1 - λ)·Q + λ·z and the limits are ±L·√(λ/(2 - λ)) throughout.

    Parameters
    ----------
    weight
        λ, in (0, 1].
    factor
        L.
    shift
        Mean of z.

    References
    ----------
    Crowder (1987), A simple method for studying run-length distributions of exponentially weighted moving average
    charts, doi:10.1080/00401706.1987.10488267.

    Examples
    --------
    >>> round(ewma_run_length(0.5, 3.071), 1), round(ewma_run_length(0.5, 3.071, 1.0), 1)
    (499.9, 17.5)
    """
    limit = factor * sqrt(weight / (2 - weight))
    nodes, weights = _legendre(-limit, limit)
    start = np.append(nodes, 0.0)
    kernel = norm.pdf((nodes[None, :] - (1 - weight) * start[:, None]) / weight - shift) / weight * weights
    return _solved(kernel)


@lru_cache(maxsize=512)
def ewma_limit(weight: float, run_length: float, side: str = "both") -> float:
    """Return L that gives an EWMA chart the in-control run length ``run_length``.

    For one side the rate of both is twice its own, so that L is that of a two-sided chart of half the run length.

    Examples
    --------
    >>> round(ewma_limit(0.1, 500.0), 4)
    2.8143
    """
    wanted = max(1.5, _wanted(run_length) * _SIDES[side] / 2)
    return _root(lambda factor: ewma_run_length(weight, factor), wanted, 0.5)


def cusum_run_length(slack: float, limit: float, shift: float = 0.0, side: str = "both", head: float = 0.0) -> float:
    """Return the run length of a CUSUM chart, C = max(0, C + z - k), which signals at C > h.

    For both sides 1/ARL = 1/ARL⁺ + 1/ARL⁻; with a headstart the formula of Lucas and Crosier.

    Parameters
    ----------
    slack
        k, the reference value.
    limit
        h.
    shift
        Mean of z.
    head
        Where the sums start.

    References
    ----------
    Brook and Evans (1972), An approach to the probability distribution of CUSUM run length,
    doi:10.1093/biomet/59.3.539.
    Lucas and Crosier (1982), Fast initial response for CUSUM quality-control schemes,
    doi:10.1080/00401706.1982.10487759.

    Examples
    --------
    >>> round(cusum_run_length(0.5, 4.0)), round(cusum_run_length(0.5, 4.0, 1.0), 2)
    (168, 8.38)
    """
    if side != "both":
        return _one_sided(slack, limit, shift if side == "upper" else -shift, head)
    up, down = (_one_sided(slack, limit, s, 0.0) for s in (shift, -shift))
    if not head:
        return up * down / (up + down)
    above, below = (_one_sided(slack, limit, s, head) for s in (shift, -shift))
    return (above * down + up * below - up * down) / (up + down)


def _one_sided(slack: float, limit: float, shift: float, head: float) -> float:
    nodes, weights = _legendre(0.0, limit)
    # The first unknown is the run length from 0, where the sum rests with a probability of its own.
    start = np.concatenate([[0.0], nodes, [head]])
    rests = ndtr(slack - shift - start)
    moves = norm.pdf(nodes[None, :] - start[:, None] + slack - shift) * weights
    return _solved(np.column_stack([rests, moves]))


@lru_cache(maxsize=512)
def cusum_limit(slack: float, run_length: float, side: str = "both") -> float:
    """Return h that gives a CUSUM chart without a headstart the in-control run length ``run_length``.

    Examples
    --------
    >>> round(cusum_limit(0.5, 500.0), 4)
    5.0707
    """
    return _root(lambda h: cusum_run_length(slack, h, side=side), max(1.5, _wanted(run_length)), 1.0)


def shiryaev_roberts_run_length(slack: float, limit: float, shift: float = 0.0) -> float:
    """Return the run length of a one-sided Shiryaev–Roberts chart, R = (1 + R)·exp(2k·(z - k)) from 0, until ln R > g.

    References
    ----------
    Knoth (2006), The art of evaluating monitoring schemes, doi:10.1007/3-7908-1687-6_5.

    Examples
    --------
    >>> round(shiryaev_roberts_run_length(0.5, log(390)))
    697
    """
    least = -6.0 - 6.0 * slack
    nodes, weights = _legendre(least, limit, 2 * _NODES)
    # Below e^least the statistic is as good as 0, whose next value depends on z alone.
    start = np.concatenate([[0.0], np.logaddexp(0.0, nodes), [0.0]])
    scale = 2 * slack
    away = (nodes[None, :] - start[:, None]) / scale + slack - shift
    rests = ndtr((least - start) / scale + slack - shift)
    return _solved(np.column_stack([rests, norm.pdf(away) / scale * weights]))


@lru_cache(maxsize=512)
def shiryaev_roberts_limit(slack: float, run_length: float) -> float:
    """Return g that gives a one-sided Shiryaev–Roberts chart the in-control run length ``run_length``.

    Examples
    --------
    >>> round(shiryaev_roberts_limit(0.5, 696.755), 4), round(log(390), 4)
    (5.9661, 5.9661)
    """
    return _root(lambda g: shiryaev_roberts_run_length(slack, g), max(1.5, _wanted(run_length)), 1.0)


def mewma_run_length(weight: float, limit: float, size: int) -> float:
    """Return the in-control run length of a MEWMA chart of ``size`` series, which signals at T² > ``limit``.

    Q = (1 - r)·Q + r·z and T² = Q'Q·(2 - r)/r; at r = 1 it is the T² chart.

    References
    ----------
    Rigdon (1995), An integral equation for the in-control average run length of a multivariate exponentially weighted
    moving average control chart, doi:10.1080/00949659508811686.

    Examples
    --------
    >>> round(mewma_run_length(0.1, 8.63, 2))
    200
    """
    if weight >= 1:
        return float(1 / ncx2.sf(limit, size, 0.0))
    most = sqrt(limit * weight / (2 - weight))
    nodes, weights = _legendre(0.0, most)
    start = np.append(nodes, 0.0)
    away = (((1 - weight) / weight) * start[:, None]) ** 2
    density = ncx2.pdf((nodes[None, :] / weight) ** 2, size, away) * 2 * nodes / weight**2
    return _solved(density * weights)


@lru_cache(maxsize=128)
def mewma_limit(weight: float, run_length: float, size: int) -> float:
    """Return the limit that gives a MEWMA chart the in-control run length ``run_length``.

    Examples
    --------
    >>> round(mewma_limit(0.1, 200.5, 4), 1)
    12.7
    """
    return _root(lambda h: mewma_run_length(weight, h, size), max(1.5, _wanted(run_length)), float(size))


def binomial_ewma_run_length(weight: float, limit: int, n: int, share: float, start: int) -> float:
    """Return the run length of Gan's upper EWMA chart of counts: Q = round((1 - λ)·Q + λ·X) until Q > limit.

    Parameters
    ----------
    limit
        The largest whole number inside.
    n, share
        X is binomial of ``n`` rows, each of which counts with the probability ``share``.
    start
        The first Q.

    References
    ----------
    Gan (1990), Monitoring observations generated from a binomial distribution using modified exponentially weighted
    moving average control chart, doi:10.1080/00949659008811293.
    """
    if start > limit:
        return 1.0
    inside = np.arange(limit + 1)
    chances = binom.pmf(np.arange(n + 1), n, share)
    kernel = np.zeros((limit + 2, limit + 1))
    for row, q in enumerate([*inside, start]):
        nexts = np.rint((1 - weight) * q + weight * np.arange(n + 1)).astype(int)
        kernel[row] = np.bincount(nexts, chances, limit + 1)[: limit + 1]
    return _solved(kernel)


@lru_cache(maxsize=512)
def binomial_ewma_limit(weight: float, run_length: float, n: int, share: float) -> int:
    """Return the smallest limit with which Gan's chart reaches ``run_length`` when it starts at n·share.

    Examples
    --------
    >>> binomial_ewma_limit(0.165, 1_000.0, 150, 0.1)
    18
    """
    start = round(n * share)
    for limit in range(start, n):
        if binomial_ewma_run_length(weight, limit, n, share, start) >= _wanted(run_length):
            return limit
    return n


def _root(run_length: Callable[[float], float], wanted: float, step: float) -> float:
    """Return the limit at which ``run_length``, which grows with it, is ``wanted``."""
    low, high = 0.0, step
    while run_length(high) < wanted:
        low, high = high, high + step
    if not low:
        low = high / 1_000
    return float(brentq(lambda limit: log(run_length(limit)) - log(wanted), low, high, xtol=1e-9))


def _wanted(run_length: float) -> float:
    if not run_length > 1:
        raise UsageError(f"a run length of {run_length:g} cannot be kept; valid: more than 1 window")
    return run_length


def _legendre(low: float, high: float, nodes: int = _NODES) -> tuple[Floats, Floats]:
    x, w = _nodes(nodes)
    return (low + high) / 2 + (high - low) / 2 * x, (high - low) / 2 * w


@lru_cache(maxsize=8)
def _nodes(count: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(count)
    return np.asarray(x), np.asarray(w)


def _solved(kernel: Floats) -> float:
    """Return the run length from the last row's start: l = 1 + K·l on all rows but the last, then once more."""
    inside, last = kernel[:-1], kernel[-1]
    lengths = np.linalg.solve(np.eye(len(inside)) - inside, np.ones(len(inside)))
    return float(1 + last @ lengths)
