"""What an explanation is of, what it holds, and the protocol of those who make one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError, TrainingError, UsageError, WatchkeeperError, near_miss
from watchkeeper.core.schema import Role, Schema
from watchkeeper.maintain.terms import read_answers
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.schema.kinds import as_text

__all__ = [
    "Attributions",
    "ExplainMethod",
    "ExplainRequest",
    "Explainer",
    "FeatureEffect",
    "Predict",
    "background_rows",
    "feature_names",
    "labelled_rows",
    "predict_function",
]

Floats = NDArray[np.float64]

Predict = Callable[[pl.DataFrame], Floats]
"""Rows with the features of a model → its scores, float64, shape (n,)."""


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """What one feature adds to one score.

    Attributes
    ----------
    feature, held
        The feature, and its value in the row as text.
    value
        What it adds, in the unit of the score.
    error
        Standard error of ``value`` from sampling; 0 where it is exact.
    """

    feature: str
    held: str
    value: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Attributions:
    """What each feature adds to the score of each of n rows.

    Attributes
    ----------
    method
        ``shapley``, ``lime``, ``shap_tree``, ...
    features
        The d features.
    rows
        The rows explained, with the d features.
    values
        float64, shape (n, d), in the unit of ``scores``.
    base, scores
        What the rows start from, and where they end; shape (n,). For Shapley values base + Σ values = score.
    errors
        Standard errors of ``values`` from sampling, 0 where they are exact; shape (n, d).
    fidelity
        For a surrogate the weighted R² of its fit to the model around each row, shape (n,); 1 where values add up.
    scale
        ``score``, or ``log_odds`` where an exact method explains the logarithm of the odds.
    """

    method: str
    features: tuple[str, ...]
    rows: pl.DataFrame
    values: Floats
    base: Floats
    scores: Floats
    errors: Floats
    fidelity: Floats
    scale: str = "score"

    def of(self, row: int) -> tuple[FeatureEffect, ...]:
        """Return what the features add to one row, the largest first."""
        order = np.argsort(-np.abs(self.values[row]), kind="stable")
        return tuple(
            FeatureEffect(
                self.features[j],
                _shown(self.rows[self.features[j]][row]),
                float(self.values[row, j]),
                float(self.errors[row, j]),
            )
            for j in order
        )

    def mean_absolute(self) -> Floats:
        """Return the mean |value| of each feature over the rows, shape (d,)."""
        return np.asarray(np.abs(self.values).mean(axis=0))


@dataclass(frozen=True)
class ExplainRequest:
    """A model that is to be explained.

    Attributes
    ----------
    model, schema
        The fitted model, and the log it answers for.
    predict
        Rows to scores.
    background
        The rows that features are replaced from.
    of
        The class that is explained of a multiclass model.
    """

    model: Any
    schema: Schema
    predict: Predict
    background: pl.DataFrame
    of: str = ""


class ExplainMethod(Protocol):
    """What the registry holds of a way to explain: ``plugin`` is ``explainer``, ``name`` its key."""

    def of(self, asked: ExplainRequest, *, exact: int, orders: int, seed: int) -> Explainer:
        """Return the explainer of one model.

        Parameters
        ----------
        exact
            Number of features up to which the effort is made to be exact, where that grows with 2 to their number.
        orders
            Pairs of orders to draw beyond that.
        seed
            Of what is drawn.
        """


@runtime_checkable
class Explainer(Protocol):
    """Something that says what each feature adds to a score; it is made for one model and one background."""

    def explain(self, rows: pl.DataFrame) -> Attributions:
        """Return what each feature adds to the score of each row."""


def feature_names(model: Any, schema: Schema) -> tuple[str, ...]:
    """Return the features the model is asked with: those it was fitted on, otherwise all of the schema."""
    return tuple(str(name) for name in getattr(model, "feature_names_in_", [c.name for c in schema.features]))


def predict_function(model: Any, schema: Schema, *, of: str = "", trainer: Trainer | None = None) -> Predict:
    """Return the function from rows to scores that explanations are of.

    The score is the predicted value of a regressor, the probability of the positive class of a binary classifier, and
    of a multiclass one the probability of the class ``of``.

    Parameters
    ----------
    model
        A fitted model, such as ``Maintainer.model`` loads.
    of
        The class whose probability is explained; only for a multiclass model.
    trainer
        Asks the model through its ``predict`` where it has one.

    Raises
    ------
    UsageError
        When a multiclass model is explained without saying of which class.
    TrainingError
        From the function: when the model fails, or answers with anything but one finite number for each row.
    """
    if schema.task.spec.class_scores:
        return _checked(_of_class(model, schema, of, trainer), model)
    role, usual = (Role.SCORE, "score") if schema.task.spec.scored else (Role.PREDICTION, "prediction")
    answer = schema.name_of(role) or usual

    def predict(rows: pl.DataFrame) -> Floats:
        return score_rows(model, rows, schema, trainer)[answer].cast(pl.Float64).to_numpy()

    return _checked(predict, model)


def _checked(predict: Predict, model: Any) -> Predict:
    """Return the function, whose answers are one finite number for each row or an error that says what they are."""
    name = type(model).__name__

    def checked(rows: pl.DataFrame) -> Floats:
        try:
            found = predict(rows)
        except WatchkeeperError:
            raise
        except Exception as error:
            raise TrainingError(f"the {name} failed on {rows.height} rows: {type(error).__name__}: {error}") from error
        if found.shape != (rows.height,):
            raise TrainingError(f"the {name} gave scores of shape {found.shape} to {rows.height} rows")
        if not np.isfinite(found).all():
            raise TrainingError(f"the {name} gave scores that are no finite numbers, which cannot be explained")
        return found

    return checked


def _of_class(model: Any, schema: Schema, of: str, trainer: Trainer | None) -> Predict:
    if (trainer is not None and trainer.predict is not None) or not hasattr(model, "predict_proba"):
        raise UsageError("a multiclass model is explained by the probabilities of its classes; it needs predict_proba")
    names = as_text(pl.Series("class", np.asarray(model.classes_))).to_list()
    if of not in names:
        raise UsageError(f"the model has no class {of!r} to explain; {near_miss(of, names)}")
    place, features = names.index(of), list(feature_names(model, schema))

    def predict(rows: pl.DataFrame) -> Floats:
        return np.asarray(model.predict_proba(rows[features])[:, place], float)

    return predict


def labelled_rows(rows: pl.DataFrame, schema: Schema, *, of: str = "") -> tuple[pl.DataFrame, Floats]:
    """Return the rows whose label is known, and the labels as numbers: 1 for the class explained, 0 for others.

    Raises
    ------
    SchemaError
        When the label is not among the columns.
    """
    label = read_answers(rows, schema).label
    known = np.isfinite(label)
    if schema.task.spec.class_scores:
        if of not in schema.classes:
            raise UsageError(f"the schema has no class {of!r} to explain; {near_miss(of, schema.classes)}")
        label = (label == schema.classes.index(of)).astype(float)
    return rows.filter(pl.Series(known)), label[known]


def background_rows(rows: pl.DataFrame, features: Sequence[str], size: int = 100) -> pl.DataFrame:
    """Return the rows that features are replaced from: the first ``size`` of a row sample, which is in random order.

    Raises
    ------
    SchemaError
        When a feature is not among the columns, or there are no rows.
    """
    for name in features:
        if name not in rows.columns:
            raise SchemaError(f"the rows lack the feature {name!r}; {near_miss(name, rows.columns)}")
    if not rows.height:
        raise SchemaError("the background has no rows; explanations need some rows of the reference")
    return rows[list(features)].head(size)


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
