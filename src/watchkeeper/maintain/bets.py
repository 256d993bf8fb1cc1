"""Evidence against a bounded mean, gathered by betting on it: it may be looked at after every row."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

__all__ = ["Bet", "ratio_evidence"]

Floats = NDArray[np.float64]

_MOST = 0.5
"""The share of what can be lost that is staked at most: a stake of all is lost by one row."""

_PRIOR = 1_000.0


@dataclass(frozen=True, slots=True)
class Bet:
    """A bet against H0: E[Z] ≤ m, for Z of at least some bound, and how it stands.

    E_t = Π (1 + λ_s·(Z_s - m)), λ_s = clip((μ - m)/(σ² + (μ - m)²), 0, ½/(m - bound)) with μ and σ² of the rows before
    s. Where E[Z_s | past] ≤ m, P(∃t: E_t ≥ 1/α) ≤ α, however often one looks.

    Parameters
    ----------
    log_evidence
        ln E.
    n, total, squares
        Rows so far, their sum and their sum of squares.

    Notes
    -----
    Rows that depend on each other, as those of one day do, break it: divide ``log_evidence`` by an upper bound of
    their design effect.

    References
    ----------
    Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting,
    doi:10.1093/jrsssb/qkad009.

    Examples
    --------
    >>> Bet().after(np.full(200, 0.2), mean=0.0, bound=-1.0).log_evidence > log(100)
    True
    """

    log_evidence: float = 0.0
    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def path(self, z: Floats, mean: float, bound: float) -> Floats:
        """Return ln E after each of further rows, shape (n,).

        Parameters
        ----------
        z
            The rows' values, none below ``bound``.
        mean
            m, the largest mean of the hypothesis.
        """
        if not len(z):
            return np.empty(0)
        # One row of the bound's size and one of the mean itself stand for a prior that is soon outweighed.
        n = self.n + np.arange(len(z)) + 1.0
        before = self.total + mean + np.concatenate([[0.0], np.cumsum(z)[:-1]])
        squares = np.concatenate([[0.0], np.cumsum(np.square(z))[:-1]])
        squares = squares + self.squares + (mean - bound) ** 2 / 4 + mean**2
        average = before / n
        variance = np.maximum(squares / n - np.square(average), 1e-12)
        gain = average - mean
        stakes = np.clip(gain / (variance + np.square(gain)), 0.0, _MOST / (mean - bound))
        path: Floats = self.log_evidence + np.cumsum(np.log1p(stakes * (z - mean)))
        return path

    def after(self, z: Floats, mean: float, bound: float) -> Bet:
        """Return the bet as it stands after further rows; see ``path``."""
        if not len(z):
            return self
        last = float(self.path(z, mean, bound)[-1])
        return Bet(last, self.n + len(z), self.total + float(z.sum()), self.squares + float(np.square(z).sum()))


def ratio_evidence(chosen: int, n: int, share: float) -> float:
    """Return ln E against "each of n requests goes to the challenger with probability ``share``".

    ln E = ln B(c·π + s, c·(1 - π) + n - s) - ln B(c·π, c·(1 - π)) - s·ln π - (n - s)·ln(1 - π), the ratio of a
    beta-binomial around π (c = 1000) to the binomial at π.

    Parameters
    ----------
    chosen
        s, the requests that went there.

    References
    ----------
    Lindon and Malek (2022), Anytime-valid inference for multinomial count data, arXiv:2011.03567.

    Examples
    --------
    >>> ratio_evidence(500, 10_000, 0.05) < 0 < log(1_000) < ratio_evidence(700, 10_000, 0.05)
    True
    """
    if not 0 < share < 1:
        return 0.0
    a, b = _PRIOR * share, _PRIOR * (1 - share)
    likelihood = chosen * log(share) + (n - chosen) * log(1 - share)
    return float(betaln(a + chosen, b + n - chosen) - betaln(a, b)) - likelihood
