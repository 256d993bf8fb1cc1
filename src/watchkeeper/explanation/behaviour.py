"""Everything that is explained of a model between two windows, in one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.state import StateKey
from watchkeeper.explanation.attribution_drift import attribution_drift
from watchkeeper.explanation.dependence import Dependence, partial_dependence
from watchkeeper.explanation.explainer import (
    Attributions,
    ExplainMethod,
    ExplainRequest,
    Predict,
    background_rows,
    feature_names,
    labelled_rows,
    predict_function,
)
from watchkeeper.explanation.importance import Importance, default_loss, permutation_importance
from watchkeeper.maintain.train import Trainer

__all__ = ["Behaviour", "explain_model"]

_BACKGROUND = 40
_MANY, _FEW = {"exact": 6, "orders": 2}, {"exact": 10, "orders": 16}
_LEAST_LABELLED = 30


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a model does with its features, before and now.

    Attributes
    ----------
    features
        The features of the model, those that add most to the current scores first.
    drift
        How far each feature's share of the attributions moved, and all together (``attribution_drift``).
    reference, current
        Attributions of sampled rows of both sides.
    importance, labelled
        How much worse the current answers get without each feature, and on how many labelled rows; empty where fewer
        than 30 are labelled.
    dependence
        How the score changes with each of the features that add most.
    examples
        The current rows that were asked about, or whose scores lie farthest from the rest, explained one by one.
    places
        Which of the current rows those are.
    """

    features: tuple[str, ...]
    drift: tuple[Measurement, ...]
    reference: Attributions
    current: Attributions
    importance: tuple[Importance, ...]
    labelled: int
    dependence: tuple[Dependence, ...]
    examples: Attributions
    places: tuple[int, ...]


def explain_model(
    model: Any,
    schema: Schema,
    reference: pl.DataFrame,
    current: pl.DataFrame,
    *,
    key: StateKey | None = None,
    of: str = "",
    trainer: Trainer | None = None,
    method: str = "shapley",
    places: Sequence[int] | None = None,
    rows: int = 150,
    most: int = 4,
    seed: int = 0,
) -> Behaviour:
    """Explain what a model does with current rows, and what it did with those of the reference.

    Parameters
    ----------
    model
        The fitted model, such as ``Maintainer.model`` loads.
    reference, current
        Rows in random order, such as the row samples of both states.
    key
        Whose rows the current ones are, for the measurements of drift.
    of
        The class that is explained of a multiclass model.
    trainer
        Asks the model where it does not speak scikit-learn.
    method
        Registry key of the explainer that shares scores out, with 40 rows of the reference as its background.
    places
        Current rows to explain one by one; None for the three whose scores lie farthest from the middle one.
    rows
        Rows of each side whose attributions are compared.
    most
        Features whose dependence is drawn.
    seed
        Of all that is drawn.

    Raises
    ------
    SchemaError
        When a feature is missing on a side, or a side has no rows.
    TrainingError
        When the model fails.
    """
    features, predict = feature_names(model, schema), predict_function(model, schema, of=of, trainer=trainer)
    background = background_rows(reference, features, _BACKGROUND)
    if not current.height:
        raise SchemaError("the current window has no sampled rows; there is nothing to explain")
    way: ExplainMethod = plugin("explainer", method)
    asked = ExplainRequest(model, schema, predict, background, of)
    many = way.of(asked, **_MANY, seed=seed)
    before, now = (many.explain(side.head(rows)) for side in (reference, current))
    drift = attribution_drift(features, before.values, now.values, key or StateKey(), seed=seed)
    order = np.argsort(-now.mean_absolute(), kind="stable")
    ranked = tuple(features[j] for j in order)
    importance, labelled = _importance(predict, current, schema, features, of, seed)
    chosen = _extreme(now) if places is None else tuple(places)
    examples = way.of(asked, **_FEW, seed=seed).explain(current[list(chosen)])
    curves = [partial_dependence(predict, current, name) for name in ranked[:most] if _drawable(current, name)]
    return Behaviour(ranked, tuple(drift), before, now, importance, labelled, tuple(curves), examples, chosen)


def _importance(
    predict: Predict, current: pl.DataFrame, schema: Schema, features: tuple[str, ...], of: str, seed: int
) -> tuple[tuple[Importance, ...], int]:
    if schema.name_of(Role.LABEL) not in current.columns:
        return (), 0
    rows, labels = labelled_rows(current, schema, of=of)
    if rows.height < _LEAST_LABELLED:
        return (), rows.height
    loss = default_loss(schema.task)
    return permutation_importance(predict, rows, labels, features, loss=loss, seed=seed), rows.height


def _extreme(found: Attributions) -> tuple[int, ...]:
    away = np.abs(found.scores - np.median(found.scores))
    return tuple(int(k) for k in np.argsort(-away, kind="stable")[:3])


def _drawable(rows: pl.DataFrame, name: str) -> bool:
    return rows.height > 1 and series_named(rows, name).drop_nulls().n_unique() > 1
