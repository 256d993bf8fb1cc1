"""Jensen–Shannon divergence over many rare buckets, adjusted for what chance alone gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import binom

from watchkeeper.compare.cells import effective_size, lacking
from watchkeeper.core.evidence import Evidence, Size
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.state import State
from watchkeeper.stats.text_buckets import BucketsPart

__all__ = ["AdjustedDivergence", "adjusted_divergence", "bucket_drift"]

_EXACT = 64
"""Counts up to which the expectation is summed; beyond it the second-order expansion is within 1 %."""

_ROOT_OF_POSITIVE_PART = 0.41108
"""Mean of √max(Z, 0) for a standard normal Z: Γ(3/4) / (2^(1/4)·√(2π))."""


@dataclass(frozen=True, slots=True)
class AdjustedDivergence:
    """The divergence that was found, and its mean and standard deviation by chance, in bits."""

    found: float
    chance: float
    spread: float

    @property
    def distance(self) -> float:
        """√((found - chance) / (1 - chance)), and 0 below chance."""
        return sqrt(max(0.0, self.found - self.chance) / (1 - self.chance)) if self.chance < 1 else 0.0

    @property
    def floor(self) -> float:
        """The distance that sampling alone gives on average."""
        return _ROOT_OF_POSITIVE_PART * sqrt(self.spread / (1 - self.chance)) if self.chance < 1 else 0.0


def _terms(c0: NDArray[np.float64], c: NDArray[np.float64], n0: int, n: int) -> NDArray[np.float64]:
    p, q = c0 / n0, c / n
    middle = np.where(p + q > 0, (p + q) / 2, 1.0)
    terms: NDArray[np.float64] = (xlogy(p, p / middle) + xlogy(q, q / middle)) / (2 * np.log(2))
    return terms


@cache
def _chances(n0: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and variance of the term of a bucket by its count in both sides together, 0 to ``_EXACT``."""
    total, c0 = np.meshgrid(np.arange(_EXACT + 1.0), np.arange(_EXACT + 1.0), indexing="ij")
    weights = binom.pmf(c0, total, n0 / (n0 + n))
    terms = _terms(np.minimum(c0, total), np.maximum(total - c0, 0.0), n0, n)
    mean = (weights * terms).sum(axis=1)
    return mean, (weights * terms**2).sum(axis=1) - mean**2


def adjusted_divergence(a: BucketsPart, b: BucketsPart) -> AdjustedDivergence:
    """Compare the shares of buckets, and give what is expected when texts are dealt to both sides at random.

    A bucket that t of T texts fall into has c ~ Binomial(t, n0/(n0 + n)) of them in the reference, where n0 and n are
    the sums over buckets; its variance falls by the factor 1 - t/T. The mean of its term is summed for t ≤ 64 and is
    (1/n0 + 1/n)/(8 ln 2) beyond.
    """
    buckets = np.union1d(a.buckets, b.buckets)
    c0, c = np.zeros(len(buckets)), np.zeros(len(buckets))
    c0[np.searchsorted(buckets, a.buckets)] = a.counts
    c[np.searchsorted(buckets, b.buckets)] = b.counts
    n0, n = a.pairs, b.pairs
    total = (c0 + c).astype(np.int64)
    mean, variance = _chances(n0, n)
    rare = np.minimum(total, _EXACT)
    large = (1 / n0 + 1 / n) / (8 * np.log(2))
    rest = 1 - total / (a.texts + b.texts)
    expected = np.where(total <= _EXACT, mean[rare], large) * rest
    spread = np.where(total <= _EXACT, variance[rare], 2 * large**2) * rest**2
    found = float(_terms(c0, c, n0, n).sum())
    return AdjustedDivergence(found, min(1.0, float(expected.sum())), float(np.sqrt(spread.sum())))


def bucket_drift(name: str, statistic: str, reference: State, current: State) -> Measurement:
    """Return the measurement of the adjusted distance between the buckets of two states."""
    a, b = reference.part(statistic, BucketsPart), current.part(statistic, BucketsPart)
    missing = lacking(name, current, a.pairs, b.pairs)
    if missing:
        return missing
    found = adjusted_divergence(a, b)
    return Measurement.of(
        current.key, Family.COMPARISON, name, found.distance, b.texts,
        floor=found.floor,
        evidence=Evidence(
            size=Size(a.texts, effective_size(a.weight, b.weight)),
            details={"divergence": found.found, "by_chance": found.chance, "spread": found.spread},
        ),
    )  # fmt: skip
