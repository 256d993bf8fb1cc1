"""Sampled rows as numbers: features that a model can read, labels, predictions and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from watchkeeper.core.columns import callable_series
from watchkeeper.core.errors import StateError
from watchkeeper.core.schema import Column, Schema
from watchkeeper.core.state import JOINT, State
from watchkeeper.stats.answer_sample import LABEL, PREDICTION, SCORE
from watchkeeper.stats.blocks import BLOCK
from watchkeeper.stats.joint import joint_columns
from watchkeeper.stats.keys import ContentKey, IdentityKey
from watchkeeper.stats.point_sample import PointSamplePart
from watchkeeper.stats.score_counts import Places

__all__ = [
    "FOLDS", "Sampled", "bounded", "fold_models", "has_sample", "is_sampled", "learnable", "places_of", "predicted",
    "rows_between", "sampled",
]  # fmt: skip

Floats = NDArray[np.float64]

FOLDS = 5
"""Groups of reference rows; each of as many models learns from all but one."""

_SAMPLES = ("answer_sample", "window_answers")
_MOST_LEVELS = 200
_FARTHEST = 1e300
_SEED = 0


@dataclass(frozen=True, slots=True)
class Sampled:
    """Rows of one sample.

    Attributes
    ----------
    x
        Features and what was answered: numbers, and levels as codes of the reference's; float64, shape (n, d).
    coded
        Which of the d are codes, bool, shape (d,).
    label, prediction
        Numbers, or codes of classes; NaN where there is none, shape (n,).
    scores
        Score of the positive class, or of each class, shape (n, k).
    fold
        The group of each row by its identity, shape (n,).
    rows
        Rows that were sampled from.
    """

    x: Floats
    coded: NDArray[np.bool_]
    label: Floats
    prediction: Floats
    scores: Floats
    fold: NDArray[np.int64]
    rows: int = 0
    tables: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def has_sample(schema: Schema) -> bool:
    """Return whether rows are sampled: there are two numeric features at least."""
    return len(joint_columns(schema)) > 1


def sampled(
    reference: Mapping[str, State], current: Mapping[str, State], schema: Schema, most: int = 5_000
) -> tuple[Sampled, Sampled]:
    """Return the sampled rows of both sides, levels coded alike, of the current side at most so many.

    Raises
    ------
    StateError
        When one side keeps no sample.
    """
    before, now = (_part(states) for states in (reference, current))
    first = _reference(IdentityKey(before), schema.task.spec.scored)
    return first, rows_between(_current(IdentityKey(now, first), schema.task.spec.scored), 0, most)


def rows_between(rows: Sampled, start: int, stop: int) -> Sampled:
    """Return some rows of a sample, which are as random as all; the same object as long as the sample is in use."""
    return rows if start == 0 and len(rows.x) <= stop else _part_of(IdentityKey(rows), start, stop)


@lru_cache(maxsize=8)
def _part_of(same: IdentityKey, start: int, stop: int) -> Sampled:
    rows: Sampled = same.held[0]
    chosen = slice(start, stop)
    return replace(
        rows, x=rows.x[chosen], label=rows.label[chosen], prediction=rows.prediction[chosen],
        scores=rows.scores[chosen], fold=rows.fold[chosen],
    )  # fmt: skip


def is_sampled(states: Mapping[str, State]) -> bool:
    """Return whether rows of these states were kept."""
    return JOINT in states and any(name in states[JOINT].parts for name in _SAMPLES)


def _part(states: Mapping[str, State]) -> PointSamplePart:
    if JOINT not in states:
        raise StateError(f"no rows are sampled here: keep the statistic {' or '.join(_SAMPLES)}")
    held = [name for name in _SAMPLES if name in states[JOINT].parts]
    return states[JOINT].part((*held, *_SAMPLES)[0], PointSamplePart)


@lru_cache(maxsize=8)
def _reference(same: IdentityKey, classifier: bool) -> Sampled:
    part: PointSamplePart = same.held[0]
    digest = blake2b(repr((part.rows, part.names, part.levels.schema)).encode(), digest_size=16)
    for held in (part.hashes, part.x, part.levels.hash_rows().to_numpy()):
        digest.update(np.ascontiguousarray(held).data)
    # A reference that a later run reads from the store again is the one from which models were learnt.
    return _alike(ContentKey(part, digest.digest()), classifier)


@lru_cache(maxsize=4)
def _alike(alike: ContentKey, classifier: bool) -> Sampled:
    part: PointSamplePart = alike.held
    tables = {series.name: _table(series) for series in part.levels.iter_columns()}
    return _rows(part, classifier, tables)


@lru_cache(maxsize=4)
def _current(same: IdentityKey, classifier: bool) -> Sampled:
    part, reference = same.held
    return _rows(part, classifier, reference.tables)


def _table(series: pl.Series) -> dict[str, float]:
    counted = callable_series(series).drop_nulls().value_counts(sort=True).to_series(0).head(_MOST_LEVELS).to_list()
    return {level: float(code) for code, level in enumerate(sorted(counted))}


def _rows(part: PointSamplePart, classifier: bool, tables: Mapping[str, Mapping[str, float]]) -> Sampled:
    answers = {name: part.x[:, place] for place, name in enumerate(part.names) if name.startswith("@")}
    features = [part.x[:, place] for place, name in enumerate(part.names) if not name.startswith("@")]
    codes = [_codes(part.levels, name, table) for name, table in tables.items()]
    n = len(part.hashes)
    scores = np.column_stack([np.empty((n, 0)), *(x for name, x in answers.items() if name.startswith(SCORE))])
    nothing = np.full(n, np.nan)
    prediction = answers.get(PREDICTION, nothing)
    answered = scores if classifier else prediction[:, None]
    x = np.column_stack([np.empty((n, 0)), *features, *codes, answered])
    coded = np.repeat([False, True, False], [len(features), len(codes), answered.shape[1]])
    fold = (part.hashes % np.uint64(FOLDS)).astype(np.int64)
    return Sampled(x, coded, answers.get(LABEL, nothing), prediction, scores, fold, part.rows, tables)


def _codes(levels: pl.DataFrame, name: str, table: Mapping[str, float]) -> Floats:
    if name not in levels.columns:
        return np.full(levels.height, np.nan)
    rest = float(len(table))
    return np.array([np.nan if level is None else table.get(level, rest) for level in levels[name].to_list()], float)


def bounded(x: Floats) -> Floats:
    """Return rows without infinities, which trees cannot put between others."""
    return np.clip(x, -_FARTHEST, _FARTHEST)


def learnable(x: Floats) -> Floats:
    """Return bounded rows that trees can learn from: a column without a single value, which they refuse, is 0."""
    empty = np.isnan(x).all(axis=0)
    return bounded(np.where(empty, 0.0, x) if empty.any() else x)


def fold_models(rows: Sampled, truth: Floats, classifier: bool) -> list[Any]:
    """Return ``FOLDS`` boosted trees, each learnt from the rows of all folds but one.

    Rows without a truth (NaN) are left out.
    """
    # The library has to be loaded before its threads can be limited.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classifier else HistGradientBoostingRegressor
    # Half the trees cost half the time in every window, and were as good on the sets for choosing.
    trees, rate = (50, 0.2) if classifier else (100, 0.1)
    known = np.isfinite(truth)
    models = []
    with threadpool_limits(1):
        for fold in range(FOLDS):
            model = kind(
                max_iter=trees, learning_rate=rate, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False,
                categorical_features=rows.coded if rows.coded.any() else None, random_state=_SEED,
            )  # fmt: skip
            seen = known & (rows.fold != fold)
            models.append(model.fit(learnable(rows.x[seen]), truth[seen]))
    return models


def predicted(models: list[Any], x: Floats) -> Floats:
    """Return what each model says of each row: shape (models, n), or (models, n, classes) of classifiers."""
    x = bounded(x)
    with threadpool_limits(1):
        told = [model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x) for model in models]
    return np.stack(told)


def places_of(rows: Sampled, column: int, score: Column) -> NDArray[np.intp]:
    """Return the place in ``score_cells`` of one score of each row; -1 where there is none."""
    scores = rows.scores[:, column]
    known = np.flatnonzero(np.isfinite(scores))
    found = np.full(len(scores), -1, np.intp)
    for piece in np.array_split(known, 1 + len(known) // BLOCK):
        place = Places(score.map).of(scores[piece])
        found[piece] = place.astype(np.intp) + (place > 0)
    return found
