"""The difference between two models on the same rows, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, ndtri, stdtr, stdtrit

__all__ = ["Difference", "auroc_difference", "mcnemar", "mean_difference", "rows_needed"]

Floats = NDArray[np.float64]

_FEWEST_DAYS = 5
"""Below this many groups a clustered standard error is too unsteady to be used."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A gain with its standard error.

    Parameters
    ----------
    gain
        Estimate of the difference.
    error
        Its standard error: the larger of the one for independent rows and the one for independent groups.
    n
        Rows it rests on.
    groups
        Groups the error allows for; 0 when rows count as independent.
    """

    gain: float
    error: float
    n: int
    groups: int = 0

    @property
    def sigma(self) -> float:
        """Standard deviation that one row contributes."""
        return self.error * sqrt(self.n)

    def lower(self, alpha: float) -> float:
        """Return the lower end of the one-sided interval at level 1 - alpha."""
        if not self.n or self.error != self.error:
            return -inf
        quantile = stdtrit(self.groups - 1, 1 - alpha) if self.groups else ndtri(1 - alpha)
        return self.gain - float(quantile) * self.error

    @property
    def p(self) -> float:
        """One-sided p-value of the hypothesis that there is no gain."""
        if not self.n or self.error != self.error:
            return 1.0
        if self.error == 0:
            return 0.0 if self.gain > 0 else 1.0
        return float(stdtr(self.groups - 1 if self.groups else inf, -self.gain / self.error))


def mean_difference(champion: Floats, challenger: Floats, groups: NDArray[np.int64] | None = None) -> Difference:
    """Return by how much the challenger's mean loss is lower.

    With d the differences of the losses of each row, the gain is their mean, the error s_d/√n, or with G groups
    √(G/(G-1) · Σ_g (Σ_{i in g} (d_i - d̄))²)/n where that is larger.

    Parameters
    ----------
    champion, challenger
        Losses of the same rows, shape (n,), without NaN.
    groups
        Number of the group (day) of each row; rows of one group may depend on each other. Used from five groups on.
    """
    d = champion - challenger
    n = len(d)
    if n < 2:
        return Difference(float(d.mean()) if n else nan, nan, n)
    gain = float(d.mean())
    return _widened(gain, float(d.std(ddof=1)) / sqrt(n), (d - gain) / n, groups)


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
    label: Floats, champion: Floats, challenger: Floats, groups: NDArray[np.int64] | None = None
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
    groups
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
    return _widened(gain, error, influence, groups), auroc[0], auroc[1]


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


def _widened(gain: float, error: float, influence: Floats, groups: NDArray[np.int64] | None) -> Difference:
    if groups is None:
        return Difference(gain, error, len(influence))
    _, where = np.unique(groups, return_inverse=True)
    sums = np.bincount(where, weights=influence)
    count = len(sums)
    if count < _FEWEST_DAYS:
        return Difference(gain, error, len(influence))
    clustered = sqrt(count / (count - 1) * float(np.square(sums).sum()))
    return Difference(gain, max(error, clustered), len(influence), count)
