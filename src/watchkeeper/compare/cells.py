"""Counts of reference and current over the same cells, from which the distances are computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.evidence import Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.blocks import KEYS
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.keys import IdentityKey
from watchkeeper.stats.level_groups import LevelGroupsPart, group_of
from watchkeeper.stats.levels import LevelsPart

__all__ = [
    "UNCOUNTED",
    "Cells",
    "PairedEcdf",
    "categorical",
    "cells",
    "effective_size",
    "lacking",
    "level_cells",
    "numeric",
    "quantile_cells",
    "rest_alike",
    "sizes",
    "steps",
    "uncounted",
]

_HEAVY = 0.01
"""Share of rows beyond which a bin has a cell of its own."""

_FEW = 10
"""Rows up to which it has none, however few there are in all."""

_AT_ONCE = 8
"""Pairs of states of which steps and cells are kept for the next comparison of the same column, one for each thread."""


_CLOSE, _SHAPE = 0.05, 1.63
"""Distance that the default tolerance allows, and what sampling adds to it in one of a hundred samples, times √n."""


def numeric(column: Column) -> bool:
    """Return whether the column is compared by its histogram."""
    return column.kind in (Kind.NUMERIC, Kind.TIME)


def categorical(column: Column) -> bool:
    """Return whether the column is compared by its levels."""
    return column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN)


def effective_size(n0: float, n: float) -> float:
    """Return n0·n / (n0 + n), the size of one sample that is as uncertain as the difference of the two."""
    return n0 * n / (n0 + n) if n0 > 0 and n > 0 else 0.0


def sizes(n0: float, n: float) -> Size:
    """Return what the rows of both sides are worth together."""
    return Size(n0, effective_size(n0, n))


UNCOUNTED = "the reference was summarised before rows of such columns were counted"


def uncounted(reference: State, current: State) -> bool:
    """Return whether the reference holds nothing of a column of lists or structs, as a stored one of 0.1.0 does not."""
    kind = reference.spec.kind if reference.spec else None
    return kind is Kind.UNUSABLE and bool(reference.problem) and not reference.column_missing and not current.problem


def rest_alike(p: HistogramPart, q: HistogramPart, counts: NDArray[np.int64]) -> bool:
    """Return whether some of the current rows look like the reference.

    Their Kolmogorov–Smirnov distance from it is at most .05 + 1.63·√(1/n0 + 1/n').

    Parameters
    ----------
    counts
        How many of them lie in each bin of ``q``, shape as ``q.bins``.
    """
    n = int(counts.sum())
    if not n or not p.n:
        return False
    bins = np.union1d(p.bins, q.bins)
    f0, f = np.zeros(len(bins)), np.zeros(len(bins))
    f0[np.searchsorted(bins, p.bins)] = p.counts / p.n
    f[np.searchsorted(bins, q.bins)] = counts / n
    distance = float(np.abs(np.cumsum(f0 - f)).max())
    return distance <= _CLOSE + _SHAPE / sqrt(effective_size(p.n, n))


def lacking(name: str, current: State, n0: int, n: int) -> Measurement | None:
    """Return the measurement without data of a comparison where a side has no values; None where both have."""
    if n0 and n:
        return None
    side = "reference" if not n0 else "current data"
    return Measurement.missing(current.key, Family.COMPARISON, name, f"the {side} has no values", n=n)


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of both sides over the same k cells.

    Attributes
    ----------
    reference, current
        int64, shape (k,).
    names
        What each cell holds, in words, shape (k,).
    """

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def n0(self) -> int:
        """Rows of the reference."""
        return int(self.reference.sum())

    @property
    def n(self) -> int:
        """Rows under judgement."""
        return int(self.current.sum())

    def shares(self, floor: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shares of both sides; below ``floor`` they are raised to it and both sides are renormalised."""
        p = np.maximum(self.reference / max(self.n0, 1), floor)
        q = np.maximum(self.current / max(self.n, 1), floor)
        return p / p.sum(), q / q.sum()


@dataclass(frozen=True, slots=True)
class PairedEcdf:
    """The two distribution functions of a numeric column over the union of the occupied bins.

    Attributes
    ----------
    bins
        Ordered bin numbers, uint16, shape (b,).
    reference, current
        Counts per bin, int64, shape (b,).
    whole
        Bins in which both sides hold one and the same value, so that nothing happens inside them, shape (b,).
    value
        The value of each whole bin, NaN for the others, shape (b,).
    lower, upper
        Edges in the unit of the column, shape (b,).
    """

    bins: NDArray[np.uint16]
    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    whole: NDArray[np.bool_]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """Where the rows of each bin are taken to lie, in the unit of the column, shape (b,)."""
        return (self.lower + self.upper) / 2

    def extremes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the largest |F - G| that any order of the rows inside each bin allows, shape (b,)."""
        p, q = self.reference / self.reference.sum(), self.current / self.current.sum()
        before = np.cumsum(p - q) - (p - q)
        low, high = before - q, before + p
        least = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
        return least, np.maximum(np.abs(low), np.abs(high))


def _union(p: HistogramPart, q: HistogramPart) -> NDArray[np.uint16]:
    """Return the bins that either side occupies, in rising order."""
    occupied = np.zeros(KEYS, bool)
    occupied[p.bins] = occupied[q.bins] = True
    return np.flatnonzero(occupied).astype(np.uint16)


def _spread(bins: NDArray[np.uint16], part: HistogramPart) -> NDArray[np.int64]:
    counts = np.zeros(len(bins), np.int64)
    counts[np.searchsorted(bins, part.bins)] = part.counts
    return counts


def steps(reference: State, current: State) -> PairedEcdf:
    """Return both histograms over the union of their bins; the same object as long as it is in use.

    Raises
    ------
    StateError
        When the two were made with different maps.
    """
    return _steps(IdentityKey(reference, current))


@lru_cache(maxsize=_AT_ONCE)
def _steps(same: IdentityKey) -> PairedEcdf:
    reference, current = same.held
    p = reference.part("histogram", HistogramPart)
    q = current.part("histogram", HistogramPart)
    if (p.anchor, p.scale) != (q.anchor, q.scale):
        raise StateError("reference and current were summarised with different maps; summarise both with one reference")
    bins = _union(p, q)
    left, right = _spread(bins, p), _spread(bins, q)
    lower, upper = HistogramPart(p.anchor, p.scale, bins, left).edges()
    first, second = _single(reference, lower, upper, left), _single(current, lower, upper, right)
    one = np.where(left > 0, first, second)
    # NaN, where a bin of one side holds several values, equals nothing.
    whole = ((left == 0) | (first == one)) & ((right == 0) | (second == one))
    return PairedEcdf(bins, left, right, whole, np.where(whole, one, np.nan), lower, upper)


def _atoms(state: State) -> AtomsPart:
    found = state.parts.get("atoms")
    return found if isinstance(found, AtomsPart) else AtomsPart()


def _place(values: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin that holds each value, or -1."""
    # An edge is rounded when it is mapped back to the unit of the column, so the nearest bin is taken.
    at = np.clip(np.searchsorted(upper, values, side="left"), 0, max(len(upper) - 1, 0))
    slack = 1e-9 * np.maximum(np.abs(values), 1.0)
    inside = (values >= lower[at] - slack) & (values <= upper[at] + slack)
    return np.where(inside, at, -1)


def _single(
    state: State, lower: NDArray[np.float64], upper: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the one value that the rows of each bin hold, or NaN."""
    atoms = _atoms(state)
    alone, value = np.zeros(len(lower), np.int64), np.full(len(lower), np.nan)
    if len(atoms.values) and len(lower):
        rising = np.argsort(atoms.counts, kind="stable")
        at, found = _place(atoms.values[rising], lower, upper), atoms.counts[rising]
        alone[at[at >= 0]], value[at[at >= 0]] = found[at >= 0], atoms.values[rising][at >= 0]
    return np.where((alone >= counts) & (counts > 0), value, np.nan)


def cells(reference: State, current: State, bins: int = 10) -> Cells:
    """Cut a numeric column at ``bins`` quantiles of the reference, with bins of much mass in cells of their own.

    Bins that hold more than 1 % of the rows, as a rule because of one value, are taken out before the cells are cut: an
    atom would pull the cell it falls into with it. So are bins that hold more of one side than 1 % and chance explain.
    Bins are never split, so merged states give the cells of the whole.
    """
    return _cells(IdentityKey(reference, current), bins)


@lru_cache(maxsize=_AT_ONCE)
def _cells(same: IdentityKey, bins: int) -> Cells:
    both = steps(*same.held)
    left, right = both.reference, both.current
    # Chosen by both sides together, a bin is no likelier to differ; by one side alone it is, but for a wide margin.
    heavy = left + right > max(_HEAVY * (left.sum() + right.sum()), _FEW)
    for side in (left, right):
        heavy |= side > _HEAVY * side.sum() + 5 * np.sqrt(_HEAVY * side.sum())
    rest = np.where(heavy, 0, left)
    rank = np.zeros(len(left), int)
    if rest.any():
        rank = np.minimum((np.cumsum(rest) - rest / 2) * bins // rest.sum(), bins - 1).astype(int)
    # The heavy bins follow the quantiles, one by one.
    place = np.where(heavy, bins + np.cumsum(heavy) - 1, rank)
    size = bins + int(heavy.sum())
    shares = [np.bincount(place, side, minlength=size).astype(np.int64) for side in (left, right)]
    used = np.flatnonzero(shares[0] + shares[1])
    names = tuple(_name(both, np.flatnonzero(place == k)) for k in used)
    return Cells(shares[0][used], shares[1][used], names)


def quantile_cells(reference: State, current: State, bins: int = 10) -> Cells:
    """Cut a numeric column at the reference's quantiles k/``bins``, each once; a cell ends with its quantile.

    What repeats so often that it is several quantiles in a row ends one cell, with the values below it down to the next
    lower quantile, as in the usual definition of the population stability index.
    """
    both = steps(reference, current)
    cumulated = np.cumsum(both.reference)
    inner = np.arange(1, bins) / bins * (cumulated[-1] if len(cumulated) else 0)
    edges = np.unique(np.searchsorted(cumulated, inner - 1e-9 * np.maximum(inner, 1.0), side="left"))
    cell = np.searchsorted(edges, np.arange(len(cumulated)), side="left")
    counts = [np.bincount(cell, side, minlength=len(edges) + 1) for side in (both.reference, both.current)]
    used = np.flatnonzero(counts[0] + counts[1])
    names = tuple(_name(both, np.flatnonzero(cell == k)) for k in used)
    return Cells(counts[0][used].astype(np.int64), counts[1][used].astype(np.int64), names)


def _name(both: PairedEcdf, bins: NDArray[np.intp]) -> str:
    if len(bins) == 1 and both.whole[bins[0]]:
        return f"{both.value[bins[0]]:g}"
    return f"[{both.lower[bins[0]]:.4g}, {both.upper[bins[-1]]:.4g})"


def level_cells(reference: State, current: State) -> Cells:
    """Return the counts of both sides over the union of their levels.

    Where a side has more levels than are kept, the commonest of one sample are not those of another, so levels are put
    into 256 groups by their hash; a group is named after its commonest level.
    """
    p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
    if p.other or q.other:
        return _grouped(p, q, *(side.part("level_groups", LevelGroupsPart) for side in (reference, current)))
    names = sorted(set(p.names) | set(q.names))
    left, right = p.as_dict(), q.as_dict()
    counts0 = [left.get(name, 0) for name in names]
    counts = [right.get(name, 0) for name in names]
    return Cells(np.array(counts0, np.int64), np.array(counts, np.int64), tuple(names))


def _grouped(p: LevelsPart, q: LevelsPart, left: LevelGroupsPart, right: LevelGroupsPart) -> Cells:
    known = {**p.as_dict(), **q.as_dict()}
    names = sorted(known, key=lambda name: (known[name], name))
    # Written in rising order of their counts, the commonest level of a group stands last.
    named = {int(group): name for group, name in zip(group_of(pl.Series(names)), names, strict=True)}
    used = np.flatnonzero(left.counts + right.counts)
    told = tuple(f"{named[k]} and its group" if k in named else f"group {k}" for k in used.tolist())
    return Cells(left.counts[used], right.counts[used], told)
