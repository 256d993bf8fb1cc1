"""Boosted trees of LightGBM, in its own file format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError
from watchkeeper.integrations.onnx import converted_trees
from watchkeeper.maintain.compression import fewest_rounds
from watchkeeper.maintain.framework import CONTINUE, LEAF_REFIT, Lesson, Trust, needed, own

__all__ = ["LightGbm"]

_FILE = "model.txt"
_ENDS = ("end of parameters", "pandas_categorical:null", "pandas_categorical:[]")
_OWN = ("rounds", "more", "decay_rate")
_ROUNDS, _MORE, _DECAY = 200, 20, 0.9


class LightGbm:
    """Boosted trees of LightGBM, kept as its text.

    ``rounds`` (200) trees are fitted, ``more`` (20) when it goes on from the champion; every other parameter is
    LightGBM's, such as ``num_leaves`` or ``learning_rate``. The objective follows from the task. ``leaf_refit`` keeps
    the splits of the champion and mixes the values of its leaves, ``decay_rate`` (.9) of the old and the rest of new.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "lightgbm"
    missing: ClassVar[bool] = True
    ways: ClassVar[tuple[str, ...]] = (CONTINUE, LEAF_REFIT)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a booster, or an estimator that holds one."""
        return own(model, "lightgbm") and (hasattr(model, "booster_") or type(model).__name__ == "Booster")

    def fit(self, lesson: Lesson) -> Any:
        """Boost from nothing."""
        return self._train(lesson, int(lesson.parameters.get("rounds", _ROUNDS)), None)

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Add trees, or learn the leaves anew."""
        booster = _booster(model)
        if lesson.way == LEAF_REFIT:
            decay = float(lesson.parameters.get("decay_rate", _DECAY))
            return booster.refit(lesson.x, lesson.y, decay_rate=decay, weight=lesson.weights, verbose=-1)
        return self._train(lesson, int(lesson.parameters.get("more", _MORE)), booster)

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the booster."""
        told = np.asarray(_booster(model).predict(x), dtype=np.float64)
        return np.column_stack([1.0 - told, told]) if classes == 2 and told.ndim == 1 else told

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write it as text."""
        return {_FILE: _booster(model).model_to_string().encode()}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Read it from text, once its trees are found to point inside themselves.

        Raises
        ------
        ArtefactError
            When they do not, or it is no such file: LightGBM would end the process.
        """
        written = files[_FILE].decode()
        _check(written)
        return _package().Booster(model_str=written)

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Convert to ONNX, or leave out the last trees that the answers do not need.

        Raises
        ------
        TrainingError
            When another form is asked for.
        """
        booster = _booster(model)
        if form == "pruned":
            rounds = fewest_rounds(
                booster.current_iteration(), lambda most: self.predict(_first(booster, most), lesson.x, lesson.classes),
                lesson.y,
            )  # fmt: skip
            return self.name, _first(booster, rounds)
        return converted_trees("lightgbm", booster, form, lesson)

    def _train(self, lesson: Lesson, rounds: int, before: Any) -> Any:
        package = _package()
        several = {"objective": "multiclass", "num_class": lesson.classes}
        two = {"objective": "binary"} if lesson.classes else {"objective": "regression"}
        chosen = {
            **(several if lesson.classes > 2 else two), "seed": lesson.seed, "deterministic": True, "verbosity": -1,
            **lesson.but(*_OWN),
        }  # fmt: skip
        rows = package.Dataset(lesson.x, label=lesson.y, weight=lesson.weights, params={"verbosity": -1})
        return package.train(chosen, rows, rounds, init_model=before)


def _check(written: str) -> None:
    head, *trees = written.partition("\nend of trees")[0].split("\nTree=")
    about = _pairs(head)
    try:
        features, sizes = int(about["max_feature_idx"]) + 1, about["tree_sizes"].split()
        whole = written.startswith("tree\n") and written.rstrip().endswith(_ENDS) and len(sizes) == len(trees)
        sound = whole and all(_sound(_pairs(tree), features) for tree in trees)
    except (KeyError, ValueError) as error:
        raise ArtefactError(f"it is no file of LightGBM: {error}") from None
    if not whole:
        raise ArtefactError("it is no file of LightGBM, or a part of one")
    if not sound:
        raise ArtefactError("a tree in it points outside itself; do not use this file")


def _pairs(lines: str) -> dict[str, str]:
    return {name: value for name, equal, value in (line.partition("=") for line in lines.splitlines()) if equal}


def _sound(tree: Mapping[str, str], features: int) -> bool:
    """Whether a tree's inner nodes are followed by their children, and its leaves and features are there."""
    leaves, inner = int(tree["num_leaves"]), int(tree["num_leaves"]) - 1
    if len(tree["leaf_value"].split()) != leaves:
        return False
    if not inner:
        return True
    split = np.array(tree["split_feature"].split(), int)
    place = np.arange(inner)
    for side in ("left_child", "right_child"):
        child = np.array(tree[side].split(), int)
        if len(child) != inner or not np.all(np.where(child < 0, ~child < leaves, (child > place) & (child < inner))):
            return False
    lengths = {len(tree[name].split()) for name in ("split_feature", "threshold", "decision_type")}
    return lengths == {inner} and bool(np.all((split >= 0) & (split < features)))


def _first(booster: Any, rounds: int) -> Any:
    return _package().Booster(model_str=booster.model_to_string(num_iteration=rounds))


def _booster(model: Any) -> Any:
    return getattr(model, "booster_", model)


def _package() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise needed("LightGBM", "lightgbm", error) from error
    return lightgbm
