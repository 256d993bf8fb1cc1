"""The scale of confidences, and whether they are what they say."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.diagnosis.watched import Seen
from watchkeeper.diagnose.diagnose import IN_DOUBT, SCALE

__all__ = ["Bin", "fit", "reliability", "weights_of"]

SCALES = np.round(np.arange(0.4, 3.01, 0.1), 2)


@dataclass(frozen=True)
class Bin:
    """Diagnoses whose first hypothesis has a confidence of ``low`` to ``high``."""

    low: float
    high: float
    count: int
    mean: float
    right: float


def weights_of(seen: Seen) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the weights of the findings of a diagnosis, not knowing left out, and which of them are right.

    Confidences are a softmax, so that their logarithms tell the weights up to that of not knowing.
    """
    if seen.diagnosis is None:
        return np.empty(0), np.empty(0, bool)
    doubt = next(h.confidence for h in seen.diagnosis.hypotheses if h.kind.value == "unknown")
    found = [h for h in seen.diagnosis.hypotheses if h.kind.value != "unknown"]
    weights = [IN_DOUBT + np.log(h.confidence / doubt) / SCALE for h in found]
    right = [h.kind.value == seen.cause.kind and seen.cause.where in h.columns + h.segments for h in found]
    return np.array(weights, float), np.array(right, bool)


def fit(cases: Iterable[Seen]) -> float:
    """Return the scale with the least log loss of the right cause, on a grid; of two causes the larger is right."""
    known = [(*weights_of(one), one.cause.kind == "unknown") for one in cases if one.diagnosis is not None]
    widest = max(len(weights) for weights, _, _ in known)
    weights, right = np.full((len(known), widest + 1), -np.inf), np.zeros((len(known), widest + 1), bool)
    for row, (own, hits, nothing) in enumerate(known):
        weights[row, : len(own)], right[row, : len(own)], right[row, -1] = own, hits, nothing

    weights[:, -1] = IN_DOUBT

    def loss(scale: float) -> float:
        odds = np.exp(scale * (weights - weights.max(axis=1, keepdims=True)))
        chosen = (odds * right).sum(axis=1) / odds.sum(axis=1)
        return float(-np.log(np.maximum(chosen, 1e-3)).mean())

    return min((float(s) for s in SCALES), key=loss)


def reliability(cases: Iterable[Seen], edges: Sequence[float] = (0.0, 0.5, 0.8, 0.95, 1.0001)) -> list[Bin]:
    """Return how often the first hypothesis is right, by its confidence."""
    held = [(one.diagnosis.hypotheses[0].confidence, one.right) for one in cases if one.diagnosis is not None]
    found = []
    for low, high in itertools.pairwise(edges):
        inside = [(c, r) for c, r in held if low <= c < high]
        if inside:
            means = np.mean(np.array(inside, float), axis=0)
            found.append(Bin(low, min(high, 1.0), len(inside), float(means[0]), float(means[1])))
    return found
