"""How much more the correlations of windows of a reference differ from one another than those of independent rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtri

from watchkeeper.compare.design_effect import LEAST_WINDOWS
from watchkeeper.compare.second_moments import correlations, varying
from watchkeeper.core.state import State
from watchkeeper.stats.covariance import CovariancePart

__all__ = ["correlation_effect"]

_FEWEST_ROWS = 5
_QUANTILES = (0.5, 0.9)
_BEYOND = 1.1
"""How far beyond the largest of the reference a window may go."""

_FARTHEST = 37.0
"""The largest z whose p-value is a number, as far as which a chart can tell it."""


def correlation_effect(whole: State, windows: Iterable[State]) -> float | None:
    """Return φ ≥ 1, by which the z² of a correlation that changed is to be divided.

    φ = max(1, (d_.5/m_.5)², (d_.9/m_.9)², (1.1·d_max/m_max)²), with d the quantiles over the R windows of the largest z
    of all pairs, as ``CorrelationChange`` has it, against the rest of the reference; m those of the largest of as many
    independent normal numbers; d_max and m_max are at (R - .3)/(R + .4). What goes together over a year may go apart
    within a day: the largest counts, as days of that kind come again.

    Returns
    -------
    float or None
        None for fewer than 20 windows with rows, and where fewer than two features vary or no moments of products are
        kept.

    References
    ----------
    Benard and Bos-Levenbach (1953), Het uitzetten van waarnemingen op waarschijnlijkheidspapier,
    doi:10.1111/j.1467-9574.1953.tb00821.x, for the plotting position of the largest.
    """
    p = whole.parts.get("covariance")
    if not isinstance(p, CovariancePart) or not p.fourth.size:
        return None
    found = [_largest(p, part) for w in windows if isinstance(part := w.parts.get("covariance"), CovariancePart)]
    seen = np.array([one for one in found if one is not None])
    if len(seen) < LEAST_WINDOWS:
        return None
    pairs, count = seen[:, 1].mean(), len(seen)
    at = np.array([*_QUANTILES, (count - 0.3) / (count + 0.4)])
    independent = ndtri((1 + at ** (1 / pairs)) / 2)
    reached = np.append(np.quantile(seen[:, 0], _QUANTILES), _BEYOND * seen[:, 0].max())
    return max(1.0, float(((reached / independent) ** 2).max()))


def _largest(p: CovariancePart, q: CovariancePart) -> tuple[float, int] | None:
    """Return the largest z of a window against the rest of the reference, and of how many pairs."""
    if not _FEWEST_ROWS <= q.n < p.n or not np.isfinite(q.second).all():
        return None
    usable = np.flatnonzero(varying(p) & varying(q))
    first, second = (usable[at] for at in np.triu_indices(len(usable), 1))
    if not len(first):
        return None
    (r0, v0), (r, v) = correlations(p, first, second), correlations(q, first, second)
    # The whole holds the window: its distance from the rest is n0/(n0 - n) times as large.
    rest = p.n - q.n
    z = np.abs(r - r0) * (p.n / rest) / np.sqrt(v0 / rest + np.maximum(v0, v) / q.n)
    return min(float(z.max()), _FARTHEST), len(first)
