"""Smaller or faster forms of a model, and whether one still answers as the model does."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import columns_named
from watchkeeper.core.errors import TrainingError, UsageError, near_miss
from watchkeeper.core.ground import Ground
from watchkeeper.core.plugins import plugin
from watchkeeper.maintain.framework import Lesson, Parameters
from watchkeeper.maintain.kept_model import KeptClassifier, KeptModel
from watchkeeper.maintain.preparation import Preparation

__all__ = ["FORMS", "Compresses", "Fidelity", "Weight", "compressed", "fewest_rounds"]

ONNX, INT8, PRUNED, DISTILLED = FORMS = ("onnx", "int8", "pruned", "distilled")

MOST_APART, MOST_FLIPS = 0.02, 0.005
LEAST_GAIN = 0.1
"""A form is this share smaller or faster, or it is no gain."""

_STUDENT: Parameters = {"max_iter": 40, "max_leaf_nodes": 8, "early_stopping": False}


@runtime_checkable
class Compresses(Protocol):
    """A framework whose models have other forms."""

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Return the framework and the model of another form; TrainingError where there is none.

        Parameters
        ----------
        lesson
            Prepared rows to try it on, with the model's own answers in place of labels.
        """


@dataclass(frozen=True, slots=True)
class Weight:
    """What a model takes: bytes of its file, and seconds to answer the rows it is compared on."""

    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far a form of a model is from the model, on the same rows.

    Parameters
    ----------
    form
        One of ``FORMS``.
    largest
        The largest difference of a probability; in a regression of a value, in standard deviations of the values.
    flips
        Share of rows to which they answer another class; 0 in a regression.
    n
        The rows.
    before, after
        What the model and its form take.
    """

    form: str
    largest: float
    flips: float
    n: int
    before: Weight
    after: Weight

    @property
    def faithful(self) -> bool:
        """Whether it answers as the model does.

        Either no probability moved by more than .02, or no more than .5 % of answers flipped: the latter suffices for
        a form that approximates. One that is converted claims to be the same model, and a jump shows a fault.
        """
        close = self.largest <= MOST_APART
        return self.n > 0 and (close or (self.form != ONNX and self.flips <= MOST_FLIPS and self.flips >= 0))

    @property
    def smaller(self) -> float:
        """By which share its file is smaller."""
        return 1.0 - self.after.bytes / self.before.bytes

    @property
    def faster(self) -> float:
        """By which share it answers faster."""
        return 1.0 - self.after.seconds / self.before.seconds if self.before.seconds > 0 else 0.0

    @property
    def gains(self) -> bool:
        """Whether it is smaller or faster by a tenth at least."""
        return max(self.smaller, self.faster) >= LEAST_GAIN

    @property
    def grounds(self) -> tuple[Ground, ...]:
        """Why it may not be promoted, first; then what it gains."""
        limit = MOST_APART
        apart = Ground("compressed_apart", self.form, value=self.largest, error=self.flips, limit=limit, n=self.n)
        gain = Ground(
            "compressed_gain" if self.gains else "compressed_no_gain", self.form, value=self.smaller, error=self.faster,
            before=float(self.before.bytes), after=float(self.after.bytes), limit=LEAST_GAIN,
        )  # fmt: skip
        close = Ground("compressed_close", self.form, value=self.largest, error=self.flips, limit=limit, n=self.n)
        return (close if self.faithful else apart, gain)

    @property
    def passed(self) -> bool:
        """Whether the gate may judge it."""
        return self.faithful and self.gains


def compressed(model: Any, form: str, rows: pl.DataFrame, features: tuple[str, ...], seed: int) -> KeptModel:
    """Return another form of a model.

    Parameters
    ----------
    model
        The fitted model.
    form
        ``onnx`` converts it, ``int8`` quantises it to whole numbers of 8 bits, ``pruned`` leaves out the last trees
        that its answers do not need, ``distilled`` trains a small gradient boosting on its answers.
    rows
        Rows it has not to be judged on: what it answers to them decides how much is pruned, and is what is distilled.
    features
        The features that it is asked with.

    Raises
    ------
    UsageError
        When there is no such form.
    TrainingError
        When a model of this kind has none.
    """
    if form not in FORMS:
        raise UsageError(f"there is no form {form!r}; {near_miss(form, FORMS)}")
    kept = _kept(model, features)
    classes = len(kept.classes_) if isinstance(kept, KeptClassifier) else 0
    asked = rows.select(columns_named(kept.features))
    x = kept.preparation.transform(asked)
    told = kept.predict_proba(asked) if isinstance(kept, KeptClassifier) else kept.predict(asked)
    if form == DISTILLED:
        return kept.with_core("scikit-learn", _student(x, told, classes, seed))
    made = plugin("framework", kept.framework)
    lesson = Lesson(x, told, classes, seed=seed)
    if not isinstance(made, Compresses):
        raise TrainingError(f"a model of {kept.framework} has no form {form!r}; distilled suits every model")
    framework, core = made.compressed(kept.core, form, lesson)
    return kept.with_core(framework, core)


def fewest_rounds(rounds: int, ask: Any, told: NDArray[np.float64]) -> int:
    """Return the fewest trees whose answers are close to those of all: no probability .01 away; half the limit.

    Parameters
    ----------
    rounds
        How many there are.
    ask
        Takes a number of trees; returns what they answer.
    told
        What all of them answer.
    """
    scale = 1.0 if told.ndim == 2 else float(np.std(told)) or 1.0
    low, high = 0, rounds
    while high - low > 1:
        middle = (low + high) // 2
        near = float(np.abs(ask(middle) - told).max()) <= MOST_APART / 2 * scale
        low, high = (low, middle) if near else (middle, high)
    return high


def _kept(model: Any, features: tuple[str, ...]) -> KeptModel:
    """Return a model as one of a framework; of a pipeline of scikit-learn, the last step."""
    if isinstance(model, KeptModel):
        return model
    steps = getattr(model, "steps", None)
    core, before = (model[-1], model[:-1]) if steps and len(steps) > 1 else (model, None)
    if not type(core).__module__.startswith("sklearn."):
        raise TrainingError(f"a {type(core).__name__} has no other form; train it with a framework")
    preparation = Preparation((), before)
    if before is None and hasattr(core, "feature_names_in_"):
        # It is asked with arrays from here on, whose columns have no names.
        core = copy(core)
        del core.feature_names_in_
    if not hasattr(core, "classes_"):
        return KeptModel("scikit-learn", core, preparation, features)
    return KeptClassifier("scikit-learn", core, preparation, features, np.asarray(core.classes_))


def _student(x: Any, told: NDArray[np.float64], classes: int, seed: int) -> Any:
    """Return a small model of a model's answers: each row counts for each class by its probability."""
    made = plugin("framework", "scikit-learn")
    if not classes:
        return made.fit(Lesson(x, told, 0, None, _STUDENT, "", seed))
    x = x.toarray() if hasattr(x, "toarray") else x
    y = np.repeat(np.arange(classes), len(x))
    weights = np.maximum(told.T.reshape(-1), 1e-6)
    return made.fit(Lesson(np.concatenate([x] * classes), y, classes, weights, _STUDENT, "", seed))
