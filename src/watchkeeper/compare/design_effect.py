"""How much more the windows of a reference differ from one another than independent rows would."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from watchkeeper.charts.rank_bets import mid_ranks
from watchkeeper.compare.cells import categorical, level_cells, numeric
from watchkeeper.compare.cuts import Cuts
from watchkeeper.compare.divergence import comparable
from watchkeeper.compare.shares import curve
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.covariance import CovariancePart
from watchkeeper.stats.text_buckets import BucketsPart
from watchkeeper.stats.text_characters import TextCharactersPart
from watchkeeper.stats.text_lengths import TextLengthsPart

__all__ = ["LEAST_WINDOWS", "design_effect", "rank_effect", "tells_effect"]

Shares = tuple[int, NDArray[np.float64]]
Means = tuple[int, NDArray[np.float64], NDArray[np.float64]]

LEAST_WINDOWS = 20
"""Windows of the reference from which the design effect can be told."""

_DRAWS = 1_000
_QUANTILES = (0.5, 0.9)
_FEWEST_ROWS = 5
_WORDS = 1_000
_EDGE = 0.05
"""Shares nearer to 0 or 1 have too few rows in a window to tell how much they vary."""

_KNOWN, _SURE = 100, 4.0
"""Rows of a reference from which a share is told all the same, where it varies by so many standard errors more."""


def design_effect(whole: State, windows: Iterable[State]) -> float | None:
    """Return φ ≥ 1, by which the size of a window is to be divided.

    φ = max(1, (d_.5/m_.5)², (d_.9/m_.9)²), with d the quantile over windows of √(n·n0/(n0 - n))·D. D is the largest
    distance between the shares of a window and of the whole reference at fixed points, which is (n0 - n)/n0 times its
    distance from the other windows; m is the same quantile for independent rows: .8276 and 1.2238 for a continuous
    column (Kolmogorov), simulated from the column's own shares otherwise. Clusters of rows raise both quantiles alike;
    windows that differ a little without harm raise the upper one more, because then the tail of D is wider. φ is also
    at least the mean over the points of the variance between windows over p·(1 - p), Kish's own ratio: where rows of a
    cluster are alike in their middle and differ in their tails, the largest distance says too little. Of levels,
    and of columns with few values, whose shares are near 0 or 1 it is the largest such ratio that is surely above 1.

    Of free text φ is the largest of that of the lengths and the ratios Σ var(window means)·n / Σ var(texts) over the
    classes of characters and over the words, of vectors it is that ratio over their numbers.

    Parameters
    ----------
    whole
        State of the reference.
    windows
        States of windows that the reference is made of.

    Returns
    -------
    float or None
        None for fewer than 20 windows with rows.

    References
    ----------
    Kish (1965), Survey sampling, section 8.2, for the design effect of clusters.
    """
    spec = whole.spec
    held = list(windows)
    if spec is not None and spec.kind is Kind.VECTOR:
        return _of_means([_vector(state) for state in (whole, *held)])
    if spec is not None and spec.kind is Kind.TEXT:
        told = [_of_shares([_lengths(whole, state) for state in (whole, *held)], separate=False)]
        told.append(_of_means([_characters(state) for state in (whole, *held)]))
        told.append(_of_means([_words(whole, state) for state in (whole, *held)]))
        known = [one for one in told if one is not None]
        return max(known) if known else None
    rows = [state.part("count", CountPart).rows for state in (whole, *held)]
    both = [_shares(whole, state) if n else np.empty(0) for n, state in zip(rows, (whole, *held), strict=True)]
    return _of_shares(list(zip(rows, both, strict=True)), separate=bool(spec and categorical(spec)))


def rank_effect(whole: State, windows: Iterable[State]) -> float | None:
    """Return φ of the mean rank of a numeric column, or of its mean distance from the middle, if that is larger.

    It is Kish's ratio: the variance of the means of windows over that of means of independent rows. Rows that are alike
    in part are more alike in their ranks than in whether they lie below one point: with a correlation of .5 between two
    normal rows that is .48 for ranks, and .33 for the median.

    Returns
    -------
    float or None
        None for fewer than 20 windows with rows, and for columns without an order.
    """
    if whole.spec is None or not numeric(whole.spec):
        return None
    cuts = Cuts.of(whole)
    ranks, weight = mid_ranks(cuts.reference)
    samples: list[list[Means]] = [[], []]
    for state in (whole, *windows):
        n = state.part("count", CountPart).rows
        cells = np.diff(np.concatenate([[0.0], cuts.in_state(state)[:-1], [1.0]])) if n else np.zeros(len(weight))
        for found, z in zip(samples, (ranks, np.abs(2 * ranks - 1)), strict=True):
            spread = np.array([max(float(weight @ z**2) - float(weight @ z) ** 2, 0.0)])
            found.append((n, np.array([float(cells @ z)]), spread))
    told = [one for one in map(_of_means, samples) if one is not None]
    return max(told) if told else None


def tells_effect(column: Column) -> bool:
    """Return whether a design effect can be told of a column from its states."""
    return comparable(column) or column.kind in (Kind.TEXT, Kind.VECTOR)


def _of_shares(samples: list[Shares], *, separate: bool) -> float | None:
    """Return φ from the rows and shares of the whole, first, and of its windows; None for too few windows."""
    (n0, shares), *windows = samples
    used = [(n, own) for n, own in windows if _FEWEST_ROWS <= n < n0]
    if len(used) < LEAST_WINDOWS:
        return None
    changes = [sqrt(n * n0 / (n0 - n)) * (own - shares) for n, own in used]
    usual = len(used) / sum(1 / n for n, _ in used)
    spread = _spread(shares, changes, usual, n0, separate=separate)
    expected = _expected(tuple(np.round(shares, 4).tolist()), separate)
    seen = np.quantile([float(np.abs(change).max()) for change in changes], _QUANTILES)
    largest = [float(d / m) ** 2 for d, m in zip(seen, expected, strict=True) if m > 0]
    return max(1.0, spread, *largest) if largest else 1.0


def _of_means(samples: list[Means]) -> float | None:
    """Return φ from rows, means and variances of the whole, first, and of its windows; None for too few windows."""
    (n0, mean, variance), *windows = samples
    used = [(n, own) for n, own, _ in windows if _FEWEST_ROWS <= n < n0]
    total = float(variance.sum())
    if len(used) < LEAST_WINDOWS:
        return None
    if total <= 0:
        return 1.0
    return max(1.0, float(np.mean([n * n0 / (n0 - n) * ((own - mean) ** 2).sum() for n, own in used])) / total)


def _vector(state: State) -> Means:
    part = state.parts.get("covariance")
    if not isinstance(part, CovariancePart) or part.n < 2:
        return 0, np.empty(0), np.empty(0)
    # All numbers of a vector have one map, in which they are compared.
    return part.n, part.mean, np.diag(part.covariance)


def _characters(state: State) -> Means:
    part = state.part("text_characters", TextCharactersPart)
    mean = part.sums / max(part.texts, 1)
    return part.texts, mean, np.maximum(part.squares / max(part.texts, 1) - mean**2, 0.0)


def _words(whole: State, state: State) -> Means:
    """Return in which share of texts each of the reference's commonest words occurs."""
    before, own = (side.part("text_tokens", BucketsPart) for side in (whole, state))
    common = np.sort(before.buckets[np.argsort(before.counts, kind="stable")[-_WORDS:]])
    share = np.zeros(len(common))
    if own.texts and len(own.buckets):
        at = np.minimum(np.searchsorted(own.buckets, common), len(own.buckets) - 1)
        share = np.where(own.buckets[at] == common, own.counts[at], 0) / own.texts
    return own.texts, share, share * (1 - share)


