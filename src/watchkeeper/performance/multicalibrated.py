"""Estimation from scores that are calibrated among rows with the same features."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.evidence import Estimation
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import OUTCOME, State
from watchkeeper.core.tasks import CLASSIFICATION
from watchkeeper.performance.calibrator import Calibrator, calibrator_of
from watchkeeper.performance.cbpe import cells_of, lack_of_labels
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.performance.expectation import Expectation
from watchkeeper.performance.expected import Answered, Replicates, estimates_of, measurements_of, metrics_for
from watchkeeper.performance.sampled import FOLDS, Sampled, fold_models, has_sample, places_of, predicted, sampled
from watchkeeper.stats.keys import IdentityKey
from watchkeeper.stats.score_cells import ScoreCellsPart, score_of

__all__ = ["Multicalibrated"]

Floats = NDArray[np.float64]

_LEAST, _LEAST_NOW = 500, 200
_MOST_CLASSES = 10
_SHARE = 0.5
_BETWEEN = 1 / 4
_GROUPS = 32
_ROWS = 2_500


class Multicalibrated:
    """Expected metrics under P(y = 1 | features, score), learnt on the reference, half and half with CBPE's.

    Boosted trees learn the label from features and scores on up to 50,000 sampled reference rows: five models, each
    from all rows but a fifth. What they expect of a row is averaged over them and with the isotonic calibrator of CBPE.
    The trees follow covariate shift that changes P(y | score), like weights but without their variance, and are fitted
    once for a reference; the calibrator holds where the trees would have to extrapolate. Concept shift is invisible to
    both. Each class takes trees of its own: of more than ten, nothing is learnt.

    The band has the variance of the labels given the rows and that of what was learnt: the delete-a-group jackknife
    over the five models, the bootstrap of the calibrator, and the distance of the estimate from either half as one
    standard error.

    References
    ----------
    Białek et al. (2024), Estimating model performance under covariate shift without labels, arXiv:2401.08348
    (multi-calibrated estimation, M-CBPE, is its successor). Hébert-Johnson et al. (2018), Multicalibration,
    https://proceedings.mlr.press/v80/hebert-johnson18a.html.
    """

    plugin: ClassVar[str] = "estimator"
    name: ClassVar[str] = "multicalibrated"
    tasks: ClassVar[frozenset[Task]] = CLASSIFICATION
    needs: ClassVar[tuple[str, ...]] = ("answer_sample",)
    needs_now: ClassVar[tuple[str, ...]] = ("window_answers",)

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
        first, second = sampled(reference, current, schema, _ROWS)
        learnable = int((first.label >= 0).sum())
        if not lack and len(now.classes) > _MOST_CLASSES:
            lack = f"there are {len(now.classes)} classes; trees are learnt for {_MOST_CLASSES}, for each takes its own"
        if not lack and learnable < _LEAST:
            lack = f"{learnable} labelled rows of the reference are sampled, {_LEAST} are needed"
        if not lack and len(second.x) < min(_LEAST_NOW, second.rows):
            lack = f"{len(second.x)} rows with different ids are sampled of {second.rows}"
        if lack:
            return [Measurement.missing(key, Family.ESTIMATE, name, lack) for name in names]
        models, classes = _models(IdentityKey(first))
        told = predicted(models, second.x)
        score = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
        answered = []
        for column, name in enumerate(now.classes):
            code = schema.classes.index(name)
            known = np.flatnonzero(classes == code)
            each = told[:, :, known[0]] if len(known) else np.zeros(told.shape[:2])
            whole = calibrator_of(before, before.classes.index(name))
            answered.append(_answered(now, column, second, each, places_of(second, column, score), code, whole))
        estimation = Estimation(self.name, ASSUMES)
        expected = estimates_of(answered, names, now.probability)
        return measurements_of(key, expected, estimation, learnable)


def _answered(
    now: ScoreCellsPart,
    column: int,
    rows: Sampled,
    each: Floats,
    row_places: NDArray[np.intp],
    code: int,
    whole: Calibrator,
) -> Answered:
    """Return what is expected of one class; ``each`` is what every model says of every sampled row, shape (k, n)."""
    places, counts = now.table(column)
    cells = counts.sum(axis=2).astype(float)
    by_score = np.repeat(whole.curve[places][:, None], 3, axis=1)
    # What features change is smooth in the score: it is averaged over groups of scores, by prediction.
    share = np.cumsum(cells.sum(axis=1)) / max(1.0, float(cells.sum()))
    group = np.minimum((share * _GROUPS).astype(np.intp), _GROUPS - 1)
    inside = row_places >= 0
    predicted_as = np.where(np.isnan(rows.prediction), 2, rows.prediction == code).astype(np.intp)
    at = group[np.searchsorted(places, row_places[inside])] * 3 + predicted_as[inside]
    sampled_rows = np.maximum(np.bincount(at, minlength=3 * _GROUPS), 1)

    def change(told: Floats) -> Floats:
        total = np.bincount(at, (told - whole.curve[np.maximum(row_places, 0)])[inside], minlength=3 * _GROUPS)
        return np.asarray((total / sampled_rows).reshape(_GROUPS, 3)[group])

    learnt = np.stack([change(one) for one in each])
    by_features = learnt.mean(axis=0)
    probability = np.clip(by_score + _SHARE * by_features, 0.0, 1.0)
    expected = Expectation(score_of(places), cells, cells * probability, cells * probability * (1 - probability))
    left_out = (_SHARE * (learnt - by_features) * cells).reshape(len(learnt), -1)
    halves = (by_features * cells).ravel()[None]
    return Answered(
        expected,
        (
            Replicates(left_out, (FOLDS - 1) / FOLDS),
            Replicates((1 - _SHARE) * whole.draws[:, places], 1 / len(whole.draws)),
            Replicates(halves, _BETWEEN),
        ),
    )


@lru_cache(maxsize=4)
def _models(same: IdentityKey) -> tuple[list[Any], NDArray[np.int64]]:
    rows: Sampled = same.held[0]
    target = np.where(rows.label >= 0, rows.label, np.nan)
    models = fold_models(rows, target, classifier=True)
    return models, models[0].classes_.astype(np.int64)
