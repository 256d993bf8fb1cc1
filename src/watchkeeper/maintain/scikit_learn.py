"""Estimators of scikit-learn as models of a framework: trained anew, or gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy, deepcopy
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import TrainingError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.user_code import function_named
from watchkeeper.maintain.compression import fewest_rounds
from watchkeeper.maintain.framework import CONTINUE, Lesson, Trust, needed, said
from watchkeeper.maintain.skops_file import packed, unpacked

__all__ = ["ScikitLearn"]

_FILE = "estimator.skops"
_OWN = ("more", "passes")
_MORE = 20
_BATCH = 1_000


class ScikitLearn:
    """An estimator of scikit-learn, or one that follows its interface.

    ``factory`` names its class, such as ``sklearn.linear_model:LogisticRegression``; without one it is histogram
    gradient boosting. ``parameters`` are the estimator's, and ``random_state`` is the seed. Going on takes
    ``partial_fit``, over all rows ``passes`` times (1), or else ``warm_start``, by ``more`` trees or iterations (20).
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "scikit-learn"
    missing: ClassVar[bool] = False
    ways: ClassVar[tuple[str, ...]] = (CONTINUE,)

    def recognises(self, model: Any) -> bool:
        """Return whether it is defined in scikit-learn."""
        return type(model).__module__.partition(".")[0] == "sklearn" and hasattr(model, "predict")

    def fit(self, lesson: Lesson) -> Any:
        """Fit an estimator anew.

        Raises
        ------
        TrainingError
            When it gives no probabilities, or takes no weights where rows have such.
        """
        estimator = _made(lesson)
        if lesson.classes and not hasattr(estimator, "predict_proba"):
            raise TrainingError(f"{type(estimator).__name__} gives no probabilities; choose one with predict_proba")
        return estimator.fit(_taken(estimator, lesson.x), lesson.y, **_weights(estimator, lesson))

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Go on by ``partial_fit`` or ``warm_start``.

        Raises
        ------
        TrainingError
            When the estimator knows neither.
        """
        model, x = deepcopy(model), _taken(model, lesson.x)
        if hasattr(model, "partial_fit"):
            classes = {"classes": np.arange(lesson.classes)} if lesson.classes else {}
            for _ in range(int(lesson.parameters.get("passes", 1))):
                for start in range(0, len(lesson.y), _BATCH):
                    part = slice(start, start + _BATCH)
                    own = {key: value[part] for key, value in _weights(model, lesson).items()}
                    model.partial_fit(x[part], lesson.y[part], **classes, **own)
            return model
        counted = next((name for name in ("n_estimators", "max_iter") if name in model.get_params(deep=False)), None)
        if counted is None or "warm_start" not in model.get_params(deep=False):
            raise said(self.name, lesson.way, f"{type(model).__name__} has neither partial_fit nor warm_start")
        if lesson.classes and len(np.unique(lesson.y)) < lesson.classes:
            raise said(self.name, lesson.way, "the rows lack a class that the champion knows")
        more = int(lesson.parameters.get("more", _MORE))
        before = int(getattr(model, "n_iter_", 0)) if counted == "max_iter" and hasattr(model, "_predictors") else 0
        model.set_params(warm_start=True, **{counted: (before or model.get_params()[counted]) + more})
        return model.fit(x, lesson.y, **_weights(model, lesson))

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the estimator."""
        x = _taken(model, x)
        if not classes:
            return np.asarray(model.predict(x), dtype=np.float64)
        told = np.zeros((x.shape[0], classes))
        # Models of a function know all classes by name; those that are fitted here know those there were by code.
        known = np.arange(classes) if len(model.classes_) == classes else np.asarray(model.classes_, dtype=int)
        told[:, known] = model.predict_proba(x)
        return told

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Convert to ONNX, or leave out trees of a forest that its answers do not need.

        Raises
        ------
        TrainingError
            When the estimator has no such form.
        """
        if form == "onnx":
            return "onnx", plugin("framework", "onnx").load({"model.onnx": _as_onnx(model, lesson)}, Trust())
        trees = getattr(model, "estimators_", None)
        if form != "pruned" or not isinstance(trees, list) or "bootstrap" not in model.get_params(deep=False):
            raise TrainingError(
                f"a {type(model).__name__} has no form {form!r}; valid: onnx, distilled, and of forests pruned"
            )

        def first(most: int) -> Any:
            made = copy(model)
            made.estimators_ = trees[:most]
            return made.set_params(n_estimators=most)

        def ask(most: int) -> NDArray[np.float64]:
            made = first(most)
            return np.asarray(made.predict_proba(lesson.x) if lesson.classes else made.predict(lesson.x))

        return self.name, first(fewest_rounds(len(trees), ask, lesson.y))

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write it as a skops file."""
        return {_FILE: packed(model, trust.names, f"the {type(model).__name__}")}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Read it from a skops file, types and trees checked."""
        return unpacked(files[_FILE], trust.names, "the estimator")


def _as_onnx(model: Any, lesson: Lesson) -> bytes:
    try:
        from skl2onnx import to_onnx
    except ImportError as error:
        raise needed("skl2onnx", "onnx", error) from error
    try:
        options = {id(model): {"zipmap": False}} if lesson.classes else None
        made = to_onnx(model, np.zeros((1, lesson.x.shape[1]), np.float32), options=options, target_opset=15)
    except Exception as error:
        raise TrainingError(f"a {type(model).__name__} cannot be converted to ONNX: {error}") from error
    return bytes(made.SerializeToString())


def _made(lesson: Lesson) -> Any:
    default = "HistGradientBoostingClassifier" if lesson.classes else "HistGradientBoostingRegressor"
    estimator = function_named(lesson.factory or f"sklearn.ensemble:{default}")(**lesson.but(*_OWN))
    if "random_state" in estimator.get_params(deep=False) and "random_state" not in lesson.parameters:
        estimator.set_params(random_state=lesson.seed)
    return estimator


def _taken(estimator: Any, x: Any) -> Any:
    """Return rows as an array for one that takes no sparse matrix."""
    return x.toarray() if hasattr(x, "toarray") and type(estimator).__name__.startswith("HistGradient") else x


def _weights(estimator: Any, lesson: Lesson) -> dict[str, NDArray[np.float64]]:
    from sklearn.utils.validation import has_fit_parameter

    if lesson.weights is None:
        return {}
    if not has_fit_parameter(estimator, "sample_weight"):
        raise TrainingError(f"{type(estimator).__name__} takes no weights of rows")
    return {"sample_weight": lesson.weights}
