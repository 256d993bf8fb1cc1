"""The difference between two models on the same rows, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, fdtri, ndtri, stdtr, stdtrit

__all__ = [
    "Difference",
    "auroc_difference",
    "correlation_of_sums",
    "correlation_within",
    "design_effect",
    "mcnemar",
    "mean_difference",
    "rows_needed",
]

Floats = NDArray[np.float64]

_FEWEST_DAYS = 5
"""Below this many groups what earlier ones say is steadier than their own standard error."""

_SEASON = 7
"""Days from which on a weekly pattern has shown itself within the rows."""

_FEWEST_STRETCHES = 3
_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Difference:
    """A gain with its standard error.

    Parameters
    ----------
    gain
        Estimate of the difference.
    error
        Its standard error: the largest of the one for independent rows, the one for independent groups, and the one
        that earlier groups ask for; NaN where dependent rows of one group are all there is.
    n
        Rows it rests on.
    groups
        Groups the error was estimated from; 0 when it was not.
    """

    gain: float
    error: float
    n: int
    groups: int = 0

    @property
    def _freedom(self) -> int:
        return (self.groups or self.n) - 1

    @property
    def sigma(self) -> float:
        """Standard deviation that one row contributes."""
        return self.error * sqrt(self.n)

    def lower(self, alpha: float) -> float:
        """Return the lower end of the one-sided interval at level 1 - alpha."""
        if not self.n or self.error != self.error:
            return -inf
        return self.gain - float(stdtrit(self._freedom, 1 - alpha)) * self.error

    @property
    def p(self) -> float:
        """One-sided p-value of the hypothesis that there is no gain."""
        if not self.n or self.error != self.error:
            return 1.0
        if self.error == 0:
            return 0.0 if self.gain > 0 else 1.0
        return float(stdtr(self._freedom, -self.gain / self.error))


def mean_difference(
    champion: Floats,
    challenger: Floats,
    groups: NDArray[np.int64] | None = None,
    correlation: float | None = None,
) -> Difference:
    """Return by how much the challenger's mean loss is lower.

    With d the differences of the losses of each row, the gain is their mean, the error s_d/√n, or with G groups
    √(G/(G-1) · Σ_g (Σ_{i in g} (d_i - d̄))²)/n where that is larger. Fewer than seven groups have not shown all that
    groups do: with a correlation known from earlier ones the error is s_d·√(φ/n) where that is larger, see
    ``design_effect``. Without, they are compared by their own few sums, with G - 1 degrees of freedom; one group alone
    says nothing.

    Parameters
    ----------
    champion, challenger
        Losses of the same rows, shape (n,), without NaN.
    groups
        Number of the group (day) of each row; rows of one group may depend on each other.
    correlation
        From ``correlation_within``, of earlier rows, for stretches as long as these; None where there were too few.
    """
    d = champion - challenger
    n = len(d)
    if n < 2:
        return Difference(float(d.mean()) if n else nan, nan, n)
    gain = float(d.mean())
    return _widened(gain, float(d.std(ddof=1)) / sqrt(n), (d - gain) / n, groups, correlation)


def correlation_within(d: Floats, days: NDArray[np.int64], length: int) -> float | None:
    """Return how much rows of one stretch of days may have in common: an upper bound of the intraclass correlation.

    With F the ratio of the mean squares between and within stretches of m rows, ρ = (F - 1)/(F + m - 1). F is divided
    by the lower decile of its distribution without any effect, so that a correlation that few stretches did not show is
    allowed for (Searle's interval, exact for normal effects and equal stretches). Stretches rather than days, because
    what lasts several days, as a weekend does, does not average out within a block of three.

    Parameters
    ----------
    d
        Differences of earlier rows, shape (n,).
    days
        Number of the day of each.
    length
        Days in a stretch.

    Returns
    -------
    float or None
        Between 0 and 1; None where there are fewer than three stretches with two rows each.

    References
    ----------
    Donner & Wells (1986), A comparison of confidence interval methods for the intraclass correlation coefficient,
    doi:10.2307/2531045.
    """
    if not len(d):
        return None
    _, where, counts = np.unique((days - days.min()) // max(1, length), return_inverse=True, return_counts=True)
    sums: Floats = np.bincount(where, weights=d).astype(np.float64)
    squares: Floats = np.bincount(where, weights=np.square(d)).astype(np.float64)
    return correlation_of_sums(counts, sums, squares)


def correlation_of_sums(
    counts: NDArray[np.int64], sums: Floats, squares: Floats, periods: NDArray[np.int64] | None = None
) -> float | None:
    """Return the same from the rows, their sum and their sum of squares of each stretch; see ``correlation_within``.

    Parameters
    ----------
    periods
        Number of the period of each stretch, from 0: stretches are compared with the others of their period only.
    """
    kept = counts >= 2
    counts, sums, squares = counts[kept], sums[kept], squares[kept]
    period = np.zeros(len(counts), np.int64) if periods is None else np.unique(periods[kept], return_inverse=True)[1]
    g, n, apart = len(counts), int(counts.sum()), len(np.unique(period))
    if g - apart < _FEWEST_STRETCHES - 1:
        return None
    means = sums / counts
    centres = np.bincount(period, weights=sums) / np.bincount(period, weights=counts)
    between = float((counts * np.square(means - centres[period])).sum()) / (g - apart)
    within = float((squares - counts * np.square(means)).sum()) / (n - g)
    # What is left of a difference of sums is no spread.
    if within <= 1e-12 * max(float(squares.sum()) / n, 1e-300):
        return 1.0 if between > 0 and float(np.ptp(means)) > 0 else 0.0
    ratio = between / within / float(fdtri(g - apart, n - g, 1 - _CONFIDENCE))
    size = (n - float(np.square(counts).sum()) / n) / (g - 1)
    return max(0.0, (ratio - 1) / (ratio + size - 1))


def design_effect(n: int, correlation: float) -> float:
    """Return by how much dependence multiplies the variance of a mean of n rows of one stretch: φ = 1 + (n - 1)·ρ.

    Examples
    --------
    >>> design_effect(501, 0.01)
    6.0
    """
    return 1.0 + max(0, n - 1) * correlation


def mcnemar(champion_wrong: Floats, challenger_wrong: Floats) -> float:
    """Return the exact one-sided McNemar p-value: P(X ≥ b) with X ~ Binomial(b + c, 1/2).

    b counts the rows that only the champion got wrong, c those that only the challenger got wrong.

    References
    ----------
    McNemar (1947), Note on the sampling error of the difference between correlated proportions,
    doi:10.1007/BF02295996.
    """
    b = int(np.sum((champion_wrong == 1) & (challenger_wrong == 0)))
    c = int(np.sum((champion_wrong == 0) & (challenger_wrong == 1)))
    return float(bdtrc(b - 1, b + c, 0.5)) if b else 1.0


def auroc_difference(
    label: Floats,
    champion: Floats,
    challenger: Floats,
    groups: NDArray[np.int64] | None = None,
    correlation: float | None = None,
) -> tuple[Difference, float, float]:
    """Return by how much the challenger's AUROC is higher, and both AUROCs.

    Paired DeLong: the error comes from the placements of every positive among the negatives and of every negative
    among the positives, computed from midranks in O(n log n); exact for ties. NaN without both classes.

    Parameters
    ----------
    label
        1 for the positive class, 0 otherwise, shape (n,).
    champion, challenger
        Scores of the same rows.
    groups, correlation
        As for ``mean_difference``.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), doi:10.2307/2531595. Sun, Xu (2014), doi:10.1109/LSP.2014.2337313.
    """
    positive = label == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if m < 2 or n < 2:
        return Difference(nan, nan, len(label)), nan, nan
    first, second = _placements(champion, positive), _placements(challenger, positive)
    auroc = [float(p[positive].mean()) for p in (first, second)]
    d = second - first
    gain = auroc[1] - auroc[0]
    error = sqrt(float(d[positive].var(ddof=1)) / m + float(d[~positive].var(ddof=1)) / n)
    influence = np.where(positive, (d - gain) / m, (d - gain) / n)
    return _widened(gain, error, influence, groups, correlation), auroc[0], auroc[1]


def rows_needed(sigma: float, margin: float, *, gain: float = 0.0, alpha: float = 0.05, power: float = 0.8) -> int:
    """Return the rows that show non-inferiority: n ≥ (z_{1-α} + z_{power})² σ² / (δ + μ)².

    Parameters
    ----------
    sigma
        Standard deviation of the difference of one row.
    margin, gain
        δ, how much worse is acceptable, and μ, the gain that is expected; zero of each asks for the impossible.

    Examples
    --------
    >>> rows_needed(0.5, 0.02)
    3865
    """
    if margin + gain <= 0:
        return 2**31
    z = float(ndtri(1 - alpha) + ndtri(power))
    return int(np.ceil((z * sigma / (margin + gain)) ** 2))


def _placements(score: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return for each row the share of the other class it beats (positives) or is beaten by (negatives)."""
    m, n = int(positive.sum()), int((~positive).sum())
    overall = _midranks(score)
    placed = np.empty(len(score))
    placed[positive] = (overall[positive] - _midranks(score[positive])) / n
    placed[~positive] = 1 - (overall[~positive] - _midranks(score[~positive])) / m
    return placed


def _midranks(values: Floats) -> Floats:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[where].astype(np.float64)


def _widened(
    gain: float, error: float, influence: Floats, groups: NDArray[np.int64] | None, correlation: float | None
) -> Difference:
    n = len(influence)
    if groups is None:
        return Difference(gain, error, n)
    _, where = np.unique(groups, return_inverse=True)
    sums = np.bincount(where, weights=influence)
    count = len(sums)
    clustered = sqrt(count / (count - 1) * float(np.square(sums).sum())) if count > 1 else 0.0
    if count < _SEASON and correlation is not None:
        known = error * sqrt(design_effect(n, correlation))
        # An error that earlier groups ask for is an upper bound already; few groups are no better than that.
        return Difference(gain, max(known, clustered), n, count if clustered > known and count >= _FEWEST_DAYS else 0)
    if count < 2:
        return Difference(gain, nan, n)
    return Difference(gain, max(error, clustered), n, count)
