"""The range of a column's values: what has ever been seen, and the rows outside of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchkeeper.stats.histogram import HistogramPart

__all__ = ["CONSTANT_BEFORE", "FAR", "ROOM", "ValueRange", "beyond", "extent", "value_range"]

ROOM = 0.25
"""Widths by which values may lie outside of the range before they count, where most rows do."""

FAR = 1.0
"""Widths by which they may where few rows do."""

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

    def widened(self, widths: float) -> ValueRange:
        """Return the range with so many times its width on either side."""
        room = widths * (self.upper - self.lower)
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
    # Halves are compared, whose differences no two numbers overflow.
    width = float(upper[last] / 2) - float(lower[first] / 2) if last > first else np.inf
    far = lower[1:] / 2 - upper[:-1] / 2 > _GAP * width
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
    """Return how many rows lie outside of a range by more than its width, or most rows by more than a quarter of it.

    A heat wave or a price that few rows reach lies near what was seen; what a fault makes of single rows does not.
    Counted by whole bins.
    """
    lower, upper = part.edges()
    near, far = (
        int(part.counts[(lower > wide.upper) | (upper < wide.lower)].sum())
        for wide in (span.widened(ROOM), span.widened(FAR))
    )
    return near if 2 * near > part.n else far
