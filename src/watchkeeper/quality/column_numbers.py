"""Numbers of a column however it is summarised: as numbers, or as the levels of a few whole numbers or truths."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["moments_of", "quantile_of"]

_TRUTHS = {"false": 0.0, "true": 1.0}


@dataclass(frozen=True, slots=True)
class _Counted:
    """Values in increasing order with their counts, each of shape (k,); nothing is left out."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]


def moments_of(rule: Rule, state: State) -> MomentsPart:
    """Return the moments of the column, in the unit of the column; of truths those of 0 and 1, of times of seconds.

    Raises
    ------
    StateError
        When the column holds no numbers, or more different ones than are counted one by one.
    """
    if "moments" in state.parts:
        return state.part("moments", MomentsPart)
    counted = _counted(rule, state)
    if not len(counted.values):
        return MomentsPart(0.0)
    anchor = float(counted.values[int(counted.counts.argmax())])
    away = counted.values - anchor
    return MomentsPart(
        anchor, int(counted.counts.sum()), float((away * counted.counts).sum()),
        float((away**2 * counted.counts).sum()), float(counted.values[0]), float(counted.values[-1]),
    )  # fmt: skip


def quantile_of(rule: Rule, state: State, q: float) -> tuple[float, int]:
    """Return the quantile at ``q`` and the rows it rests on.

    It is interpolated between the order statistics on both sides of rank (n - 1)·q, so that the median of 1, 2, 3, 4
    is 2.5 and the quantile at 1 the maximum. Exact where every value is counted one by one; elsewhere an order
    statistic is within 2⁻⁸ of its distance from the reference median.

    References
    ----------
    Hyndman and Fan (1996), Sample quantiles in statistical packages, definition 7, doi:10.1080/00031305.1996.10473566.
    """
    if "histogram" in state.parts:
        part, moments = state.part("histogram", HistogramPart), state.part("moments", MomentsPart)
        at = _BinnedRanks(part, state.part("atoms", AtomsPart), moments.smallest, moments.largest)
        return _between(at, part.n, q), part.n
    counted = _counted(rule, state)
    return _between(_CountedRanks(counted), n := int(counted.counts.sum()), q), n


class _CountedRanks:
    def __init__(self, counted: _Counted) -> None:
        self.values, self.cumulated = counted.values, np.cumsum(counted.counts)

    def __call__(self, rank: int) -> float:
        return float(self.values[np.searchsorted(self.cumulated, rank, side="right")])


class _BinnedRanks:
    """Order statistics of a histogram; values that are counted by themselves are told exactly."""

    def __init__(self, part: HistogramPart, atoms: AtomsPart, smallest: float, largest: float) -> None:
        self.cumulated, self.counts, self.atoms = np.cumsum(part.counts), part.counts, atoms
        self.lower, self.upper = part.edges()
        self.smallest, self.largest = smallest, largest

    def __call__(self, rank: int) -> float:
        if rank in (0, self.cumulated[-1] - 1):
            return self.largest if rank else self.smallest
        k = int(np.searchsorted(self.cumulated, rank, side="right"))
        lower, upper, count = self.lower[k], self.upper[k], int(self.counts[k])
        inside = rank - (int(self.cumulated[k]) - count)
        # An edge is rounded when it is mapped back to the unit of the column.
        slack = 1e-9 * max(abs(lower), abs(upper), 1.0)
        alone = (self.atoms.values >= lower - slack) & (self.atoms.values <= upper + slack)
        counted = np.cumsum(self.atoms.counts[alone])
        if len(counted) and counted[-1] == count:
            return float(self.atoms.values[alone][np.searchsorted(counted, inside, side="right")])
        spread = float(lower + (inside + 0.5) / count * (upper - lower))
        return min(max(spread, self.smallest), self.largest)


def _between(at: _CountedRanks | _BinnedRanks, n: int, q: float) -> float:
    if not n:
        return float("nan")
    place = (n - 1) * q
    below, above = at(floor(place)), at(ceil(place))
    return below + (place - floor(place)) * (above - below)


def _counted(rule: Rule, state: State) -> _Counted:
    kind = state.spec.kind if state.spec else None
    if "levels" not in state.parts or kind not in (Kind.CATEGORICAL, Kind.BOOLEAN):
        raise StateError(f"column {rule.column!r} is {kind or 'unknown'}, {rule.kind} needs numbers, truths or times")
    part = state.part("levels", LevelsPart)
    if part.other:
        words = f"column {rule.column!r} has more different values than are counted one by one"
        raise StateError(f"{words}; declare it as numeric to ask its {rule.kind}")
    try:
        values = np.array([_TRUTHS[name] if name in _TRUTHS else float(name) for name in part.names], np.float64)
    except ValueError:
        raise StateError(f"column {rule.column!r} holds text, {rule.kind} needs numbers, truths or times") from None
    rising = np.argsort(values, kind="stable")
    return _Counted(values[rising], part.counts[rising])
