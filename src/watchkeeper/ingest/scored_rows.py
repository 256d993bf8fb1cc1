"""Rows with the answers of a fitted model beside them, for who has a model and its frames and no log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.errors import STOPS, UsageError, in_short
from watchkeeper.ingest.foreign import frame_of
from watchkeeper.ingest.sources import open_table

__all__ = ["ScoredRows", "score_rows"]

_TWO = 2


@dataclass(frozen=True)
class ScoredRows:
    """A frame of features, answers and labels, and which column is what.

    Attributes
    ----------
    frame
        The rows.
    columns
        Option of a check (``prediction``, ``score``, ``label``) → column.
    scores
        Class → column of its probability, for three or more classes.
    positive
        The class that the score is the probability of.
    features
        The columns that the model was fitted on.
    classifies
        Whether the model knows classes.
    """

    frame: pl.DataFrame
    columns: Mapping[str, str]
    scores: Mapping[str, str] = field(default_factory=dict)
    positive: str | None = None
    features: tuple[str, ...] = ()
    classifies: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """What they say in the words of a check."""
        found: dict[str, Any] = {**self.columns, "features": self.features}
        if self.scores:
            found["scores"] = dict(self.scores)
        if self.positive is not None:
            found["positive"] = self.positive
        if not self.classifies:
            found["task"] = "regression"
        return found

    def unlabelled_as(self, other: ScoredRows) -> ScoredRows:
        """Return the rows with the label column that others have, and no label in it."""
        name = other.columns["label"]
        empty = pl.lit(None, other.frame.schema[name]).alias(name)
        return replace(self, frame=self.frame.with_columns(empty), columns={**self.columns, "label": name})


def score_rows(rows: Any, model: Any, labels: Any, side: str) -> ScoredRows:
    """Return rows with what a fitted scikit-learn model, or one that acts like it, answers them.

    Parameters
    ----------
    rows
        Anything a check takes, or an array of shape (n, features): it goes to the model as it is.
    model
        Has ``predict``, and for classes ``predict_proba`` and ``classes_``.
    labels
        The truth of the rows, of shape (n,); None where it is not known.
    side
        What to call the rows in a message.

    Raises
    ------
    UsageError
        When the model is not fitted or does not take the rows, or the labels are not as many as the rows.
    """
    if not callable(getattr(model, "predict", None)):
        raise UsageError(f"model must have a method predict; a {type(model).__name__} has none")
    asked, frame = _asked(rows, model)
    features = _features(model, frame)
    inputs = asked if features == tuple(frame.columns) or not hasattr(asked, "columns") else asked[list(features)]
    added: dict[str, Any] = {}
    columns, scores = {"prediction": _free("prediction", frame)}, dict[str, str]()
    classes = [str(one) for one in getattr(model, "classes_", ())]
    added[columns["prediction"]] = _answers(model.predict, inputs, frame.height, side)
    if classes and callable(getattr(model, "predict_proba", None)):
        shares = _answers(model.predict_proba, inputs, frame.height, side)
        if shares.ndim != _TWO or shares.shape[1] != len(classes):
            raise UsageError(
                f"the probabilities of the {side} rows have the shape {shares.shape}; one of each class is needed"
            )
        if len(classes) == _TWO:
            columns["score"] = _free("score", frame)
            added[columns["score"]] = shares[:, 1]
        else:
            scores = {name: _free(f"score_{name}", frame) for name in classes}
            added |= {column: shares[:, place] for place, column in enumerate(scores.values())}
    if labels is not None:
        columns["label"] = _free("label", frame)
        added[columns["label"]] = _labels(labels, frame.height, side)
    made = frame.with_columns(_series(name, values) for name, values in added.items())
    return ScoredRows(made, columns, scores, classes[1] if "score" in columns else None, features, bool(classes))


def _asked(rows: Any, model: Any) -> tuple[Any, pl.DataFrame]:
    """Return the rows as the model takes them, and as a frame."""
    if isinstance(rows, np.ndarray):
        names = getattr(model, "feature_names_in_", None)
        if names is not None and rows.ndim == _TWO and len(names) == rows.shape[1]:
            return rows, pl.DataFrame({str(name): rows[:, place] for place, name in enumerate(names)})
        return rows, _whole(frame_of(rows)[0])
    if isinstance(rows, str | Path):
        source = open_table(rows)
        frame = pl.concat(list(source.batches())) if source.rows else pl.DataFrame(schema=dict(source.schema))
        return frame, frame
    frame = _whole(frame_of(rows)[0])
    return (frame if isinstance(rows, Mapping | pl.LazyFrame) else rows), frame


def _whole(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _features(model: Any, frame: pl.DataFrame) -> tuple[str, ...]:
    names = tuple(str(name) for name in getattr(model, "feature_names_in_", ()))
    return names if names and set(names) <= set(frame.columns) else tuple(frame.columns)


def _answers(method: Any, rows: Any, height: int, side: str) -> Any:
    try:
        answers = np.asarray(method(rows))
    except STOPS:
        raise
    except BaseException as error:
        raise UsageError(f"the model cannot answer the {side} rows: {in_short(error)}") from error
    if len(answers) != height or (method.__name__ == "predict" and answers.ndim != 1):
        raise UsageError(
            f"the model answers {height} {side} rows with the shape {answers.shape}; one answer a row is needed"
        )
    return answers


def _labels(labels: Any, height: int, side: str) -> Any:
    values = np.asarray(labels)
    if values.ndim == _TWO and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (height,):
        raise UsageError(f"y of the {side} rows has the shape {values.shape}; there are {height} rows")
    return values


def _series(name: str, values: Any) -> pl.Series:
    return pl.Series(name, values.tolist() if values.dtype == object else values)


def _free(name: str, frame: pl.DataFrame) -> str:
    """Return a name that no feature has."""
    while name in frame.columns:
        name = f"{name}_of_model"
    return name
