"""The user's training function, and a model's answers in the terms of the schema."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import columns_named
from watchkeeper.core.errors import ConfigError, PluginError, SchemaError, TrainingError, UsageError, near_miss
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.user_code import function_in, search_in, split_name
from watchkeeper.maintain.kept_model import as_kept
from watchkeeper.maintain.recipe import Recipe, classes_in, learn
from watchkeeper.maintain.signature import features_asked
from watchkeeper.maintain.terms import positive_class
from watchkeeper.schema.kinds import as_text

__all__ = ["FitsElsewhere", "Start", "Trainer", "TrainingData", "learned_from", "load_trainer", "score_rows"]

_TAIL = 3


class TrainingData:
    """Rows to learn from, in an Arrow file: a training function reads them lazily, in batches or whole.

    Parameters
    ----------
    path
        The file, uncompressed.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    @property
    def columns(self) -> list[str]:
        """Names of the columns: the features and the label."""
        return list(pl.read_ipc_schema(self._path))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.lazy().select(pl.len()).collect().item())

    def lazy(self) -> pl.LazyFrame:
        """Return the rows as a lazy frame, of which only what is asked for is read."""
        return pl.scan_ipc(self._path)

    def batches(self, size: int = 65_536) -> Iterator[pl.DataFrame]:
        """Yield the rows in order, at most ``size`` at a time."""
        yield from self.frame().iter_slices(size)

    def frame(self) -> pl.DataFrame:
        """Return all rows, mapped from the file: what is not looked at takes no memory."""
        return pl.read_ipc(self._path)


@dataclass(frozen=True, slots=True)
class Start:
    """The model that a training goes on from, and by which way: see ``framework.Framework.ways``."""

    model: Any
    way: str


@runtime_checkable
class FitsElsewhere(Protocol):
    """Fits a model by a training function somewhere else than in this process."""

    def fit(
        self, trainer: str, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None,
        start: Start | None = None,
    ) -> Any:  # fmt: skip
        """Return the fitted model."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """A training function and, where its module has one, the function that asks a model of its kind.

    Parameters
    ----------
    name
        ``module:function``.
    function
        ``train(rows)``, ``train(rows, seed)`` or ``train(rows, seed, weights)``: rows is a Polars frame with the
        features and the label and nothing else, seed an int, weights an array of one weight a row or None. It returns
        a fitted model with ``predict``, and with ``predict_proba`` and ``classes_`` for a classifier. One whose first
        argument is called ``data`` gets a ``TrainingData`` in place of the frame.
    predict
        ``predict(model, rows)`` for models that do not speak scikit-learn; returns a frame, in the order of the rows,
        with the prediction and score columns of the schema.
    elsewhere
        Fits in another process; None to fit in this one.
    recipe
        What is known of the columns, and the framework that trains in place of a function; None where nothing is.
    """

    name: str
    function: Callable[..., Any]
    predict: Callable[[Any, pl.DataFrame], pl.DataFrame] | None = None
    elsewhere: FitsElsewhere | None = None
    recipe: Recipe | None = None

    @property
    def weighs(self) -> bool:
        """Whether the function takes weights."""
        return "weights" in self._parameters

    @property
    def ways(self) -> tuple[str, ...]:
        """Ways to go on from a model; none where a function trains."""
        return self.recipe.ways if self.recipe else ()

    @property
    def _parameters(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    def train(
        self, rows: pl.DataFrame, schema: Schema, seed: int = 0, weights: NDArray[np.float64] | None = None,
        start: Start | None = None,
    ) -> Any:  # fmt: skip
        """Return the fitted model, trained anew or going on from another one.

        Raises
        ------
        TrainingError
            When the function fails, with the end of its traceback, or returns what cannot predict.
        """
        learnable = learned_from(rows, schema)
        if self.elsewhere is not None:
            model = self.elsewhere.fit(self.name, learnable, seed, weights, start)
        else:
            model = self.fit_here(learnable, seed, weights, start)
        lacking = [] if self.predict else _lacking(model, schema)
        if lacking:
            raise TrainingError(
                f"{self.name} returned {type(model).__name__} without {' and '.join(lacking)}; return a fitted "
                "scikit-learn model, or add predict(model, rows) to the module"
            )
        return model

    def fit(
        self, data: TrainingData, seed: int, weights: NDArray[np.float64] | None, start: Start | None = None
    ) -> Any:
        """Return what the function makes of rows in a file, in this process.

        Raises
        ------
        TrainingError
            When the function fails, with the end of its traceback.
        """
        rows = data.frame()
        return self._fit(data if self._takes_data else rows, rows, seed, weights, start)

    def fit_here(
        self, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None, start: Start | None = None
    ) -> Any:
        """Return what the function makes of rows, in this process.

        Raises
        ------
        TrainingError
            When the function fails, with the end of its traceback.
        """
        if not self._takes_data:
            return self._fit(rows, rows, seed, weights, start)
        with TemporaryDirectory(prefix="watchkeeper-") as folder:
            path = str(Path(folder, "rows.arrow"))
            rows.write_ipc(path, compression="uncompressed")
            return self.fit(TrainingData(path), seed, weights, start)

    @property
    def _takes_data(self) -> bool:
        return self._parameters[:1] == ["data"]

    def _fit(
        self, given: Any, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None, start: Start | None
    ) -> Any:
        options = {"seed": seed, "weights": weights, "start": start}
        wanted = {name: value for name, value in options.items() if name in self._parameters}
        with _blamed(f"{self.name} failed on {rows.height} rows"):
            model = self.function(given, **wanted)
            recipe = self.recipe
            if recipe is None or self.predict is not None or not recipe.label:
                return model
            return as_kept(model, recipe.features, classes_in(rows, recipe))


def trained_by(recipe: Recipe) -> Callable[..., Any]:
    """Return a training function that lets a framework train."""

    def train(rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None, start: Start | None = None) -> Any:
        if start is None:
            return learn(recipe, rows, seed, weights)
        return learn(recipe, rows, seed, weights, start.model, start.way)

    return train


def learned_from(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return the columns that a training may see: features and the label, and no answer, id or time."""
    names = [column.name for column in schema.features] + [schema.name_of(Role.LABEL) or ""]
    return rows.select(columns_named([name for name in names if name in rows.columns]))