def _lengths(whole: State, state: State) -> Shares:
    """Return the shares of texts up to each length at which the reference's share rises, and 0 for none missing."""
    before, own = (side.part("text_lengths", TextLengthsPart).characters for side in (whole, state))
    if not own.n:
        return 0, np.empty(0)
    below = np.append(0, np.cumsum(own.counts))[np.searchsorted(own.bins, before.bins, side="right")]
    return own.n, np.append(below / own.n, 0.0)


def _spread(
    shares: NDArray[np.float64], changes: list[NDArray[np.float64]], usual: float, n0: int, *, separate: bool
) -> float:
    """Return the mean over points of the variance between windows over that of independent rows.

    Rare shares are left out of the mean. Those of levels, and of a column that has no others, count by themselves where
    they vary by surely more than in windows of ``usual`` independent rows: a holiday is so for all rows of its day.
    """
    inside = (shares > _EDGE) & (shares < 1 - _EDGE)
    p = np.clip(shares, 1e-12, 1 - 1e-12)
    ratios = np.mean([change**2 for change in changes], axis=0) / (p * (1 - p))
    found = float(np.mean(ratios[inside])) if inside.any() else 1.0
    if inside.any() and not separate:
        return found
    error = np.sqrt((2 + 1 / (usual * p * (1 - p))) / len(changes))
    rare = ~inside & (n0 * np.minimum(shares, 1 - shares) >= _KNOWN) & (ratios > 1 + _SURE * error)
    return max(found, float(ratios[rare].max(initial=1.0)))


def _shares(whole: State, window: State) -> NDArray[np.float64]:
    """Return the shares of a window at the points of the reference; a window has no level that the whole lacks."""
    if whole.spec is None or not categorical(whole.spec):
        return curve(whole, window)[1]
    count = window.part("count", CountPart)
    return np.append(level_cells(whole, window).current, count.missing) / count.rows


@lru_cache(maxsize=4_096)
def _expected(shares: tuple[float, ...], separate: bool) -> tuple[float, ...]:
    """Return the quantiles of the largest deviation of shares of independent rows, times √n."""
    rng = np.random.default_rng(0)
    p, null = np.array(shares[:-1]), shares[-1]
    if not separate:
        edges = np.diff(np.append(0.0, np.append(p, 1 - null)))
        cells = np.append(np.maximum(edges, 0.0), null)
    else:
        cells = np.append(p, null)
    cells = cells / cells.sum() if cells.sum() else cells
    root = np.sqrt(cells)
    drawn = rng.standard_normal((_DRAWS, len(cells)))
    change = root * drawn - cells * (drawn @ root)[:, None]
    points = change if separate else np.hstack([np.cumsum(change[:, :-1], axis=1)[:, :-1], change[:, -1:]])
    return tuple(np.quantile(np.abs(points).max(axis=1), _QUANTILES).tolist())
