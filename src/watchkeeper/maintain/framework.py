"""What a package that fits models has to do for Watchkeeper, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError, PluginError, TrainingError
from watchkeeper.core.spec import WAYS
from watchkeeper.core.user_code import function_named

__all__ = ["CONTINUE", "LEAF_REFIT", "REFIT", "Framework", "Lesson", "Trust", "needed", "own", "said"]

REFIT, CONTINUE, LEAF_REFIT = WAYS
"""Ways to come to a new model: trained anew, going on from the champion, or its trees with new leaves."""

Parameters = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a framework learns from: prepared rows, and what the configuration says.

    Parameters
    ----------
    x
        Rows by prepared columns: an array of 64-bit floats, or a sparse matrix where columns hold texts.
    y
        The code of the class of each row, or its value in a regression.
    classes
        How many classes there are; 0 in a regression.
    weights
        One for each row; None where all count the same.
    parameters
        Those of ``maintain.parameters``.
    factory
        ``maintain.factory``, which makes the model; empty for the framework's own choice.
    seed
        For whatever is drawn.
    way
        How to go on from a model, where that is asked.
    """

    x: Any
    y: NDArray[Any]
    classes: int
    weights: NDArray[np.float64] | None = None
    parameters: Parameters = field(default_factory=dict)
    factory: str = ""
    seed: int = 0
    way: str = REFIT

    def among(self, *own_names: str) -> dict[str, Any]:
        """Return the parameters that are of these names."""
        return {name: value for name, value in self.parameters.items() if name in own_names}

    def but(self, *own_names: str) -> dict[str, Any]:
        """Return the parameters of other names, which are the package's."""
        return {name: value for name, value in self.parameters.items() if name not in own_names}


@dataclass(frozen=True, slots=True)
class Trust:
    """What a model file may do when it is loaded.

    Parameters
    ----------
    names
        Types, and factories as ``module:function``, that it may name beyond those that are known.
    pickle
        Whether it may hold a pickle, which runs code.
    """

    names: Sequence[str] = ()
    pickle: bool = False

    def factory(self, name: str) -> Callable[..., Any]:
        """Import the factory that a model file names.

        Raises
        ------
        ArtefactError
            When it is not one that the configuration names: importing it would run code of the file's choice.
        """
        if name not in self.names:
            raise ArtefactError(
                f"the model file says it is made by {name!r}, which the configuration does not name; if you trust it, "
                f"set maintain.factory: {name}, or allow it for this model: maintain.trusted: ['{name}']"
            )
        return function_named(name)


@runtime_checkable
class Framework(Protocol):
    """Fits models of one package, asks them, and writes them in files of its own.

    A model is whatever ``fit`` returns; nothing else looks inside. The prepared rows hold no null in place of a text
    or a level; numbers may be NaN only where ``missing`` says that the framework knows what to do with them.
    """

    plugin: ClassVar[str]
    name: ClassVar[str]
    missing: ClassVar[bool]
    ways: ClassVar[tuple[str, ...]]
    """Ways of ``continue_`` that its models may know."""

    def recognises(self, model: Any) -> bool:
        """Return whether a model is of this framework, without importing the package where it is not."""

    def fit(self, lesson: Lesson) -> Any:
        """Return a new model."""

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Return a model that goes on from another one, by ``lesson.way``; the other one stays as it was."""

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Return the probability of each class, rows by classes; the values in a regression, where there are 0."""

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Return the files of a model by name; one that ends in ``.pickle`` takes ``trust.pickle``."""

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Return the model in files, of which nothing may run code but what ``trust`` names."""


def needed(package: str, extra: str, error: ImportError) -> PluginError:
    """Return what to say where a package is not installed."""
    return PluginError(f"this model needs {package}: pip install 'watchkeeper[{extra}]' ({error})")


def own(model: Any, *packages: str) -> bool:
    """Return whether the type of a model, or one that it comes from, is defined in one of some packages."""
    return any(cls.__module__.partition(".")[0] in packages for cls in type(model).__mro__)


def said(framework: str, way: str, why: str) -> TrainingError:
    """Return what to say where a model cannot be gone on from."""
    return TrainingError(f"{framework} cannot {way.replace('_', ' ')} here: {why}")
