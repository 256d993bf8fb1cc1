"""How much more the windows of a reference differ from one another than independent rows would."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical
from watchkeeper.compare.shares import curve
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart

__all__ = ["LEAST_WINDOWS", "design_effect"]

LEAST_WINDOWS = 20
"""Windows of the reference from which the design effect can be told."""

_DRAWS = 1_000
_FEWEST_ROWS = 5


def design_effect(whole: State, windows: Iterable[State]) -> float | None:
    """Return φ ≥ 1, by which the size of a window is to be divided.

    φ = max(1, (median over windows of √(n·n0/(n0 - n))·D / m)²), D the largest distance between the shares of a window
    and of the whole reference at fixed points, which is (n0 - n)/n0 times its distance from the other windows; m is the
    median of the same maximum over independent rows: .8276 for a continuous column (Kolmogorov), simulated from the
    column's own shares otherwise. Rows that come in clusters, and windows that differ a little without harm, both show.

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
    shares: NDArray[np.float64] | None = None
    for window in windows:
        n = window.part("count", CountPart).rows
        if n < _FEWEST_ROWS or n >= n0:
            continue
        shares, own = curve(whole, window)
        found.append(sqrt(n * n0 / (n0 - n)) * float(np.abs(own - shares).max()))
    if len(found) < LEAST_WINDOWS or shares is None:
        return None
    expected = _median(tuple(np.round(shares, 4).tolist()), bool(spec and categorical(spec)))
    return max(1.0, (float(np.median(found)) / expected) ** 2) if expected > 0 else 1.0


@lru_cache(maxsize=4_096)
def _median(shares: tuple[float, ...], separate: bool) -> float:
    """Return the median of the largest deviation of shares of independent rows, times √n."""
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
    return float(np.median(np.abs(points).max(axis=1)))
