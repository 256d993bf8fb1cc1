"""The fixed points of a reference at which shares of rows are compared, whether of a state or of rows as they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical
from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import NumericMap
from watchkeeper.core.state import State
from watchkeeper.stats.blocks import Levels, Numbers
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.histogram import HistogramPart, bin_order
from watchkeeper.stats.levels import LevelsPart

__all__ = ["POINTS", "Cuts"]

POINTS = 128
"""Points at which a distribution function is compared: quantiles of the reference."""

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the shares of a column are taken; it follows from the reference alone, so any two batches have the same.

    Attributes
    ----------
    bins
        Numeric columns: the first point is the share of rows below the reference's smallest bin, each other one the
        share in bins below a number, at most 128 quantiles of the reference; int64, shape (k,).
    levels
        Others: one point for each level of the reference, then one for all the rest together.
    map
        The map of the histogram.
    reference
        Shares of the reference, the share of rows without a value last, shape (k + 1,).
    fresh
        Shares that new rows have if nothing changed, shape (k + 1,). They differ where levels are many: those that a
        sample shows most often are less common than they look, and others it has missed. By Good and Turing the levels
        seen at least r times hold as much of new rows as those seen at least r + 1 times hold of the sample.
    n_reference
        Rows of the reference.

    References
    ----------
    Good (1953), The population frequencies of species and the estimation of population parameters,
    doi:10.1093/biomet/40.3-4.237.
    """

    bins: Counts | None
    levels: tuple[str, ...]
    map: NumericMap
    reference: Shares
    fresh: Shares
    n_reference: int

    @classmethod
    def of(cls, reference: State) -> Cuts:
        """Return the points of a reference.

        Raises
        ------
        StateError
            When the state lacks what shares are taken from.
        """
        count = reference.part("count", CountPart)
        if reference.spec is not None and categorical(reference.spec):
            kept = reference.part("levels", LevelsPart)
            shares = _shares(np.append(kept.counts, kept.other), count.missing, count.rows)
            return cls(None, kept.names, NumericMap(), shares, _unbiased(shares, kept, count.rows), count.rows)
        part = reference.part("histogram", HistogramPart)
        bins = _quantiles(part)
        shares = _shares(_below(part, bins) + count.negative, count.missing, count.rows)
        return cls(bins, (), NumericMap(part.anchor, part.scale), shares, shares, count.rows)

    def in_state(self, current: State) -> Shares:
        """Return the shares of the rows of a state, shape (k + 1,).

        Raises
        ------
        StateError
            When the state was made with another map.
        """
        count = current.part("count", CountPart)
        if self.bins is None:
            part = current.part("levels", LevelsPart)
            return _shares(self._known(part.as_dict(), part.n), count.missing, count.rows)
        found = current.part("histogram", HistogramPart)
        if (found.anchor, found.scale) != (self.map.anchor, self.map.scale):
            raise StateError(
                "reference and current were summarised with different maps; summarise both with one reference"
            )
        return _shares(_below(found, self.bins) + count.negative, count.missing, count.rows)

    def in_numbers(self, blocks: Iterable[Numbers]) -> Shares:
        """Return the shares of rows of a numeric column as they come; equal to those of their state."""
        bins = np.empty(0, np.int64) if self.bins is None else self.bins
        below, missing, rows = np.zeros(len(bins), np.int64), 0, 0
        for block in blocks:
            below += np.searchsorted(np.sort(bin_order(block.keys)), bins) + block.negative
            missing, rows = missing + block.nulls + block.nans, rows + block.rows
        return _shares(below, missing, rows)

    def in_levels(self, block: Levels) -> Shares:
        """Return the shares of rows of any other column as they come; equal to those of their state."""
        found = dict(zip(block.names.to_list(), block.counts.tolist(), strict=True))
        return _shares(self._known(found, int(block.counts.sum())), block.nulls, block.rows)

    def _known(self, found: dict[str, int], n: int) -> Counts:
        known = np.array([found.get(name, 0) for name in self.levels], np.int64)
        return np.append(known, n - known.sum())


def _unbiased(shares: Shares, kept: LevelsPart, rows: int) -> Shares:
    """Return the shares with that of all other levels as new rows have it."""
    if not len(kept.counts):
        return shares
    rarest = int(kept.counts.min()) if kept.other else 1
    seen, next_seen, last = (float((kept.counts == rarest + more).sum()) for more in range(3))
    left_out = 0.0
    if kept.other and last:
        # Of the levels seen as often as the rarest one not all were kept; how many there are follows from the two
        # numbers above, as for counts by Poisson.
        all_seen = max(seen, next_seen**2 / last * (rarest + 1) / (rarest + 2))
        left_out = (1 - seen / all_seen) * (rarest + 1) * next_seen
    found = shares.copy()
    found[len(kept.names)] += (rarest * seen + left_out) / max(rows, 1)
    return found


def _quantiles(part: HistogramPart) -> Counts:
    if not len(part.bins):
        return np.empty(0, np.int64)
    cumulated = np.cumsum(part.counts)
    wanted = np.arange(1, POINTS) * int(cumulated[-1]) / POINTS
    rank = np.unique(np.searchsorted(cumulated, wanted))
    # A cut lies before the next bin that the reference fills, the outermost ones right at the edge of the reference.
    bins = part.bins.astype(np.int64)
    return np.concatenate([bins[:1], bins[rank[rank < len(bins) - 1] + 1], bins[-1:] + 1])


def _below(part: HistogramPart, cuts: Counts) -> Counts:
    """Return the number of rows in bins below each cut."""
    cumulated: Counts = np.append(0, np.cumsum(part.counts))
    return cumulated[np.searchsorted(part.bins, cuts)]


def _shares(counts: Counts, missing: int, rows: int) -> Shares:
    return np.append(counts, missing) / max(rows, 1)
