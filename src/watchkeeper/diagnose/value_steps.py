"""Steps in which a column counts: values between them are of another unit, or rounded otherwise."""

from __future__ import annotations

import numpy as np

from watchkeeper.stats.atoms import AtomsPart

__all__ = ["between_steps", "value_step"]

_LEAST, _COVERED = 100, 0.98
_ROUNDED, _OFF = 0.05, 0.09


def value_step(part: AtomsPart) -> float | None:
    """Return the step of which all values are multiples, such as .5 of half hours; None where there is none.

    It is looked for where single values make up 98 % of 100 rows at least; these may
    be rounded by a twentieth of a step.

    Examples
    --------
    >>> value_step(AtomsPart(np.array([0.0, 0.5, 1.5]), np.array([40, 40, 40]), 120))
    0.5
    >>> value_step(AtomsPart(np.array([0.3, 0.5, 1.7]), np.array([40, 40, 40]), 120)) is None
    True
    """
    values = np.sort(np.abs(part.values))
    values = values[values > 0]
    if part.n < _LEAST or len(part.values) < 2 or part.counts.sum() < _COVERED * part.n:
        return None
    step = float(np.diff(np.sort(part.values)).min())
    for seen in range(1, len(values) + 1):
        # Rounding hides the step in small differences; each larger value tells it better.
        times = np.round(values[:seen] / step)
        if not times[-1] or abs(values[seen - 1] / step - times[-1]) > _ROUNDED + _OFF:
            return None
        step = float(values[:seen] @ times / (times @ times))
    apart = np.abs(values / step - np.round(values / step))
    return step if np.isfinite(step) and bool((apart <= _ROUNDED).all()) else None


def between_steps(part: AtomsPart, step: float) -> float:
    """Return the share of rows whose value surely is no multiple of a step."""
    places = part.values / step
    return float(part.counts[np.abs(places - np.round(places)) > _OFF].sum() / part.n) if part.n else 0.0
