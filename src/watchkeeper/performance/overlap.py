"""How far the current rows overlap with the reference, and the weights that make reference rows like them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.errors import StateError
from watchkeeper.performance.sampled import Sampled, bounded, learnable, rows_between
from watchkeeper.stats.keys import IdentityKey

__all__ = ["POOR", "Overlap", "overlap_of"]

Floats = NDArray[np.float64]

POOR = 0.25
"""Share of the reference that must be left in weight for overlap not to be called poor."""

_LEARNT = 5_000
_WEIGHED = 15_000
_SEED = 0
_FLOOR = 0.05
_QUICK: Mapping[str, Any] = {"max_iter": 20, "learning_rate": 0.3, "max_leaf_nodes": 8}
_CAREFUL: Mapping[str, Any] = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 15}


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far current rows are told from reference rows.

    Attributes
    ----------
    rows
        The sampled reference rows that have weights, none by a classifier that learnt from them.
    weights
        Tempered density ratio of each of them, shape (n,).
    ess
        Effective sample size of the untempered weights as a share of the reference rows, times the share of the current
        rows that the reference reaches: (Σw)²/(n·Σw²)·min(1, Σw/n).
    auc
        Area under the ROC curve of the classifier between the sides, on rows it has not seen.
    temper
        The exponent of the weights.
    """

    rows: Sampled
    weights: Floats
    ess: float
    auc: float
    temper: float

    @property
    def details(self) -> dict[str, float | str]:
        """What a reader may want to see of it."""
        told: dict[str, float | str] = {"domain_auc": self.auc, "temper": self.temper}
        return {**told, "overlap": "poor: few reference rows are like the current ones"} if self.ess < POOR else told


def overlap_of(reference: Sampled, current: Sampled) -> Overlap:
    """Return the weights that make sampled reference rows like the current ones.

    A classifier g between the sides, 20 trees, learns from 5,000 reference rows and half of the current ones, and the
    next 15,000 reference rows have weights; of smaller references either half is weighed by 60 trees that have learnt
    from the other. The weights w = (n₀/n)·g / max(1 - g, .05) have the mean 1 where the reference reaches all that is
    there now, and less as it does not. Where little is left they are tempered, w^γ with γ = min(1, 4·ESS/n₀), for full
    ones would rest on a few rows.

    Raises
    ------
    StateError
        When the sides do not hold the same features.
    """
    return _overlap(IdentityKey(reference, current.x))


@lru_cache(maxsize=4)
def _overlap(same: IdentityKey) -> Overlap:
    reference, now = same.held
    if reference.x.shape[1] != now.shape[1]:
        raise StateError("the samples of reference and current hold other features")
    n0 = len(reference.x)
    if n0 >= _LEARNT + _WEIGHED:
        weighed, half = rows_between(reference, _LEARNT, _LEARNT + _WEIGHED), len(now) // 2
        x = np.vstack([reference.x[:_LEARNT], now[:half]])
        model = _classifier(reference, x, np.repeat([0, 1], [_LEARNT, half]), _QUICK)
        told, ratio = _said(model, np.vstack([weighed.x, now[half:]])), _LEARNT / half
    else:
        weighed, ratio = reference, n0 / len(now)
        x, side = np.vstack([reference.x, now]), np.repeat([0, 1], [n0, len(now)])
        part, told = np.random.default_rng(_SEED).permutation(len(side)) % 2, np.empty(len(side))
        for one in (0, 1):
            model = _classifier(reference, x[part != one], side[part != one], _CAREFUL)
            told[part == one] = _said(model, x[part == one])
    g = told[: len(weighed.x)]
    weights = ratio * g / np.maximum(1 - g, _FLOOR)
    kept = float(weights.sum() ** 2 / (weights**2).sum()) / len(weights)
    ess = kept * min(1.0, float(weights.mean()))
    temper = min(1.0, 4 * ess)
    return Overlap(weighed, weights**temper, ess, _area(told, len(g)), temper)


def _classifier(reference: Sampled, x: Floats, side: NDArray[np.int_], trees: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    with threadpool_limits(1):
        return HistGradientBoostingClassifier(
            **trees, l2_regularization=1.0, early_stopping=False, random_state=_SEED,
            categorical_features=reference.coded if reference.coded.any() else None,
        ).fit(learnable(x), side)  # fmt: skip


def _said(model: Any, x: Floats) -> Floats:
    with threadpool_limits(1):
        return np.asarray(model.predict_proba(bounded(x))[:, 1])


def _area(told: Floats, first: int) -> float:
    from scipy.stats import rankdata

    n = len(told) - first
    return float((rankdata(told)[first:].sum() - n * (n + 1) / 2) / (n * first))
