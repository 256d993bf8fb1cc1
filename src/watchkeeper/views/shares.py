"""Reference and current on common bins and levels, as shares of the rows that carry a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.histogram import HistogramPart
from watchkeeper.stats.levels import LevelsPart

__all__ = ["BinShares", "LevelShares", "bin_shares", "level_shares"]

_TAILS = (0.005, 0.995)
_ATOM, _ATOM_OF_WHOLE = 0.02, 0.35
_MOST_ATOMS = 24

Numbers = tuple[HistogramPart, AtomsPart]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BinShares:
    """Shares of the rows of reference and current (in this order) in common bins.

    Attributes
    ----------
    edges
        Shape (bins + 1,), between the 0.5 % and 99.5 % quantiles of both sides.
    bins
        Shape (2, bins): the share of each bin without the atoms.
    atoms, atom_shares
        Values that hold more than 2 % of the rows of either side (35 % where every bin is one whole number), shape
        (k,), and their shares, shape (2, k).
    outside
        The share of each side that lies beyond the edges.
    """

    edges: Floats
    bins: Floats
    atoms: Floats
    atom_shares: Floats
    outside: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LevelShares:
    """Shares of the rows of reference and current (in this order) in the commonest levels, and in all others.

    Attributes
    ----------
    shares
        Shape (2, len(names)).
    others
        Levels that are not among the names, counted together; their share on each side is ``rest``.
    """

    names: tuple[str, ...]
    shares: Floats
    others: int
    rest: tuple[float, float]


def bin_shares(reference: Numbers, current: Numbers, bins: int = 40) -> BinShares | None:
    """Return the shares of both sides in common bins; None when neither has a finite value."""
    sides = [side for side in (reference, current) if side[0].n]
    if not sides:
        return None
    whole = _whole(sides)
    tails = np.array([side[0].quantile(_TAILS) for side in sides])
    low, high = float(tails[:, 0].min()), float(tails[:, 1].max())
    # Where each bin is one whole number, a bin says what a pin would, unless it would dwarf the others.
    single = whole and np.floor(high) - np.floor(low) <= bins
    atoms = _atoms((reference, current), _ATOM_OF_WHOLE if single else _ATOM)
    if len(atoms):
        low, high = min(low, float(atoms[0])), max(high, float(atoms[-1]))
    edges = _edges(low, high, bins, whole)
    shares, atom_shares, outside = np.zeros((2, len(edges) - 1)), np.zeros((2, len(atoms))), [0.0, 0.0]
    for side, (histogram, counted) in enumerate((reference, current)):
        if not histogram.n:
            continue
        held = _counts_of(counted, atoms)
        rest = _without(histogram, atoms, held)
        cumulated = _below(histogram, rest, edges)
        shares[side] = np.diff(cumulated) / histogram.n
        atom_shares[side] = held / histogram.n
        outside[side] = float(max(0.0, rest.sum() - (cumulated[-1] - cumulated[0])) / histogram.n)
    return BinShares(edges, shares, atoms, atom_shares, (outside[0], outside[1]))


def level_shares(reference: LevelsPart, current: LevelsPart, most: int = 12) -> LevelShares | None:
    """Return the shares of the levels that are commonest on either side; None when neither has a row."""
    sides = (reference.as_dict(), current.as_dict())
    totals = [max(1, reference.n), max(1, current.n)]
    if not reference.n and not current.n:
        return None
    weight = {name: max(side.get(name, 0) / total for side, total in zip(sides, totals, strict=True))
              for name in {**sides[0], **sides[1]}}  # fmt: skip
    ranked = sorted(weight, key=lambda name: (-weight[name], name))
    names = tuple(sorted(ranked[:most], key=lambda name: (-sides[0].get(name, 0) / totals[0], -weight[name], name)))
    shares = np.array(
        [[side.get(name, 0) / total for name in names] for side, total in zip(sides, totals, strict=True)]
    )
    rest = [float(max(0.0, bool(part.n) - shares[i].sum())) for i, part in enumerate((reference, current))]
    return LevelShares(names, shares, len(ranked) - len(names), (rest[0], rest[1]))


def _atoms(sides: Sequence[Numbers], share: float) -> Floats:
    """Return the values that are heavy on either side, the heaviest first to be kept."""
    weight: dict[float, float] = {}
    for _, atoms in sides:
        for value, held in zip(*atoms.heavy(share), strict=True):
            weight[float(value)] = max(weight.get(float(value), 0.0), held / atoms.n)
    kept = sorted(weight, key=lambda value: -weight[value])[:_MOST_ATOMS]
    return np.array(sorted(kept))


def _counts_of(part: AtomsPart, values: Floats) -> Floats:
    held = dict(zip(part.values.tolist(), part.counts.tolist(), strict=True))
    return np.array([float(held.get(value, 0)) for value in values.tolist()])


def _whole(sides: Sequence[Numbers]) -> bool:
    """Return whether nearly all rows hold whole numbers, as far as the atoms show."""
    return all(
        atoms.n and atoms.counts.sum() > 0.9 * atoms.n and bool((atoms.values == np.round(atoms.values)).all())
        for _, atoms in sides
    )


def _edges(low: float, high: float, bins: int, whole: bool) -> Floats:
    if whole:
        step = max(1.0, np.ceil((np.floor(high) - np.floor(low)) / bins))
        first = np.floor(low) - 0.5
        return np.asarray(np.arange(first, high + step + 0.5, step))
    if high <= low:
        room = abs(low) * 1e-3 or 0.5
        low, high = low - room, high + room
    return np.linspace(low, high, bins + 1)


def _without(histogram: HistogramPart, atoms: Floats, held: Floats) -> Floats:
    """Return the counts of a histogram with the rows of atoms taken out of the bins that hold them."""
    counts = histogram.counts.astype(float)
    lower, upper = histogram.edges()
    slack = 1e-9 * np.maximum(np.abs(lower), np.abs(upper))
    for value, number in zip(atoms.tolist(), held.tolist(), strict=True):
        near = np.searchsorted(lower, value) + np.arange(-2, 2)
        near = near[(near >= 0) & (near < len(counts))]
        near = near[(lower[near] - slack[near] <= value) & (value <= upper[near] + slack[near])]
        if len(near):
            at = near[counts[near].argmax()]
            counts[at] = max(0.0, counts[at] - number)
    return counts


def _below(histogram: HistogramPart, counts: Floats, edges: Floats) -> Floats:
    """Return how many of ``counts`` lie below each edge, evenly spread inside a bin of the histogram."""
    lower, upper = histogram.edges()
    cumulated = np.cumsum(counts)
    places = np.column_stack([lower, upper]).ravel()
    reached = np.column_stack([cumulated - counts, cumulated]).ravel()
    return np.interp(edges, places, reached)
