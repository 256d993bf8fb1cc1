"""The evidence of all series of a stream, side by side in one array, so that a batch costs a few operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.evidence import BETS, NONE, Bets, advance, tolerated
from watchkeeper.charts.rank_bets import RANK_BETS, Mixture, RankBets
from watchkeeper.core.errors import StateError
from watchkeeper.core.state import RANKS
from watchkeeper.streams.series import Series, needed

__all__ = ["SeriesEvidence"]

_AT_REST = 1 / 3
"""Share of what is needed below which evidence says nothing; what it rose by is told of the rows since."""

Numbers = NDArray[np.float64]


class SeriesEvidence:
    """ln M of every series, and the shares of the rows judged last.

    Attributes
    ----------
    together, needed, delta
        ln of the mean M of each series, what it must reach, and the tolerance in force, float64, shape (series,).
    judged
        Rows of each series in the newest batch, shape (series,).
    """

    def __init__(self, series: Sequence[Series], options: Mapping[str, float], effects: Mapping[str, float]) -> None:
        told = [max(1.0, effects.get(one.column.name, 1.0)) for one in series]
        ranked = [max(e, effects.get(RANKS + one.column.name, 1.0)) for one, e in zip(series, told, strict=True)]
        sizes = [len(one.reference) for one in series]
        spare = [options["margin" if one.rate else "tolerance"] for one in series]
        self.delta = np.array([tolerated(d, one.n_reference, e) for one, d, e in zip(series, spare, told, strict=True)])
        self.needed = needed(series, options["run_length"])
        self._bets = Bets.joined(
            [Bets.against(one.reference, float(d), one.side) for one, d in zip(series, self.delta, strict=True)]
        )
        self._ranks = RankBets.joined(
            [
                RankBets.against(one.reference, d, one.n_reference, e, one.side)
                if one.ordered
                else RankBets.none(len(one.reference))
                for one, d, e in zip(series, spare, ranked, strict=True)
            ]
        )
        self._starts = [0, *np.cumsum(sizes)[:-1].tolist()]
        self._at = [slice(start, start + size) for start, size in zip(self._starts, sizes, strict=True)]
        self._owner = np.repeat(np.arange(len(sizes)), sizes)
        self._per_row = (1 / np.array(told))[self._owner]
        self._rank_per_row = 1 / np.array(ranked)
        on_shares = np.logical_or.reduceat(self._bets.possible.any(axis=0), self._starts)
        self._mixture = Mixture.of(on_shares, self._ranks)
        points = sum(sizes)
        self._grid = np.full((BETS, points), NONE)
        self._ranked = np.full((RANK_BETS, len(sizes)), NONE)
        self._shares, self._lately = np.zeros(points), np.zeros(points)
        self.together = np.full(len(sizes), NONE)
        self.judged, self._since = np.zeros(len(sizes)), np.zeros(len(sizes))

    def take(self, number: int, shares: Numbers, n: int) -> None:
        """Note the shares of a series in the batch that comes next."""
        self._shares[self._at[number]], self.judged[number] = shares, n

    def add_up(self) -> list[int]:
        """Take what was noted into the evidence; return the numbers of the series that signal."""
        seen, rows = self.judged > 0, self.judged[self._owner]
        resting = self.together < _AT_REST * self.needed
        self._since = np.where(resting, 0.0, self._since) + self.judged
        self._lately = np.where(resting[self._owner], 0.0, self._lately) + rows * self._shares
        grid, mean = advance(
            self._grid, self._bets, self._shares, rows * self._per_row, np.maximum(rows, 1.0), self._starts
        )
        ranked = self._ranks.advance(
            self._ranked, self._shares, self.judged * self._rank_per_row, np.maximum(self.judged, 1.0), self._starts
        )
        self._grid = grid if seen.all() else np.where(rows > 0, grid, self._grid)
        self._ranked = np.where(seen, ranked, self._ranked)
        self.together = np.where(seen, self._mixture.together(mean, ranked), self.together)
        return [int(number) for number in np.flatnonzero(seen & (self.together >= self.needed))]

    def newest(self, number: int) -> Numbers:
        """Return the shares of a series in the newest batch."""
        return self._shares[self._at[number]].copy()

    def lately(self, number: int) -> tuple[Numbers, int]:
        """Return the shares of a series over the rows since its evidence began to rise, and their number."""
        rows = float(self._since[number])
        return self._lately[self._at[number]] / max(rows, 1.0), int(rows)

    def strongest(self, number: int) -> tuple[bool, int]:
        """Return whether the strongest bet on a share of a series is on one that rose, and its point."""
        grid = self._grid[:, self._at[number]]
        bet, point = np.unravel_index(int(np.argmax(grid)), grid.shape)
        return bet % 2 == 0, int(point)

    def forget(self, number: int) -> None:
        """Let a series start anew."""
        self._grid[:, self._at[number]], self._ranked[:, number], self.together[number] = NONE, NONE, NONE

    def pack(self) -> tuple[bytes, bytes, bytes]:
        """Return everything as bytes: the evidence by share, the evidence by rank, and all other numbers."""
        numbers = np.concatenate([self.together, self.judged, self._since, self._shares, self._lately])
        return self._grid.tobytes(), self._ranked.tobytes(), numbers.tobytes()

    def unpack(self, grid: bytes, ranked: bytes, numbers: bytes) -> None:
        """Take over what ``pack`` returned; without evidence by rank, which older streams have not, it starts anew.

        Raises
        ------
        StateError
            When it belongs to other series.
        """
        series, points = self.together.size, self._shares.size
        sizes = (len(grid), len(ranked) or self._ranked.nbytes, len(numbers))
        if sizes != (self._grid.nbytes, self._ranked.nbytes, 8 * (3 * series + 2 * points)):
            raise StateError("a stored stream is damaged: its evidence does not fit its reference")
        found = np.frombuffer(numbers).copy()
        self._grid = np.frombuffer(grid).reshape(BETS, points).copy()
        if ranked:
            self._ranked = np.frombuffer(ranked).reshape(RANK_BETS, series).copy()
        self.together, self.judged, self._since = np.split(found[: 3 * series], 3)
        self._shares, self._lately = np.split(found[3 * series :], 2)
