"""How a model is trained by a framework: what the configuration says, and what the columns are used as."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import ConfigError, TrainingError, near_miss
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.schema import Kind, Role, Schema
from watchkeeper.core.spec import Maintenance
from watchkeeper.maintain.framework import REFIT, Framework, Lesson, said
from watchkeeper.maintain.kept_model import KeptClassifier, KeptModel
from watchkeeper.maintain.preparation import LEVEL, NUMBER, TEXT, VECTOR, prepare

__all__ = ["Recipe", "classes_in", "learn", "recipe_of"]

_USES = {
    Kind.NUMERIC: NUMBER, Kind.BOOLEAN: NUMBER, Kind.TIME: NUMBER, Kind.CATEGORICAL: LEVEL, Kind.IDENTIFIER: LEVEL,
    Kind.TEXT: TEXT, Kind.VECTOR: VECTOR,
}  # fmt: skip


class Recipe(msgspec.Struct, frozen=True):
    """What a training needs to know beside its rows.

    Attributes
    ----------
    label
        The column of the label.
    scored
        Whether the model answers with a class and its probability; otherwise with a number.
    uses
        The features, and what each is used as.
    framework, factory, parameters
        See ``Maintenance``; the first is empty where a function trains.
    """

    label: str
    scored: bool
    uses: tuple[tuple[str, str], ...]
    framework: str = ""
    factory: str = ""
    parameters: dict[str, str | int | float | bool] = {}

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(name for name, _ in self.uses)

    @property
    def ways(self) -> tuple[str, ...]:
        """Ways to go on from a model that the framework may know."""
        return plugin("framework", self.framework).ways if self.framework else ()


def recipe_of(rule: Maintenance, schema: Schema) -> Recipe:
    """Return what a training needs to know.

    Raises
    ------
    ConfigError
        When there is no such framework, or a function is to train as well.
    """
    known = plugins("framework")
    if rule.framework and rule.framework not in known:
        raise ConfigError(f"maintain.framework: there is no {rule.framework!r}; {near_miss(rule.framework, known)}")
    if rule.framework and rule.train:
        raise ConfigError("maintain.train and maintain.framework: one of them trains, so set one of them only")
    uses = tuple((column.name, _USES[column.kind]) for column in schema.features if column.kind in _USES)
    return Recipe(
        schema.name_of(Role.LABEL) or "", schema.task.spec.scored, uses, rule.framework, rule.factory,
        dict(rule.parameters),
    )  # fmt: skip


def classes_in(rows: pl.DataFrame, recipe: Recipe) -> NDArray[Any] | None:
    """Return the classes that labels are of, sorted; None in a regression."""
    if not recipe.scored:
        return None
    return series_named(rows, recipe.label).drop_nulls().unique().sort().to_numpy()


def learn(
    recipe: Recipe, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None,
    parent: Any = None, way: str = REFIT,
) -> KeptModel:  # fmt: skip
    """Return a model of a framework, trained anew or going on from another one.

    Going on keeps the preparation and the classes of the model that is gone on from.

    Raises
    ------
    TrainingError
        When that model is of another framework, or labels are of a class that it does not know.
    """
    made: Framework = plugin("framework", recipe.framework)
    if way != REFIT:
        return _went_on(made, recipe, rows, seed, weights, parent, way)
    classes = classes_in(rows, recipe)
    preparation = prepare(rows, recipe.uses, scaled=not made.missing)
    y = _coded(rows, recipe, classes)
    lesson = _lesson(recipe, preparation.transform(rows), y, classes, weights, seed, way)
    core = made.fit(lesson)
    if classes is None:
        return KeptModel(recipe.framework, core, preparation, recipe.features)
    return KeptClassifier(recipe.framework, core, preparation, recipe.features, classes)


def _went_on(
    made: Framework, recipe: Recipe, rows: pl.DataFrame, seed: int, weights: NDArray[np.float64] | None,
    parent: Any, way: str,
) -> KeptModel:  # fmt: skip
    if not isinstance(parent, KeptModel) or parent.framework != recipe.framework:
        kind = parent.framework if isinstance(parent, KeptModel) else type(parent).__name__
        raise said(recipe.framework, way, f"the champion is a model of {kind}")
    if way not in made.ways:
        raise said(recipe.framework, way, near_miss(way, made.ways))
    classes = parent.classes_ if isinstance(parent, KeptClassifier) else None
    y = _coded(rows, recipe, classes)
    lesson = _lesson(recipe, parent.preparation.transform(rows), y, classes, weights, seed, way)
    return parent.with_core(recipe.framework, made.continue_(parent.core, lesson))


def _lesson(
    recipe: Recipe, x: Any, y: NDArray[Any], classes: NDArray[Any] | None, weights: NDArray[np.float64] | None,
    seed: int, way: str,
) -> Lesson:  # fmt: skip
    count = 0 if classes is None else len(classes)
    return Lesson(x, y, count, weights, recipe.parameters, recipe.factory, seed, way)


def _coded(rows: pl.DataFrame, recipe: Recipe, classes: NDArray[Any] | None) -> NDArray[Any]:
    label = series_named(rows, recipe.label)
    if classes is None:
        return label.cast(pl.Float64).to_numpy()
    if len(classes) < 2:
        raise TrainingError(f"the {rows.height} rows hold {len(classes)} class of {recipe.label!r}; it takes two")
    codes = {value: code for code, value in enumerate(classes.tolist())}
    unknown = sorted({str(value) for value in label.unique().to_list() if value not in codes})
    if unknown:
        raise TrainingError(f"the champion does not know the class {unknown[0]!r} of {recipe.label!r}")
    return np.array([codes[value] for value in label.to_list()], dtype=np.int64)
