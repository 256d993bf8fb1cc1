"""The largest and smallest value of a statistic so far, and how far beyond them chance alone reaches."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

__all__ = ["Extremes", "record_margin"]

_BLOCKS = 8
_LEAST, _MOST = 0.1, 3.0


@dataclass(frozen=True, slots=True)
class Extremes:
    """Extremes of the last points, kept by blocks of an eighth of them so that the oldest can be forgotten.

    Parameters
    ----------
    lows, highs
        Of each block, oldest first.
    count
        Points in all; ``filled`` of them in the newest block.
    """

    lows: tuple[float, ...] = ()
    highs: tuple[float, ...] = ()
    count: int = 0
    filled: int = 0

    @property
    def low(self) -> float:
        """The smallest value; infinite without points."""
        return min(self.lows, default=inf)

    @property
    def high(self) -> float:
        """The largest value; minus infinity without points."""
        return max(self.highs, default=-inf)

    @property
    def middle(self) -> float:
        """The value halfway between both."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """Half of the distance between both."""
        return (self.high - self.low) / 2

    def after(self, value: float, history: int) -> Extremes:
        """Return the extremes with one more value; beyond ``history`` points the oldest block is forgotten."""
        if not self.lows or self.filled >= max(history // _BLOCKS, 1):
            lows, highs = (*self.lows, value)[-_BLOCKS:], (*self.highs, value)[-_BLOCKS:]
            return Extremes(lows, highs, min(self.count + 1, history), 1)
        lows = (*self.lows[:-1], min(self.lows[-1], value))
        highs = (*self.highs[:-1], max(self.highs[-1], value))
        return Extremes(lows, highs, min(self.count + 1, history), self.filled + 1)


def record_margin(count: int, length: int, per_side: float) -> float:
    """Return by what share of half the range a new value must exceed it to count as more than chance.

    Of t independent values with exponential tails the extreme lies ln t scale units from the middle, and the next value
    exceeds it by the share m of that with probability t⁻¹⁻ᵐ. A statistic of ``length`` points has t/length independent
    values, so that 1/``per_side`` is reached at m = ln(per_side/t)/ln(t/length). It is at least .1, because tails may
    be heavier, and at most 3.

    References
    ----------
    Rényi (1962), Théorie des éléments saillants d'une suite d'observations: the next of t values is a record with
    probability 1/t.
    """
    return min(max(log(max(per_side / count, 1.0)) / log(max(count / length, 3.0)), _LEAST), _MOST)
