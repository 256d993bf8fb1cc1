"""Models of river, which learn from one row after another."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError
from watchkeeper.core.user_code import function_named
from watchkeeper.maintain.allow_list import TRUSTED_TYPES
from watchkeeper.maintain.framework import CONTINUE, Lesson, Trust, needed, own, said
from watchkeeper.maintain.skops_file import packed, unpacked

__all__ = ["River"]

_FILE, _PICKLE = "model.skops", "model.pickle"
_OWN = ("passes",)
_HOLDERS = ("builtins.frozenset", "collections.Counter", "random.Random")
"""Types that hold what river's models know; a seeded generator of numbers is one."""


class River:
    """A model of river, which learns from each row in the order of the log.

    ``factory`` names its class, such as ``river.tree:HoeffdingTreeClassifier``; without one it is a linear model behind
    a scaler. ``passes`` (1) says how often all rows are gone through; every other parameter is the model's. Going on
    learns the new rows on top. Rows cannot be weighed.

    It is written with skops, which runs no code, where that can hold it: linear models and Hoeffding trees. Others,
    such as naive Bayes, take ``maintain.pickle: true``.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "river"
    missing: ClassVar[bool] = False
    ways: ClassVar[tuple[str, ...]] = (CONTINUE,)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a model of river."""
        return own(model, "river") and hasattr(model, "learn_one")

    def fit(self, lesson: Lesson) -> Any:
        """Learn from nothing."""
        return self._learnt(_made(lesson), lesson)

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Learn new rows on top of a copy."""
        return self._learnt(deepcopy(model), lesson)

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the model row by row."""
        rows = _rows(x)
        if not classes:
            return np.array([float(model.predict_one(row) or 0.0) for row in rows])
        told = np.zeros((len(rows), classes))
        for number, row in enumerate(rows):
            for code, chance in model.predict_proba_one(row).items():
                told[number, int(code)] = chance
        total = told.sum(axis=1, keepdims=True)
        return np.where(total > 0, told / np.where(total > 0, total, 1.0), 1.0 / classes)

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write it with skops, or as a pickle where that is allowed and skops cannot hold it."""
        try:
            return {_FILE: packed(model, _known(model, trust), "the model of river")}
        except Exception as error:
            if not trust.pickle:
                raise ArtefactError(
                    f"skops cannot hold this {type(model).__name__} of river ({error}); choose another model, or allow "
                    "a pickle for this one: maintain.pickle: true"
                ) from error
        import joblib

        out = BytesIO()
        joblib.dump(model, out)
        return {_PICKLE: out.getvalue()}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Read it; no type but river's own and plain holders is made."""
        _package()
        if _FILE in files:
            return unpacked(files[_FILE], _types(files[_FILE], trust), "the model of river")
        import joblib

        return joblib.load(BytesIO(files[_PICKLE]))

    def _learnt(self, model: Any, lesson: Lesson) -> Any:
        if lesson.weights is not None:
            raise said(self.name, lesson.way, "its models take no weights of rows")
        rows, labels = _rows(lesson.x), lesson.y.tolist()
        for _ in range(int(lesson.parameters.get("passes", 1))):
            for row, label in zip(rows, labels, strict=True):
                model.learn_one(row, label)
        return model


def _known(model: Any, trust: Trust) -> list[str]:
    import skops.io

    return _types(skops.io.dumps(model), trust)


def _types(data: bytes, trust: Trust) -> list[str]:
    """Return the types in a file that may be made: of river's own those that are classes, and plain holders."""
    import skops.io

    from watchkeeper.maintain.artefact_files import check_size

    check_size(data, "the model of river")
    found = skops.io.get_untrusted_types(data=data)
    own_types = [name for name in found if name.startswith("river.") and name.rpartition(".")[2][:1].isupper()]
    return [*own_types, *_HOLDERS, *TRUSTED_TYPES, *trust.names]


def _rows(x: Any) -> list[dict[str, float]]:
    x = x.toarray() if hasattr(x, "toarray") else x
    names = [str(number) for number in range(x.shape[1])]
    return [dict(zip(names, row, strict=True)) for row in np.asarray(x, float).tolist()]


def _made(lesson: Lesson) -> Any:
    _package()
    chosen = lesson.but(*_OWN)
    if lesson.factory:
        return function_named(lesson.factory)(**chosen)
    from river import linear_model, multiclass, preprocessing

    last: Any = linear_model.LogisticRegression if lesson.classes else linear_model.LinearRegression
    last = last(**chosen)
    return preprocessing.StandardScaler() | (multiclass.OneVsRestClassifier(last) if lesson.classes > 2 else last)


def _package() -> None:
    try:
        import river  # noqa: F401 - whether it is there
    except ImportError as error:
        raise needed("river", "river", error) from error
