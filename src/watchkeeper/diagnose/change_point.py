"""When the series that carry an alert changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.diagnosis import Onset
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.window import Window

__all__ = ["LEAST_GAIN", "change_point", "gains"]

LEAST_GAIN = 14.0
"""Twice the gain in log-likelihood below which nothing changed: in 10 to 100 windows of pure noise the largest of all
splits exceeds it in one to five series of 100."""

_WITHIN = 7.373
"""-2·ln(1 - √.95): on both sides of a change the log-likelihood ratio is a walk whose largest value is about
exponential, so that the true moment lies this far below the best one in 5 of 100 cases."""

_FAR = 3.0
_LEAST = 4
_MOST_SERIES = 10
_NORMAL_MAD = 1.4826022185056018


def gains(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return twice the gain in log-likelihood of a change of the mean before each point but the first, shape (k - 1,).

    Values are divided by the robust standard deviation of their differences, so that the change itself does not
    widen it, and clipped where they lie more than three of these outside of both halves' medians: one wild window is no
    change. With a and b points on both sides the gain is (a·b/(a + b))·(difference of the means)². Under no change
    each is about χ² with one degree of freedom.

    Parameters
    ----------
    values
        One value a window, in order of time, finite, shape (k,).

    References
    ----------
    Hawkins (1977), Testing a sequence of observations for a shift in location, doi:10.1080/01621459.1977.10479935.
    """
    k = len(values)
    if k < 2:
        return np.zeros(max(k - 1, 0))
    steps = np.abs(np.diff(values))
    # Differences have twice the variance of the values.
    spread = _NORMAL_MAD * float(np.median(steps)) / np.sqrt(2)
    if spread <= 0:
        spread = float(steps[steps > 0].min()) if (steps > 0).any() else 1.0
    found = np.empty(k - 1)
    for split in range(1, k):
        left, right = values[:split] / spread, values[split:] / spread
        a, b = float(np.median(left)), float(np.median(right))
        low, high = min(a, b) - _FAR, max(a, b) + _FAR
        difference = float(np.clip(right, low, high).mean() - np.clip(left, low, high).mean())
        found[split - 1] = split * (k - split) / k * difference**2
    return found


def change_point(measurements: Iterable[Measurement], *, until: Window | None = None) -> Onset | None:
    """Return when the series changed together; None where none did or where there are fewer than four windows.

    The gains of all series are added up over the windows they share, each series counting at most the ten-fold of
    ``LEAST_GAIN``, so that one series without noise does not drown the others. The interval holds the
    splits next to the best one whose gain is within -2·ln(1 - √.95) = 7.37 of its gain.

    Parameters
    ----------
    measurements
        Of the windows before and after the change; those without a number or a window are left out.
    until
        The newest window to look at.

    Assumes one lasting change in the windows given and independent windows; where windows depend on each other the
    interval is too short.

    References
    ----------
    Siegmund (1988), Confidence sets in change-point problems, doi:10.2307/1403360.
    """
    by_series: dict[tuple[str, ...], dict[Window, float]] = {}
    for m in measurements:
        late = until is not None and m.window is not None and m.window.start > until.start
        if m.status is Status.OK and m.value is not None and m.window is not None and np.isfinite(m.value) and not late:
            by_series.setdefault(m.series, {})[m.window] = m.value
    long = sorted((s for s in by_series.values() if len(s) >= _LEAST), key=len, reverse=True)
    if not long:
        return None
    windows = sorted(long[0])
    total = np.zeros(len(windows) - 1)
    for series in long[:_MOST_SERIES]:
        total += _spread_over(windows, series)
    best = int(np.argmax(total))
    if total[best] < LEAST_GAIN:
        return None
    near = np.flatnonzero(total >= total[best] - _WITHIN)
    # Splits that are as good count as far as they reach without a gap.
    first = last = best
    while first - 1 in near:
        first -= 1
    while last + 1 in near:
        last += 1
    starts = [window.start for window in windows]
    return Onset(starts[best + 1], starts[first + 1], starts[last + 1], float(total[best]), len(windows))


def _spread_over(windows: Sequence[Window], series: dict[Window, float]) -> NDArray[np.float64]:
    """Return the gains of a series at the splits of ``windows``; windows it lacks take the gain of the split before."""
    own = [w for w in windows if w in series]
    total = np.zeros(len(windows) - 1)
    if len(own) < _LEAST:
        return total
    found = gains(np.array([series[w] for w in own]))
    most = float(found.max())
    if most > 10 * LEAST_GAIN:
        # Differences of gains decide where the change was: they are kept, and the level is lowered.
        found = np.maximum(found - (most - 10 * LEAST_GAIN), 0.0)
    at = dict(zip(own[1:], found.tolist(), strict=True))
    held = 0.0
    for place, window in enumerate(windows[1:]):
        held = at.get(window, held)
        total[place] = held
    return total
