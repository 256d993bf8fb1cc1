"""Probabilistic adaptive performance estimation: the score calibrated for the rows that are there now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.errors import StateError
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.performance.calibrator import Calibrator, calibrator_of, isotonic
from watchkeeper.performance.cbpe import cells_of, lack_of_labels, learnt_from
from watchkeeper.performance.estimator import estimated
from watchkeeper.performance.expected import estimates_of, metrics_for
from watchkeeper.performance.sampled import Sampled, first_rows, has_sample, places_of, sampled
from watchkeeper.stats.same import Same

__all__ = ["Overlap", "Pape", "overlap_of"]

Floats = NDArray[np.float64]

POOR = 0.25
"""Share of the reference that must be left in weight for overlap not to be called poor."""

_LEAST = 200
_MOST = 20_000
_SEED = 0
_FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far current rows are told from reference rows.

    Attributes
    ----------
    weights
        Tempered density ratio of each sampled reference row, shape (n,).
    ess
        Effective sample size (Σw)² / Σw² of the untempered weights, as a share of the sampled reference rows.
    auc
        Area under the ROC curve of the classifier between the sides, out of fold.
    temper
        The exponent of the weights.
    """

    weights: Floats
    ess: float
    auc: float
    temper: float

    @property
    def facts(self) -> dict[str, float | str]:
        """What a reader needs to judge the estimate."""
        told: dict[str, float | str] = {"ess": self.ess, "domain_auc": self.auc, "temper": self.temper}
        return {**told, "overlap": "poor: few reference rows are like the current ones"} if self.ess < POOR else told


class Pape:
    """Expected metrics under P(y = 1 | score), calibrated on reference rows weighted as the current ones (PAPE).

    A classifier g between both sides, out of fold on up to 20,000 and 5,000 sampled rows, gives the weights
    w = (n₀/n)·g / max(1 - g, .05). Where overlap is poor they are tempered, w^γ with γ = min(1, 4·ESS/n₀) and
    ESS = (Σw)²/Σw², for full weights would then rest on a few rows. Isotonic regression with these weights is the
    calibrator of CBPE. That follows covariate shift which changes P(y | score); it cannot see concept shift.

    The band is that of CBPE, with the bootstrap of the weighted calibrator, which widens it as overlap falls. ``ess``
    (a share) and ``domain_auc`` are told.

    References
    ----------
    Białek et al. (2024), Estimating model performance under covariate shift without labels, arXiv:2401.08348.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "pape"
    tasks: ClassVar[frozenset[Task]] = frozenset({Task.BINARY, Task.MULTICLASS})
    needs: ClassVar[tuple[str, ...]] = ("answer_sample",)

    def applies(self, schema: Schema) -> bool:
        """Return whether the log has scores and features."""
        return bool(metrics_for(schema)) and has_sample(schema)

    def estimate(
        self, reference: Mapping[str, State], current: Mapping[str, State], schema: Schema
    ) -> list[Measurement]:
        """Return the estimates from the outcome states and the samples."""
        before, now = cells_of(reference), cells_of(current)
        key, names = current[OUTCOME].key, metrics_for(schema)
        lack = lack_of_labels(before, now)
        first, second = sampled(reference, current, schema)
        first = first_rows(first, _MOST)
        if not lack and min(np.isfinite(first.label).sum(), len(second.x)) < _LEAST:
            lack = f"fewer than {_LEAST} rows are sampled"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        overlap = overlap_of(first, second)
        score = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
        answered = []
        for column, name in enumerate(now.classes):
            whole = calibrator_of(before, before.classes.index(name))
            weighted = _calibrator(first, overlap.weights, column, score, schema.classes.index(name), whole)
            answered.append(learnt_from(now, column, weighted))
        facts: dict[str, float | str] = {
            "method": self.name,
            "calibrated": "isotonic, weighted",
            "n_reference": int(np.isfinite(first.label).sum()),
            **overlap.facts,
        }
        return [
            Measurement.missing(key, Family.ESTIMATE, name, "the metric is not defined on these rows")
            if found is None
            else estimated(key, name, found.value, found.n, found.sampling, found.calibration, facts)
            for name, found in estimates_of(answered, names, now.probability).items()
        ]


def overlap_of(reference: Sampled, current: Sampled) -> Overlap:
    """Return the weights that make the sampled reference rows like the current ones.

    Raises
    ------
    StateError
        When the sides do not hold the same features.
    """
    return _overlap(Same(reference.x, reference.coded, current.x))


@lru_cache(maxsize=4)
def _overlap(same: Same) -> Overlap:
    from sklearn.ensemble import HistGradientBoostingClassifier

    before, coded, now = same.held
    if before.shape[1] != now.shape[1]:
        raise StateError("the samples of reference and current hold other features")
    x = np.vstack([before, now])
    side = np.repeat([0, 1], [len(before), len(now)])
    half = np.random.default_rng(_SEED).permutation(len(side)) % 2
    told = np.empty(len(side))
    with threadpool_limits(1):
        for one in (0, 1):
            model = HistGradientBoostingClassifier(
                max_iter=60, learning_rate=0.1, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False,
                categorical_features=coded if coded.any() else None, random_state=_SEED,
            )  # fmt: skip
            model.fit(x[half != one], side[half != one])
            told[half == one] = model.predict_proba(x[half == one])[:, 1]
    g, n0, n = told[: len(before)], len(before), len(now)
    weights = n0 / n * g / np.maximum(1 - g, _FLOOR)
    ess = float(weights.sum() ** 2 / (weights**2).sum()) / n0
    temper = min(1.0, 4 * ess)
    return Overlap(weights**temper, ess, _area(told, side), temper)


def _area(told: Floats, side: NDArray[np.int_]) -> float:
    from scipy.stats import rankdata

    n = int(side.sum())
    rest = len(side) - n
    return float((rankdata(told)[side == 1].sum() - n * (n + 1) / 2) / (n * rest))


def _calibrator(rows: Sampled, weights: Floats, column: int, score: Column, code: int, whole: Calibrator) -> Calibrator:
    """Return the calibrator of all reference rows plus what the weights change on the sampled ones."""
    places = places_of(rows, column, score)
    known = (places >= 0) & (rows.label >= 0)
    positive, w = rows.label[known] == code, weights[known]
    occupied, place = np.unique(places[known], return_inverse=True)

    def curve(each: Floats) -> Floats:
        total, hits = np.bincount(place, each), np.bincount(place, each * positive)
        return isotonic(occupied, hits, total - hits)

    def change(times: Floats) -> Floats:
        return curve(w * times) - curve(times)

    rng = np.random.default_rng(_SEED)
    drawn = np.stack([change(rng.poisson(1.0, len(w)).astype(float)) for _ in range(len(whole.draws))])
    moved = np.clip(whole.curve + change(np.ones(len(w))), 0.0, 1.0)
    draws = whole.draws + drawn - drawn.mean(axis=0)
    return Calibrator(moved, draws, whole.labelled, whole.positives, whole.isotonic, whole.gain)
