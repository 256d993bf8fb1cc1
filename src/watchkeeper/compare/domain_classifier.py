"""How well a classifier tells current rows from reference rows."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from watchkeeper.compare.cells import sizes
from watchkeeper.compare.points import both_samples
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind
from watchkeeper.core.state import State
from watchkeeper.stats.intervals import Z
from watchkeeper.stats.point_sample import PointSamplePart

__all__ = ["DomainClassifier"]

Matrix = NDArray[np.float64]

_FOLDS = 2
_LEAST = 50
_TOLERANCE = 0.05
_MOST_LEVELS = 200
_MOST_NUMBERS = 64
_MOST_TRIED = 50
_TOLD = 3
_SEED = 0


class DomainClassifier:
    """Area under the ROC curve of a classifier trained on other rows to tell the sides apart; .5 says it cannot.

    Gradient-boosted trees on up to 1,000 sampled rows of each side, all features, categorical ones and nulls included.
    Two halves by the row's identity: each is scored by a model that saw only the other, and pairs are only compared
    inside a half. Chance differences of the halves are learnt and rewarded both ways, so that the two areas may be
    fully dependent: the error is that of one half (DeLong's), which bounds it. For a and b rows in a half and the
    tolerance δ = .05, z = (AUC - .5 - δ)/√((a + b + 1)/(12·a·b)) gives ``p_value``; ``p_value_exact`` has δ = 0.
    Of vectors of more than 64 numbers it sees the first 64 principal components of both sides together. Where the
    sides differ, ``tells`` names the features whose shuffling costs the most area. It takes a tenth of a
    second and more, so that it is not for every window of every model.

    References
    ----------
    Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, arXiv:1610.06545. DeLong, DeLong, Clarke-Pearson
    (1988), doi:10.2307/2531595.
    """

    plugin: ClassVar[str] = "comparison"
    name: ClassVar[str] = "domain_classifier"
    identical: ClassVar[float] = 0.5
    needs: ClassVar[tuple[str, ...]] = ("point_sample",)
    trials: ClassVar[int] = 20

    def applies(self, column: Column) -> bool:
        """All features together, and vectors."""
        return column.kind in (Kind.JOINT, Kind.VECTOR)

    def compare(self, reference: State, current: State) -> Measurement:
        """Return the area with its error, its interval and a p-value."""
        samples = both_samples(self.name, reference, current, _LEAST)
        if isinstance(samples, Measurement):
            return samples
        p, q = samples
        side = np.repeat([0, 1], [len(p.hashes), len(q.hashes)])
        fold = (np.concatenate([p.hashes, q.hashes]) % np.uint64(_FOLDS)).astype(int)
        scores = np.zeros(len(side))
        models = []
        # A library that is first loaded inside the limits does not know of them.
        import_module("sklearn.ensemble")
        with threadpool_limits(1):
            x, coded = _features(p, q)
            for number in range(_FOLDS):
                model = _model(coded).fit(x[fold != number], side[fold != number])
                scores[fold == number] = model.predict_proba(x[fold == number])[:, 1]
                models.append(model)
            value, error = _area(scores, side, fold)
            n0, n = len(p.hashes), len(q.hashes)
            spread = sqrt(_FOLDS * (n0 + n + _FOLDS) / (12 * n0 * n))
            details: dict[str, float | str] = {
                "tolerance": _TOLERANCE, "p_value_exact": float(ndtr(-(value - 0.5) / spread)),
            }  # fmt: skip
            names = (*p.names, *p.levels.columns)
            if names and value - 0.5 > 3 * spread:
                details["tells"] = ", ".join(_telling(models, x, side, fold, names, value))
        p_value = float(ndtr(-(value - 0.5 - _TOLERANCE) / spread))
        evidence = Evidence(size=sizes(n0, n), p_value=p_value, details=details)
        interval = (max(0.0, value - Z * error), min(1.0, value + Z * error))
        return Measurement.of(
            current.key, Family.COMPARISON, self.name, value, n, error=error, interval=interval, evidence=evidence
        )


def _features(p: PointSamplePart, q: PointSamplePart) -> tuple[Matrix, NDArray[np.bool_]]:
    """Return the features of both sides as numbers, levels coded by how common they are, and which are coded."""
    numbers = np.concatenate([p.x, q.x])
    if not p.names and numbers.shape[1] > _MOST_NUMBERS:
        numbers = _components(numbers)
    coded = np.repeat([False, True], [numbers.shape[1], p.levels.width])
    if not p.levels.width:
        return numbers, coded
    return np.column_stack([numbers, _codes(pl.concat([p.levels, q.levels]))]), coded


def _components(x: Matrix) -> Matrix:
    """Return the first principal components of the points of both sides, which know nothing of the sides."""
    from sklearn.decomposition import PCA

    return np.asarray(PCA(min(_MOST_NUMBERS, len(x)), svd_solver="covariance_eigh").fit_transform(x))


def _codes(levels: pl.DataFrame) -> Matrix:
    """Return codes of the commonest levels of each column and one for the rest, NaN where there is none."""
    from sklearn.preprocessing import OrdinalEncoder

    return np.asarray(OrdinalEncoder(max_categories=_MOST_LEVELS + 1).fit_transform(levels.to_numpy()))


def _model(coded: NDArray[np.bool_]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=40, learning_rate=0.1, max_leaf_nodes=15, min_samples_leaf=20, l2_regularization=1.0,
        early_stopping=False, categorical_features=coded if coded.any() else None, random_state=_SEED,
    )  # fmt: skip


def _inside(side: NDArray[np.int_], fold: NDArray[np.int_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    for number in range(_FOLDS):
        yield np.flatnonzero((fold == number) & (side == 0)), np.flatnonzero((fold == number) & (side == 1))


def _area(scores: Matrix, side: NDArray[np.int_], fold: NDArray[np.int_]) -> tuple[float, float]:
    """Return the area over pairs inside one fold, folds weighted by their pairs, and a bound of its standard error."""
    total = sum(len(a) * len(b) for a, b in _inside(side, fold))
    value = variance = 0.0
    for a, b in _inside(side, fold):
        if not len(a) or not len(b):
            continue
        above = np.sign(scores[b][:, None] - scores[a][None, :]) / 2 + 0.5
        weight = len(a) * len(b) / total
        value += weight * float(above.mean())
        if len(a) > 1 and len(b) > 1:
            placements = above.mean(axis=0).var(ddof=1) / len(a) + above.mean(axis=1).var(ddof=1) / len(b)
            variance += weight * float(placements)
    return value, sqrt(variance)


def _telling(
    models: list[Any], x: Matrix, side: NDArray[np.int_], fold: NDArray[np.int_], names: tuple[str, ...], value: float
) -> list[str]:
    """Return the features whose values, shuffled, cost the models the most area, the most telling first."""
    rng = np.random.default_rng(_SEED)
    lost: dict[str, float] = {}
    for place, name in enumerate(names[:_MOST_TRIED]):
        shuffled = x.copy()
        shuffled[:, place] = rng.permutation(shuffled[:, place])
        scores = np.zeros(len(side))
        for number, model in enumerate(models):
            scores[fold == number] = model.predict_proba(shuffled[fold == number])[:, 1]
        lost[name] = value - _area(scores, side, fold)[0]
    ordered = sorted(lost, key=lambda name: -lost[name])
    return [name for name in ordered[:_TOLD] if lost[name] > 0.2 * lost[ordered[0]]]
