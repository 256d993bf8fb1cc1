"""Models of Keras 3: their layers as JSON, and their weights in safetensors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError
from watchkeeper.core.user_code import function_named
from watchkeeper.maintain.framework import CONTINUE, Lesson, Trust, needed, own

__all__ = ["Keras", "KerasNet"]

_MODEL, _WEIGHTS, _ABOUT = "model.json", "weights.safetensors", "scale.json"
_LEARNING = ("learning_rate", "continue_rate", "epochs", "batch", "patience")
_HELD_OUT = 0.15
_RUNS_CODE = ("Lambda", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep still what NumPy 2 says of how Keras reads the weights of PyTorch."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        yield


@dataclass(frozen=True, eq=False)
class KerasNet:
    """A model of Keras, and what its answer is multiplied by and what is added in a regression."""

    model: Any
    centre: float = 0.0
    scale: float = 1.0


class Keras:
    """A model of Keras 3, trained by gradient descent with early stopping.

    ``factory`` names a function ``build(inputs, outputs, **options)`` that returns a model with a logit for each class
    (one value in a regression); without one it is two layers of ``hidden`` (64) rectified units. ``epochs`` (200),
    ``batch`` (128), ``learning_rate`` (.003), ``continue_rate`` (a third of it) and ``patience`` (15) are as for
    ``torch``. It runs on the backend that Keras is set up for, and on PyTorch where none is stated and TensorFlow is
    not installed.

    The layers are written as JSON and may only be Keras's own; those that hold code are refused when read.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "keras"
    missing: ClassVar[bool] = False
    ways: ClassVar[tuple[str, ...]] = (CONTINUE,)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a model of Keras."""
        return isinstance(model, KerasNet) or (own(model, "keras") and hasattr(model, "to_json"))

    @_quiet()
    def fit(self, lesson: Lesson) -> Any:
        """Train a new model."""
        keras = _package()
        inputs, outputs, options = lesson.x.shape[1], max(1, lesson.classes), lesson.but(*_LEARNING)
        keras.utils.set_random_seed(lesson.seed)
        if lesson.factory:
            model = function_named(lesson.factory)(inputs, outputs, **options)
        else:
            width = int(options.get("hidden", 64))
            layers = [keras.layers.Dense(width, activation="relu") for _ in range(2)]
            model = keras.Sequential([keras.Input((inputs,)), *layers, keras.layers.Dense(outputs)])
        y = np.asarray(lesson.y, np.float64)
        centre, scale = (0.0, 1.0) if lesson.classes else (float(y.mean()), float(y.std()) or 1.0)
        net = KerasNet(model, centre, scale)
        _descend(keras, net, lesson, float(lesson.parameters.get("learning_rate", 0.003)), keeps=False)
        return net

    @_quiet()
    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Fine-tune a copy of the model."""
        keras, before = _package(), _net(model)
        keras.utils.set_random_seed(lesson.seed)
        copy = keras.models.clone_model(before.model)
        copy.set_weights(_weights(before.model))
        net = replace(before, model=copy)
        rate = float(lesson.parameters.get("learning_rate", 0.003)) / 3
        _descend(keras, net, lesson, float(lesson.parameters.get("continue_rate", rate)), keeps=True)
        return net

    @_quiet()
    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the model."""
        net = _net(model)
        if not x.shape[0]:
            return np.empty((0, classes) if classes else 0)
        out = np.asarray(net.model.predict(_array(x), batch_size=8_192, verbose=0), dtype=np.float64)
        if not classes:
            return out.reshape(-1) * net.scale + net.centre
        raised = np.exp(out - out.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    @_quiet()
    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write layers as JSON and weights as safetensors."""
        from safetensors.numpy import save

        net = _net(model)
        _check_layers(net.model.to_json())
        held = {f"{number:05d}": np.ascontiguousarray(part) for number, part in enumerate(_weights(net.model))}
        scale = msgspec.json.encode([net.centre, net.scale])
        return {_MODEL: net.model.to_json().encode(), _WEIGHTS: save(held), _ABOUT: scale}

    @_quiet()
    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Make the layers, once all are found to be Keras's own, and give them their weights."""
        from safetensors.numpy import load

        written = files[_MODEL].decode()
        _check_layers(written)
        model, held = _package().models.model_from_json(written), load(files[_WEIGHTS])
        try:
            model.set_weights([held[name] for name in sorted(held)])
        except ValueError as error:
            raise ArtefactError(f"its weights are not those of its layers: {error}") from None
        centre, scale = msgspec.json.decode(files[_ABOUT], type=tuple[float, float])
        return KerasNet(model, centre, scale)


def _net(model: Any) -> KerasNet:
    return model if isinstance(model, KerasNet) else KerasNet(model)


def _check_layers(written: str) -> None:
    """Check that a model's layers are Keras's own and hold no code."""
    for node in _nodes(msgspec.json.decode(written)):
        module, name = str(node.get("module") or "keras"), str(node.get("class_name", ""))
        foreign = module.partition(".")[0] not in ("keras", "builtins")
        if "class_name" in node and (foreign or name in _RUNS_CODE or name == "function"):
            raise ArtefactError(
                f"the model holds {module}.{name}, which is no plain layer of Keras and would run code; use Keras's "
                "own layers, or the framework torch, which makes a module by the name of its factory"
            )


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(part)


def _descend(keras: Any, net: KerasNet, lesson: Lesson, rate: float, *, keeps: bool) -> None:
    chosen = lesson.parameters
    y = np.asarray(lesson.y) if lesson.classes else (np.asarray(lesson.y, np.float64) - net.centre) / net.scale
    x, learnt = _array(lesson.x), len(y) - max(1, int(_HELD_OUT * len(y)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if lesson.classes else "mse"
    net.model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    weights = np.ones(len(y)) if lesson.weights is None else lesson.weights
    held = (x[learnt:], y[learnt:], weights[learnt:])
    before = _weights(net.model)
    start = float(net.model.evaluate(held[0], held[1], sample_weight=held[2], verbose=0)) if keeps else float("inf")
    stop = keras.callbacks.EarlyStopping(
        patience=int(chosen.get("patience", 15)), restore_best_weights=True, min_delta=1e-6
    )
    net.model.fit(
        x[:learnt], y[:learnt], sample_weight=weights[:learnt], validation_data=held, callbacks=[stop], verbose=0,
        epochs=int(chosen.get("epochs", 200)), batch_size=int(chosen.get("batch", 128)),
    )  # fmt: skip
    if keeps and not float(stop.best) < start:
        net.model.set_weights(before)


def _weights(model: Any) -> list[NDArray[np.float32]]:
    return [np.asarray(_package().ops.convert_to_numpy(part)) for part in model.weights]


def _array(x: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)


def _package() -> Any:
    if "KERAS_BACKEND" not in os.environ and find_spec("tensorflow") is None:
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        import keras
    except ImportError as error:
        raise needed("Keras", "keras", error) from error
    return keras
