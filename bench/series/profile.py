"""The standard profile of the Numenta Anomaly Benchmark, from its description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tally", "learning_points", "tally"]

_FALSE_POSITIVE, _FALSE_NEGATIVE = 0.11, 1.0
_FARTHEST = 3.0
_LONGEST = 5_000


@dataclass
class Tally:
    """What detectors scored on series: the sum, the windows and those found, signals outside and points outside."""

    score: float = 0.0
    windows: int = 0
    found: int = 0
    outside: int = 0
    points: int = 0
    by_series: dict[str, float] = field(default_factory=dict)

    @property
    def standard(self) -> float:
        """The score from 0, for saying nothing, to 100, for a signal at the first point of each window."""
        return 100 * (self.score + _FALSE_NEGATIVE * self.windows) / ((1 + _FALSE_NEGATIVE) * self.windows)


def learning_points(n: int) -> int:
    """Return how many points at the beginning are for learning only: 15 %, of at most 5,000."""
    return int(0.15 * min(n, _LONGEST))


def _sigmoid(position: float) -> float:
    """Return the worth of a signal at a place in a window, from -1 where it begins to 0 where it ends, or after it."""
    return 2 / (1 + exp(5 * position)) - 1


def tally(total: Tally, name: str, fired: NDArray[np.bool_], windows: Sequence[tuple[int, int]]) -> None:
    """Add one series: of each window its first signal counts, of what lies outside every signal.

    Parameters
    ----------
    fired
        Whether a point signals, shape (n,).
    windows
        First and last point of each labelled window, in rising order.

    References
    ----------
    Lavin and Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark,
    doi:10.1109/ICMLA.2015.141.
    """
    first = learning_points(len(fired))
    signals = [int(i) for i in np.flatnonzero(fired) if i >= first]
    judged = [(start, end) for start, end in windows if end >= first]
    score = 0.0
    for start, end in judged:
        inside = [i for i in signals if start <= i <= end]
        total.found += bool(inside)
        place = -(end - inside[0] + 1) / (end - start + 1) if inside else 0.0
        score += _sigmoid(place) / _sigmoid(-1.0) if inside else -_FALSE_NEGATIVE
    covered = np.zeros(len(fired), bool)
    for start, end in windows:
        covered[start : end + 1] = True
    for i in signals:
        if covered[i]:
            continue
        total.outside += 1
        before = [(start, end) for start, end in windows if end < i]
        place = (i - before[-1][1]) / max(before[-1][1] - before[-1][0], 1) if before else _FARTHEST + 1
        score += _FALSE_POSITIVE * (_sigmoid(place) if place <= _FARTHEST else -1.0)
    total.score += score
    total.windows += len(judged)
    total.points += int((~covered[first:]).sum())
    total.by_series[name] = score
