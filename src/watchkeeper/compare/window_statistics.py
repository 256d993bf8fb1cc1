"""The few numbers of a column's window that are judged against its season; none of them has an upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sinh

import numpy as np
from numpy.typing import NDArray

from watchkeeper.compare.cells import categorical, numeric
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.schema import Column, Role
from watchkeeper.core.state import State
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["LEAST_ROWS", "MOST", "WindowStatistics", "followed"]

Floats = NDArray[np.float64]

LEAST_ROWS = 3
"""Rows with a value below which a window says nothing."""

MOST = 8
"""Statistics of a column, at most, the one that the other columns explain included."""

_LEVELS = 8
_SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
_QUANTILES = np.array([0.1, 0.5, 0.9])
_INSIDE = 0.02
_FAR, _RARE, _THEIRS = 4.0, 8.0, 0.2
_FLOOR = 0.02
_EMPTY = 0.2
_ATOM = 0.1


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """Which statistics of a column are followed, as its reference decides.

    With y = (x - median)/quartile distance, or its inverse hyperbolic sine where a 1 or 99 % tail is beyond 4, or where
    values beyond 8 make up a fifth of Σ y², so that a mean would be theirs alone:

    - the mean of y, and ln(sd y + .02·sd of the reference);
    - arcsin √F at the reference's deciles 1, 2.5, 5, 7.5 and 9, F being the share of rows below; or, where windows so
      often lie on one side of these that F says little, the quantiles .1, .5 and .9 of y;
    - of levels arcsin √share of each of the eight commonest.

    Shares are (k + 3/8)/(n + 3/4), so that those near 0 and 1 vary as much as others.

    Attributes
    ----------
    names
        As ``Departure.statistic`` has them.
    heavy
        Whether y goes by its inverse hyperbolic sine.
    spread
        Standard deviation of y in the reference.
    cuts
        Bin numbers at which F is taken.
    levels
        Levels whose share is taken.
    shares
        Shares of the reference below the cuts, or of the levels.

    References
    ----------
    Anscombe (1948), The transformation of Poisson, binomial and negative-binomial data, doi:10.1093/biomet/35.3-4.246.
    """

    names: tuple[str, ...]
    heavy: bool = False
    spread: float = 1.0
    cuts: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    @classmethod
    def of(cls, reference: State, windows: Sequence[State]) -> WindowStatistics | None:
        """Return the statistics of a column; None where it has none that are followed.

        Raises
        ------
        StateError
            When a state lacks what they are made of.
        """
        if reference.spec is None:
            return None
        if categorical(reference.spec):
            return _of_levels(reference.part("levels", LevelsPart))
        part = reference.part("histogram", HistogramPart)
        return _of_numbers(part, [w.part("histogram", HistogramPart) for w in windows]) if part.n else None

    def measure(self, state: State) -> tuple[int, Floats]:
        """Return the rows with a value and the statistics, NaN for fewer than three rows, shape (k,)."""
        if self.levels:
            part = state.part("levels", LevelsPart)
            counts = part.as_dict()
            of_levels = _angles(np.array([counts.get(name, 0) for name in self.levels], float), part.n)
            return part.n, of_levels if part.n >= LEAST_ROWS else np.full(len(self.names), np.nan)
        histogram = state.part("histogram", HistogramPart)
        if histogram.n < LEAST_ROWS:
            return histogram.n, np.full(len(self.names), np.nan)
        mean, spread = self._moments(state, histogram)
        rest = _angles(_below(histogram, self.cuts), histogram.n) if self.cuts else self._quantiles(histogram)
        return histogram.n, np.concatenate([[mean, log(spread + _FLOOR * self.spread)], rest])

    def tolerances(self) -> Floats:
        """Return what changes do not matter at a tolerance of .05, shape (k,): an eighth of a sigma and so on."""
        if self.levels:
            return np.full(len(self.names), 0.05)
        rest = [0.05] * len(self.cuts) or [0.2 * self.spread] * len(_QUANTILES)
        return np.array([0.125 * self.spread, 0.1, *rest])

    def change(self, at: int, usual: float, now: float, state: State) -> Change:
        """Return a statistic as it was expected and as it is, in the unit of the column."""
        kind, _, what = self.names[at].partition(":")
        if kind in ("level", "below"):
            before, after = (float(np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2) for angle in (usual, now))
            words = what if kind == "level" else self._under(at, state)
            return Change(Quantity.SHARE, before, after, levels=(words,))
        part = state.part("histogram", HistogramPart)
        if kind == "spread":
            before, after = (max(0.0, float(np.exp(v)) - _FLOOR * self.spread) * part.scale for v in (usual, now))
            return Change(Quantity.TYPICAL_SPREAD if self.heavy else Quantity.DEVIATION, before, after)
        before, after = (part.anchor + part.scale * (sinh(_safe(v)) if self.heavy else v) for v in (usual, now))
        if kind == "quantile":
            return Change(Quantity.QUANTILE, before, after, levels=(what,))
        return Change(Quantity.TYPICAL if self.heavy else Quantity.MEAN, before, after)

    def _under(self, at: int, state: State) -> str:
        part = state.part("histogram", HistogramPart)
        cut = HistogramPart(part.anchor, part.scale, np.array([self.cuts[at - 2]], np.uint16), np.ones(1, np.int64))
        return f"below {float(cut.edges()[0][0]):.4g}"

    def _moments(self, state: State, histogram: HistogramPart) -> tuple[float, float]:
        if not self.heavy:
            moments = state.part("moments", MomentsPart)
            first, second = moments.first / moments.n, moments.second / moments.n
            return first / histogram.scale, max(0.0, second - first**2) ** 0.5 / histogram.scale
        y, share = np.arcsinh(_middles(histogram)), histogram.counts / histogram.n
        mean = float(share @ y)
        return mean, max(0.0, float(share @ (y - mean) ** 2)) ** 0.5

    def _quantiles(self, histogram: HistogramPart) -> Floats:
        y: Floats = (histogram.quantile(_QUANTILES) - histogram.anchor) / histogram.scale
        return np.arcsinh(y) if self.heavy else y


def followed(column: Column) -> bool:
    """Return whether a column has statistics that are followed: features and answers that are numbers or levels."""
    roles = (Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
    return column.role in roles and (numeric(column) or categorical(column))


def _of_levels(part: LevelsPart) -> WindowStatistics | None:
    counts = list(part.as_dict().items())[:_LEVELS]
    if not counts:
        return None
    levels = tuple(name for name, _ in counts)
    shares = tuple(round(count / part.n, 6) for _, count in counts)
    return WindowStatistics(tuple(f"level:{name}" for name in levels), levels=levels, shares=shares)


def _of_numbers(part: HistogramPart, windows: Sequence[HistogramPart]) -> WindowStatistics:
    y, share = _middles(part), part.counts / part.n
    tails = np.abs((part.quantile([0.01, 0.99]) - part.anchor) / part.scale)
    rare = np.abs(y) > _RARE
    heavy = bool(tails.max() > _FAR) or float(share[rare] @ y[rare] ** 2) > _THEIRS * float(share @ y**2)
    y = np.arcsinh(y) if heavy else y
    mean = float(share @ y)
    spread = float(share @ (y - mean) ** 2) ** 0.5 or 1.0
    cumulated = np.cumsum(part.counts)
    rank = np.unique(np.searchsorted(cumulated, _SHARES * part.n))
    rank = rank[rank < len(part.bins) - 1]
    below = cumulated[rank] / part.n
    inside = (below > _INSIDE) & (below < 1 - _INSIDE)
    cuts = tuple(int(part.bins[i + 1]) for i in rank[inside])
    seen = np.array([_below(w, cuts) / w.n for w in windows if w.n > LEAST_ROWS]) if cuts else np.empty(0)
    one_sided = bool(seen.size) and float(((seen <= 0) | (seen >= 1)).mean()) > _EMPTY
    if not cuts or (one_sided and part.counts.max() <= _ATOM * part.n):
        names = ("mean", "spread", *(f"quantile:{q:g}" for q in _QUANTILES.tolist()))
        return WindowStatistics(names, heavy, round(spread, 9))
    kept = below[inside].round(6).tolist()
    names = ("mean", "spread", *(f"below:{share:.2f}" for share in kept))
    return WindowStatistics(names, heavy, round(spread, 9), cuts, shares=tuple(kept))


def _middles(part: HistogramPart) -> Floats:
    return (part.centres() - part.anchor) / part.scale


def _below(part: HistogramPart, cuts: Sequence[int]) -> Floats:
    cumulated = np.append(0.0, np.cumsum(part.counts))
    found: Floats = cumulated[np.searchsorted(part.bins, np.array(cuts))]
    return found


def _angles(counts: Floats, n: int) -> Floats:
    found: Floats = np.arcsin(np.sqrt((counts + 0.375) / (n + 0.75)))
    return found


def _safe(value: float) -> float:
    return float(np.clip(value, -700.0, 700.0))
