"""Boosted trees of XGBoost, in its own file format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError
from watchkeeper.integrations.onnx import converted_trees
from watchkeeper.maintain.compression import fewest_rounds
from watchkeeper.maintain.framework import CONTINUE, LEAF_REFIT, Lesson, Trust, needed, own

__all__ = ["XGBoost"]

_FILE = "model.json"
_OWN = ("rounds", "more")
_ROUNDS, _MORE = 200, 20


class XGBoost:
    """Boosted trees of XGBoost, kept as its JSON.

    ``rounds`` (200) trees are fitted, ``more`` (20) when it goes on from the champion; every other parameter is
    XGBoost's, such as ``max_depth`` or ``eta``. The objective follows from the task. ``leaf_refit`` keeps the splits of
    the champion and learns the values of its leaves anew.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "xgboost"
    missing: ClassVar[bool] = True
    ways: ClassVar[tuple[str, ...]] = (CONTINUE, LEAF_REFIT)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a booster, or an estimator that holds one."""
        return own(model, "xgboost") and (hasattr(model, "get_booster") or type(model).__name__ == "Booster")

    def fit(self, lesson: Lesson) -> Any:
        """Boost from nothing."""
        return self._train(lesson, int(lesson.parameters.get("rounds", _ROUNDS)), None)

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Add trees, or learn the leaves anew."""
        booster = _booster(model)
        if lesson.way == LEAF_REFIT:
            refresh = {"process_type": "update", "updater": "refresh", "refresh_leaf": True}
            return self._train(lesson, booster.num_boosted_rounds(), booster.copy(), refresh)
        return self._train(lesson, int(lesson.parameters.get("more", _MORE)), booster.copy())

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the booster."""
        told = _booster(model).predict(_package().DMatrix(x), validate_features=False)
        if classes == 2 and told.ndim == 1:
            return np.column_stack([1.0 - told, told])
        return np.asarray(told, dtype=np.float64)

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write it as JSON, whose numbers read back as they were."""
        return {_FILE: bytes(_booster(model).save_raw("json"))}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Read it from JSON, once its trees are found to point inside themselves.

        Raises
        ------
        ArtefactError
            When they do not, or it is no such file: XGBoost would end the process.
        """
        _check(files[_FILE])
        booster = _package().Booster()
        booster.load_model(bytearray(files[_FILE]))
        return booster

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Convert to ONNX, or leave out the last trees that the answers do not need.

        Raises
        ------
        TrainingError
            When another form is asked for.
        """
        booster = _booster(model)
        if form == "pruned":
            ask = lambda rounds: self.predict(booster[:rounds], lesson.x, lesson.classes)  # noqa: E731
            return self.name, booster[: fewest_rounds(booster.num_boosted_rounds(), ask, lesson.y)]
        return converted_trees("xgboost", booster, form, lesson)

    def _train(self, lesson: Lesson, rounds: int, before: Any, also: Mapping[str, Any] | None = None) -> Any:
        package = _package()
        several = {"objective": "multi:softprob", "num_class": lesson.classes}
        two = {"objective": "binary:logistic"} if lesson.classes else {"objective": "reg:squarederror"}
        chosen = {**(several if lesson.classes > 2 else two), "seed": lesson.seed, "verbosity": 0, **lesson.but(*_OWN)}
        rows = package.DMatrix(lesson.x, label=lesson.y, weight=lesson.weights)
        return package.train({**chosen, **(also or {})}, rows, rounds, xgb_model=before)


def _check(data: bytes) -> None:
    try:
        learner = msgspec.json.decode(data)["learner"]
        booster, most = learner["gradient_booster"], int(learner["learner_model_param"]["num_feature"])
        trees = booster.get("model", booster.get("gbtree", {}).get("model", {})).get("trees", [])
        sound = all(_sound(tree, most) for tree in trees)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"it is no file of XGBoost: {error}") from None
    if not sound:
        raise ArtefactError("a tree in it points outside itself; do not use this file")


def _sound(tree: Mapping[str, Any], most: int) -> bool:
    left, right, split = (np.asarray(tree[key]) for key in ("left_children", "right_children", "split_indices"))
    count, inner = int(tree["tree_param"]["num_nodes"]), left != -1
    place = np.arange(len(left))
    # Nodes that were pruned away stand outside every path, and both children of others come after them.
    forward = all(bool(np.all((one[inner] > place[inner]) & (one[inner] < count))) for one in (left, right))
    return len(left) == len(right) == len(split) == count and forward and bool(np.all(split[inner] < most))


def _booster(model: Any) -> Any:
    """Return the booster, up to the round it was found best at where it stopped early."""
    if not hasattr(model, "get_booster"):
        return model
    booster, best = model.get_booster(), getattr(model, "best_iteration", None)
    return booster if best is None else booster[: best + 1]


def _package() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise needed("XGBoost", "xgboost", error) from error
    return xgboost