def load_trainer(name: str, folder: str = ".", recipe: Recipe | None = None) -> Trainer:
    """Import ``module:function``.

    A complete module, say ``training.py`` beside the configuration, named as ``training:train``::

        from sklearn.compose import make_column_transformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        def train(rows, seed):
            columns = make_column_transformer(
                (StandardScaler(), ["distance"]), (OneHotEncoder(handle_unknown="ignore"), ["carrier"])
            )
            model = make_pipeline(columns, LogisticRegression(random_state=seed))
            return model.fit(rows, rows["late"])

    Parameters
    ----------
    name
        Module and function; the module may lie in ``folder`` or anywhere on the import path. Preprocessing belongs
        into the model that is returned, because the model is later asked with the logged features alone.
    folder
        Put first on the import path, and left there: the module may import its neighbours later.
    recipe
        What is known of the columns; where it names a framework, that trains, and the name is not looked at.

    Raises
    ------
    ConfigError
        When the name is malformed, or the module or the function is not there.
    TrainingError
        When the module fails while it is imported.
    """
    if recipe is not None and recipe.framework:
        search_in(folder)
        return Trainer(recipe.framework, trained_by(recipe), recipe=recipe)
    try:
        module_name, function_name = split_name(name)
    except UsageError as error:
        raise ConfigError(f"maintain.train: {error}") from None
    path = search_in(folder)
    try:
        with _blamed(f"the module of {name} failed while it was imported"):
            module = import_module(module_name)
    except TrainingError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and module_name.startswith(missing.name or "\0"):
            raise ConfigError(
                f"maintain.train: there is no module {module_name!r} in {path} or on the import path"
            ) from missing
        raise
    try:
        function = function_in(module, function_name)
    except UsageError as error:
        raise ConfigError(f"maintain.train: {error}") from None
    return Trainer(name, function, getattr(module, "predict", None), recipe=recipe)


