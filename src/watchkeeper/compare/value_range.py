"""The range of a column's values: what has ever been seen, and the rows outside of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.histogram import HistogramPart

__all__ = ["CONSTANT_BEFORE", "ROOM", "ValueRange", "beyond", "extent", "value_range"]

ROOM = 0.25
"""Widths by which values may lie outside of the range before they count."""

CONSTANT_BEFORE = "the reference holds one value"
"""Why there is no range, and nothing to take over from."""

_CORE = (0.05, 0.95)
_GAP = 3.0
"""Widths of the middle 90 % that nothing lies in between the values of a column and a code such as -999."""


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The smallest and the largest value."""

    lower: float
    upper: float

    @property
    def wide(self) -> ValueRange:
        """The range with a quarter of its width on either side."""
        room = ROOM * (self.upper - self.lower)
        return ValueRange(self.lower - room, self.upper + room)

    def joined(self, other: ValueRange | None) -> ValueRange:
        """Return the range of both."""
        if other is None:
            return self
        return ValueRange(min(self.lower, other.lower), max(self.upper, other.upper))


def value_range(part: HistogramPart) -> ValueRange | None:
    """Return the range of the values of a column; None where there are no two of them.

    Values beyond a gap of three times the width of the middle 90 % are left out, as far as they have less than 5 % of
    the rows on that side: they are codes for what is missing, or slips.
    """
    if len(part.bins) < 2:
        return None
    lower, upper = part.edges()
    below = np.cumsum(part.counts) / part.n
    first, last = (int(np.searchsorted(below, share)) for share in _CORE)
    # Where one value fills the middle, a code cannot be told from the tails.
    width = float(upper[last] - lower[first]) if last > first else np.inf
    far = lower[1:] - upper[:-1] > _GAP * width
    left = np.flatnonzero(far[:first])
    right = np.flatnonzero(far[last:])
    start = int(left[-1]) + 1 if len(left) else 0
    stop = last + int(right[0]) if len(right) else len(lower) - 1
    return ValueRange(float(lower[start]), float(upper[stop]))


def extent(part: HistogramPart, inside: ValueRange) -> ValueRange | None:
    """Return the range of the values that do not lie outside of ``inside``; None where there are none."""
    lower, upper = part.edges()
    within = (upper >= inside.lower) & (lower <= inside.upper)
    if not within.any():
        return None
    return ValueRange(float(lower[within][0]), float(upper[within][-1]))


def beyond(part: HistogramPart, span: ValueRange) -> int:
    """Return how many rows lie further outside of a range than a quarter of its width; by whole bins."""
    lower, upper = part.edges()
    wide = span.wide
    outside: NDArray[np.bool_] = (lower > wide.upper) | (upper < wide.lower)
    return int(part.counts[outside].sum())
