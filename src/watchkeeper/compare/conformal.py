"""Conformal p-values: how strange a score is, from scores alone and without an assumption on their distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

__all__ = ["conformal_p", "excess_p", "least_rows"]

Floats = NDArray[np.float64]


def conformal_p(calibration: Floats, scores: Floats, own: NDArray[np.bool_] | None = None) -> Floats:
    """Return (1 + number of other calibration scores ≥ s) / (n + 1) for each score s.

    For a row that is exchangeable with the n calibration rows P(p ≤ α) = ⌊α(n + 1)⌋ / (n + 1) when scores do not tie,
    and less when they do. Given one calibration sample, the share of rows with p ≤ α is a Beta(k, n + 1 - k) draw with
    k = ⌊α(n + 1)⌋: within √((1 - α)/(α·n)) of α, relatively, at one standard deviation.

    Parameters
    ----------
    calibration
        Scores of rows that the detector has not seen, shape (n,); larger is stranger.
    scores
        Scores to be judged, shape (k,).
    own
        Which of them belong to calibration rows, which are not compared with themselves; None for none.

    References
    ----------
    Bates, Candès, Lei, Romano and Sesia (2023), Testing for outliers with conformal p-values, doi:10.1214/22-AOS2244.
    """
    ordered = np.sort(calibration)
    above = len(ordered) - np.searchsorted(ordered, scores, side="left")
    itself = np.zeros(len(scores), bool) if own is None else own
    return np.asarray((1.0 + above - itself) / (len(ordered) + 1))


def least_rows(rate: float) -> int:
    """Return the smallest calibration sample in which a p-value can be as small as ``rate``."""
    return int(np.ceil(1 / rate - 1e-9)) - 1


def excess_p(flagged: int, rows: Sequence[int], calibration: Sequence[int], rate: float) -> float:
    """Return P(at least ``flagged`` rows have p ≤ rate) when all rows are exchangeable with the calibration rows.

    Among m rows judged by n calibration rows the number is beta-binomial with (m, k, n + 1 - k), k = ⌊rate·(n + 1)⌋;
    over parts with calibration samples of their own the numbers add up. Exact without ties, conservative with them.

    Parameters
    ----------
    rows, calibration
        m and n of each part.
    """
    chances = np.ones(1)
    for m, n in zip(rows, calibration, strict=True):
        k = _flagged_of(n, rate)
        part = betabinom.pmf(np.arange(m + 1), m, k, n + 1 - k) if m and k else np.eye(1, m + 1)[0]
        chances = np.convolve(chances, part)
    return float(min(1.0, max(0.0, chances[flagged:].sum())))


def _flagged_of(n: int, rate: float) -> int:
    return int(np.floor(rate * (n + 1) + 1e-9))