def score_rows(model: Any, rows: pl.DataFrame, schema: Schema, trainer: Trainer | None = None) -> pl.DataFrame:
    """Return ``rows`` with the model's prediction and score in the columns and terms of the schema.

    The score of a binary model is the probability of the positive class, found by ``classes_``; of a multiclass model
    that of the predicted class. A model sees the features it was fitted on where it knows their names
    (``feature_names_in_``), otherwise all features of the schema, in that order; it never sees a label or an answer.

    Parameters
    ----------
    model
        What ``Trainer.train`` returned.
    rows
        At least the feature columns.
    schema
        Names the prediction and score columns (``prediction`` and ``score`` where it has none).
    trainer
        Asks the model through its ``predict`` where it has one.

    Raises
    ------
    SchemaError
        When a feature is missing or the model does not know the positive class.
    TrainingError
        When the model fails, with the end of its traceback.
    """
    if trainer is not None and trainer.predict is not None:
        return _score_by_function(trainer, model, rows, schema)
    features = features_asked(model, schema)
    for name in features:
        if name not in rows.columns:
            raise SchemaError(f"the model needs the feature {name!r}; {near_miss(name, rows.columns)}")
    asked = rows[features]
    prediction_name, score_name = _answer_names(schema)
    with _blamed(f"the {type(model).__name__} failed on {rows.height} rows"):
        if not rows.height:
            predicted, scores = np.empty(0, np.float64), np.empty(0, np.float64)
        elif not schema.task.spec.scored:
            predicted, scores = np.asarray(model.predict(asked)), None
        else:
            predicted, scores = _classified(np.asarray(model.predict_proba(asked)), model, schema)
    answers = [pl.Series(prediction_name, predicted)]
    if scores is not None and schema.task.spec.scored:
        answers.append(pl.Series(score_name, scores))
    return rows.with_columns(answers)


def _classified(chances: NDArray[np.float64], model: Any, schema: Schema) -> tuple[NDArray[Any], NDArray[np.float64]]:
    classes = np.asarray(model.classes_)
    best = chances.argmax(axis=1)
    if not schema.task.spec.two_classes:
        return classes[best], chances.max(axis=1)
    names = as_text(pl.Series("class", classes)).to_list()
    positive = positive_class(schema)
    if positive not in names:
        raise SchemaError(f"the model does not know the positive class {positive!r}; {near_miss(positive, names)}")
    # A tie goes to the positive class, as "score at least one half" does everywhere else.
    at = names.index(positive)
    best = np.where(chances[:, at] >= 0.5, at, best)
    return classes[best], chances[:, at]


def _score_by_function(trainer: Trainer, model: Any, rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    with _blamed(f"predict of {trainer.name.partition(':')[0]} failed on {rows.height} rows"):
        answered = trainer.predict(model, rows) if trainer.predict else None
    if not isinstance(answered, pl.DataFrame) or answered.height != rows.height:
        raise TrainingError(
            f"predict of {trainer.name.partition(':')[0]} must return a Polars frame with one row for each of the "
            f"{rows.height} it was given"
        )
    wanted = [name for name in _answer_names(schema) if name in answered.columns]
    if not wanted:
        raise TrainingError(
            f"predict of {trainer.name.partition(':')[0]} returned no answer; name its columns "
            f"{' and '.join(_answer_names(schema))}"
        )
    return rows.with_columns(answered.get_column(name) for name in wanted)


def _answer_names(schema: Schema) -> tuple[str, str]:
    return schema.name_of(Role.PREDICTION) or "prediction", schema.name_of(Role.SCORE) or "score"


def _lacking(model: Any, schema: Schema) -> list[str]:
    wanted = ["predict", "predict_proba", "classes_"] if schema.task.spec.scored else ["predict"]
    return [name for name in wanted if not hasattr(model, name)]


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    """Turn whatever the user's code raises into a TrainingError that shows where."""
    try:
        yield
    except (SchemaError, PluginError):
        raise
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
        # The user's own lines say more than those of the library that raised.
        shown = [f for f in frames if "site-packages" not in f.filename and "importlib" not in f.filename][-_TAIL:]
        shown += [f for f in frames[-1:] if f not in shown]
        tail = "".join(f"\n  {f.filename}:{f.lineno} in {f.name}: {f.line}" for f in shown)
        raise TrainingError(f"{what}: {type(error).__name__}: {error}{tail}") from error
