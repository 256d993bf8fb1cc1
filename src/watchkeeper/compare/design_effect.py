"""How much more the windows of a reference differ from one another than independent rows would."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical, level_cells
from watchkeeper.compare.shares import curve
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart

__all__ = ["LEAST_WINDOWS", "design_effect"]

LEAST_WINDOWS = 20
"""Windows of the reference from which the design effect can be told."""

_DRAWS = 1_000
_QUANTILES = (0.5, 0.9)
_FEWEST_ROWS = 5
_EDGE = 0.05
"""Shares nearer to 0 or 1 have too few rows in a window to tell how much they vary."""


def design_effect(whole: State, windows: Iterable[State]) -> float | None:
    """Return φ ≥ 1, by which the size of a window is to be divided.

    φ = max(1, (d_.5/m_.5)², (d_.9/m_.9)²), with d the quantile over windows of √(n·n0/(n0 - n))·D. D is the largest
    distance between the shares of a window and of the whole reference at fixed points, which is (n0 - n)/n0 times its
    distance from the other windows; m is the same quantile for independent rows: .8276 and 1.2238 for a continuous
    column (Kolmogorov), simulated from the column's own shares otherwise. Clusters of rows raise both quantiles alike;
    windows that differ a little without harm raise the upper one more, because then the tail of D is wider. φ is also
    at least the mean over the points of the variance between windows over p·(1 - p), Kish's own ratio: where rows of a
    cluster are alike in their middle and differ in their tails, the largest distance says too little.

    Parameters
    ----------
    whole
        State of the reference.
    windows
        States of windows that the reference is made of.

    Returns
    -------
    float or None
        None for fewer than 20 windows with rows.

    References
    ----------
    Kish (1965), Survey sampling, section 8.2, for the design effect of clusters.
    """
    spec = whole.spec
    n0 = whole.part("count", CountPart).rows
    found: list[float] = []
    changes: list[NDArray[np.float64]] = []
    shares: NDArray[np.float64] | None = None
    for window in windows:
        n = window.part("count", CountPart).rows
        if n < _FEWEST_ROWS or n >= n0:
            continue
        shares, own = _shares(whole, window)
        changes.append(sqrt(n * n0 / (n0 - n)) * (own - shares))
        found.append(float(np.abs(changes[-1]).max()))
    if len(found) < LEAST_WINDOWS or shares is None:
        return None
    expected = _expected(tuple(np.round(shares, 4).tolist()), bool(spec and categorical(spec)))
    seen = np.quantile(found, _QUANTILES)
    largest = [float(d / m) ** 2 for d, m in zip(seen, expected, strict=True) if m > 0]
    return max(1.0, _spread(shares, changes), *largest) if largest else 1.0


def _spread(shares: NDArray[np.float64], changes: list[NDArray[np.float64]]) -> float:
    """Return the mean over points of the variance between windows over that of independent rows."""
    inside = (shares > _EDGE) & (shares < 1 - _EDGE)
    if not inside.any():
        return 1.0
    p = shares[inside]
    return float(np.mean(np.mean([change[inside] ** 2 for change in changes], axis=0) / (p * (1 - p))))


def _shares(whole: State, window: State) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of the reference and of one of its windows; a window has no level that the whole lacks."""
    if whole.spec is None or not categorical(whole.spec):
        return curve(whole, window)
    table = level_cells(whole, window)
    a, b = whole.part("count", CountPart), window.part("count", CountPart)
    return np.append(table.reference, a.missing) / a.rows, np.append(table.current, b.missing) / b.rows


@lru_cache(maxsize=4_096)
def _expected(shares: tuple[float, ...], separate: bool) -> tuple[float, ...]:
    """Return the quantiles of the largest deviation of shares of independent rows, times √n."""
    rng = np.random.default_rng(0)
    p, null = np.array(shares[:-1]), shares[-1]
    if not separate:
        edges = np.diff(np.append(0.0, np.append(p, 1 - null)))
        cells = np.append(np.maximum(edges, 0.0), null)
    else:
        cells = np.append(p, null)
    cells = cells / cells.sum() if cells.sum() else cells
    root = np.sqrt(cells)
    drawn = rng.standard_normal((_DRAWS, len(cells)))
    change = root * drawn - cells * (drawn @ root)[:, None]
    points = change if separate else np.hstack([np.cumsum(change[:, :-1], axis=1)[:, :-1], change[:, -1:]])
    return tuple(np.quantile(np.abs(points).max(axis=1), _QUANTILES).tolist())
