"""Counts of reference and current over the same cells, from which the distances are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["Cells", "Steps", "categorical", "cells", "effective_size", "lacking", "level_cells", "numeric", "steps"]


def numeric(column: Column) -> bool:
    """Return whether the column is compared by its histogram."""
    return column.kind in (Kind.NUMERIC, Kind.TIME)


def categorical(column: Column) -> bool:
    """Return whether the column is compared by its levels."""
    return column.kind in (Kind.CATEGORICAL, Kind.BOOLEAN)


def effective_size(n0: float, n: float) -> float:
    """Return n0·n / (n0 + n), the size of one sample that is as uncertain as the difference of the two."""
    return n0 * n / (n0 + n) if n0 > 0 and n > 0 else 0.0


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
class Steps:
    """The two distribution functions of a numeric column over the union of the occupied bins.

    Attributes
    ----------
    bins
        Ordered bin numbers, uint16, shape (b,).
    reference, current
        Counts per bin, int64, shape (b,).
    whole
        Bins in which both sides hold one and the same value, so that nothing happens inside them, shape (b,).
    lower, upper
        Edges in the unit of the column, shape (b,).
    """

    bins: NDArray[np.uint16]
    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    whole: NDArray[np.bool_]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        """Where the rows of each bin are taken to lie, in the unit of the column, shape (b,)."""
        return (self.lower + self.upper) / 2


def _spread(bins: NDArray[np.uint16], part: HistogramPart) -> NDArray[np.int64]:
    counts = np.zeros(len(bins), np.int64)
    counts[np.searchsorted(bins, part.bins)] = part.counts
    return counts


def steps(reference: State, current: State) -> Steps:
    """Return both histograms over the union of their bins.

    Raises
    ------
    StateError
        When the two were made with different maps.
    """
    p = reference.part("histogram", HistogramPart)
    q = current.part("histogram", HistogramPart)
    if (p.anchor, p.scale) != (q.anchor, q.scale):
        raise StateError("reference and current were summarised with different maps; summarise both with one reference")
    bins = np.union1d(p.bins, q.bins)
    left, right = _spread(bins, p), _spread(bins, q)
    lower, upper = HistogramPart(p.anchor, p.scale, bins, left).edges()
    first, second = _single(reference, lower, upper, left), _single(current, lower, upper, right)
    one = np.where(left > 0, first, second)
    # NaN, where a bin of one side holds several values, equals nothing.
    whole = ((left == 0) | (first == one)) & ((right == 0) | (second == one))
    return Steps(bins, left, right, whole, lower, upper)


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
    """Cut a numeric column at ``bins`` quantiles of the reference, with values of much mass in cells of their own.

    Values that hold more than 1 % of either side are taken out of their bins first, because an atom that is split
    between neighbouring cells by rounding looks like drift.
    """
    both = steps(reference, current)
    left, right = both.reference.astype(np.int64), both.current.astype(np.int64)
    ours, theirs = _atoms(reference), _atoms(current)
    values = np.union1d(ours.heavy()[0], theirs.heavy()[0])
    atoms_left = _counts_at(ours, values)
    atoms_right = _counts_at(theirs, values)
    at = _place(values, both.lower, both.upper) if len(both.lower) else np.full(len(values), -1)
    np.subtract.at(left, at[at >= 0], atoms_left[at >= 0])
    np.subtract.at(right, at[at >= 0], atoms_right[at >= 0])
    left, right = np.maximum(left, 0), np.maximum(right, 0)
    rest = int(left.sum())
    if rest:
        cumulated = np.cumsum(left)
        rank = np.minimum((cumulated - left / 2) * bins // max(rest, 1), bins - 1).astype(int)
    else:
        rank = np.zeros(len(left), int)
    continuous_left = np.bincount(rank, left, minlength=bins).astype(np.int64)
    continuous_right = np.bincount(rank, right, minlength=bins).astype(np.int64)
    used = (continuous_left + continuous_right) > 0
    names = [_span(both, rank == k) for k in np.flatnonzero(used)]
    return Cells(
        np.concatenate([continuous_left[used], atoms_left]),
        np.concatenate([continuous_right[used], atoms_right]),
        (*names, *(f"{value:g}" for value in values)),
    )


def _counts_at(atoms: AtomsPart, values: NDArray[np.float64]) -> NDArray[np.int64]:
    counts = np.zeros(len(values), np.int64)
    if len(values) and len(atoms.values):
        at = np.minimum(np.searchsorted(atoms.values, values), len(atoms.values) - 1)
        found = atoms.values[at] == values
        counts[found] = atoms.counts[at[found]]
    return counts


def _span(both: Steps, chosen: NDArray[np.bool_]) -> str:
    where = np.flatnonzero(chosen)
    return f"[{both.lower[where[0]]:.4g}, {both.upper[where[-1]]:.4g})"


def level_cells(reference: State, current: State) -> Cells:
    """Return the counts of both sides over the union of their levels, with the rest of each as one more cell."""
    p, q = reference.part("levels", LevelsPart), current.part("levels", LevelsPart)
    names = sorted(set(p.names) | set(q.names))
    left, right = p.as_dict(), q.as_dict()
    counts0 = [left.get(name, 0) for name in names]
    counts = [right.get(name, 0) for name in names]
    if p.other or q.other:
        names.append("(other)")
        counts0.append(p.other)
        counts.append(q.other)
    return Cells(np.array(counts0, np.int64), np.array(counts, np.int64), tuple(names))
