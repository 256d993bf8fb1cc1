"""A model of a framework, asked as every other one is: by rows of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import columns_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.maintain.framework import Framework
from watchkeeper.maintain.preparation import Preparation

__all__ = ["KeptClassifier", "KeptModel", "as_kept"]


@dataclass(frozen=True, eq=False)
class KeptModel:
    """A fitted model of a framework with the preparation of its rows.

    Parameters
    ----------
    framework
        Name of the plug-in.
    core
        What the framework's ``fit`` returned.
    preparation
        How rows become what it takes.
    features
        The features it is asked with, in order.
    """

    framework: str
    core: Any
    preparation: Preparation
    features: tuple[str, ...]

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the features, as models of scikit-learn have them."""
        return np.array(self.features, dtype=object)

    def predict(self, rows: pl.DataFrame) -> NDArray[Any]:
        """Return the value of each row."""
        return self._asked(rows, 0)

    def with_core(self, framework: str, core: Any) -> KeptModel:
        """Return a model that prepares rows the same way, and asks another core."""
        return replace(self, framework=framework, core=core)

    def _asked(self, rows: pl.DataFrame, classes: int) -> NDArray[np.float64]:
        made: Framework = plugin("framework", self.framework)
        taken = rows.select(columns_named(self.features))
        return np.asarray(made.predict(self.core, self.preparation.transform(taken), classes), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class KeptClassifier(KeptModel):
    """A classifier of a framework.

    Parameters
    ----------
    classes_
        Its classes, in the order of the columns of ``predict_proba``.
    """

    classes_: NDArray[Any] = field(default_factory=lambda: np.empty(0))

    def predict(self, rows: pl.DataFrame) -> NDArray[Any]:
        """Return the most probable class of each row."""
        return np.asarray(self.classes_[self.predict_proba(rows).argmax(axis=1)])

    def predict_proba(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """Return the probability of each class for each row."""
        return self._asked(rows, len(self.classes_))


def as_kept(model: Any, features: Sequence[str], classes: NDArray[Any] | None) -> Any:
    """Return a model of a framework's own type so that it can be asked by rows; any other one as it is.

    A pipeline of scikit-learn whose last step is such a model keeps the steps before as its preparation; alone, a model
    gets the features as numbers, in their order.

    Parameters
    ----------
    features
        Names of the features, for a model that does not say which it was fitted on.
    classes
        The classes in their order, for one that does not say; None in a regression.
    """
    if isinstance(model, KeptModel):
        return model
    steps = list(getattr(model, "steps", ())) if type(model).__module__.startswith("sklearn.") else []
    core = steps[-1][1] if steps else model
    if type(core).__module__.startswith("sklearn."):
        # These take rows by themselves.
        return model
    found = next((one for one in plugins("framework").values() if one.recognises(core)), None)
    if found is None:
        return model
    before = model[:-1] if len(steps) > 1 else None
    named = getattr(model if before is not None else core, "feature_names_in_", None)
    names = () if named is None else tuple(str(name) for name in named)
    taken = names if names and set(names) <= set(features) else tuple(features)
    known = getattr(core, "classes_", None)
    known = classes if known is None or classes is None else np.asarray(known)
    preparation = Preparation((), before)
    if known is None:
        return KeptModel(found.name, core, preparation, taken)
    if len(known) < 2:
        raise SchemaError(f"a {type(core).__name__} that answers classes needs two of them; there is {len(known)}")
    return KeptClassifier(found.name, core, preparation, taken, known)
