"""Modules of PyTorch: their weights in safetensors, and the function that makes them by its name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError, TrainingError
from watchkeeper.core.user_code import function_named
from watchkeeper.integrations.onnx import OnnxNet
from watchkeeper.maintain.framework import CONTINUE, Lesson, Trust, needed

__all__ = ["Net", "Torch", "as_int8", "as_onnx"]

_WEIGHTS, _ABOUT = "weights.safetensors", "net.json"
_LEARNING = ("learning_rate", "continue_rate", "epochs", "batch", "patience", "weight_decay")
_DEFAULT = ("hidden", "layers")
_HELD_OUT = 0.15
_ASKED = 8_192


@dataclass(frozen=True, eq=False)
class Net:
    """A module of PyTorch, and what it takes to make it again.

    Parameters
    ----------
    module
        Takes rows as 32-bit floats; returns a logit for each class, or one value a row.
    factory
        The function that makes it, as ``module:function``; it is called with ``inputs``, ``outputs`` and ``options``.
        Empty for layers with rectified units.
    centre, scale
        What the module's answer is multiplied by and what is added, in a regression.
    int8
        Whether its linear layers are quantised.
    """

    module: Any
    factory: str
    inputs: int
    outputs: int
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    centre: float = 0.0
    scale: float = 1.0
    int8: bool = False


class _About(msgspec.Struct, forbid_unknown_fields=True):
    factory: str
    inputs: int
    outputs: int
    options: dict[str, str | int | float | bool]
    centre: float
    scale: float
    int8: bool
    quantised: dict[str, tuple[float, int]] = {}


class Torch:
    """A module of PyTorch, trained by gradient descent with early stopping.

    ``factory`` names a function ``build(inputs, outputs, **options)`` that returns a module with a logit for each class
    (one value in a regression); without one it is ``layers`` (2) of ``hidden`` (64) rectified units. Learning goes on
    for at most ``epochs`` (200) passes in batches of ``batch`` (128) rows, by Adam with ``learning_rate`` (.003) and
    ``weight_decay`` (.0001), and ends once the last 15 % of the rows, which are not learned from, have not been
    answered better for ``patience`` (15) passes; the best weights are kept. Going on fine-tunes the champion's weights
    with ``continue_rate`` (a third of ``learning_rate``), and keeps them where no pass betters them. Every other
    parameter goes to the factory.

    The file holds the weights and the name of the factory; one that the configuration does not name is not called.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "torch"
    missing: ClassVar[bool] = False
    ways: ClassVar[tuple[str, ...]] = (CONTINUE,)

    def recognises(self, model: Any) -> bool:
        """Return whether it is a module with the name of its factory."""
        return isinstance(model, Net)

    def fit(self, lesson: Lesson) -> Any:
        """Train a new module."""
        torch = _package()
        x, y = _array(lesson.x), np.asarray(lesson.y)
        known = _DEFAULT if not lesson.factory else tuple(lesson.but(*_LEARNING))
        outputs, options = max(1, lesson.classes), lesson.among(*known)
        centre, scale = (0.0, 1.0) if lesson.classes else (float(y.mean()), float(y.std()) or 1.0)
        with _seeded(torch, lesson.seed):
            module = _made(torch, lesson.factory, function_named, x.shape[1], outputs, options)
            net = Net(module, lesson.factory, x.shape[1], outputs, options, centre, scale)
            _descend(torch, net, x, lesson, float(lesson.parameters.get("learning_rate", 0.003)), keeps=False)
        return net

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Fine-tune a copy of the module."""
        torch = _package()
        net = replace(model, module=deepcopy(model.module))
        rate = float(lesson.parameters.get("learning_rate", 0.003)) / 3
        with _seeded(torch, lesson.seed):
            rate = float(lesson.parameters.get("continue_rate", rate))
            _descend(torch, net, _array(lesson.x), lesson, rate, keeps=True)
        return net

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask the module."""
        torch = _package()
        model.module.eval()
        told = []
        with torch.no_grad():
            for start in range(0, x.shape[0], _ASKED):
                out = model.module(torch.from_numpy(_array(x[start : start + _ASKED])))
                told.append(torch.softmax(out.double(), 1) if classes else out.double().reshape(-1))
        if not told:
            return np.empty((0, classes) if classes else 0)
        found = np.concatenate([part.numpy() for part in told])
        return found if classes else found * model.scale + model.centre

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Convert to ONNX, or quantise linear layers.

        Raises
        ------
        TrainingError
            When another form is asked for, or there is no linear layer.
        """
        if model.int8 or form not in ("onnx", "int8"):
            raise TrainingError(f"a module of PyTorch{' in 8 bits' * model.int8} has no form {form!r}")
        return (self.name, as_int8(model)) if form == "int8" else ("onnx", OnnxNet(as_onnx(model, lesson.classes)))

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write the weights as safetensors."""
        from safetensors.torch import save

        about = _About(
            model.factory, model.inputs, model.outputs, dict(model.options), model.centre, model.scale, model.int8
        )
        tensors: dict[str, Any] = {}
        quantised = {name: part for name, part in model.module.named_modules() if _is_int8(part)}
        for name, part in quantised.items():
            weight = part.weight()
            about.quantised[name] = (float(weight.q_scale()), int(weight.q_zero_point()))
            tensors[f"{name}.weight"] = weight.int_repr()
            if part.bias() is not None:
                tensors[f"{name}.bias"] = part.bias().detach()
        for name, tensor in model.module.state_dict().items():
            if not any(name.startswith(f"{part}.") for part in quantised):
                tensors[name] = tensor.detach()
        held = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
        return {_WEIGHTS: save(held), _ABOUT: msgspec.json.encode(about)}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Make the module and give it its weights.

        Raises
        ------
        ArtefactError
            When its factory is not one that the configuration names, or the weights are not of its shape.
        """
        torch = _package()
        from safetensors.torch import load

        about = msgspec.json.decode(files[_ABOUT], type=_About)
        module = _made(torch, about.factory, trust.factory, about.inputs, about.outputs, about.options)
        held = load(files[_WEIGHTS])
        net = Net(
            module, about.factory, about.inputs, about.outputs, about.options, about.centre, about.scale, about.int8
        )
        try:
            if about.int8:
                return _filled(torch, net, held, about.quantised)
            module.load_state_dict(held)
        except (RuntimeError, KeyError) as error:
            raise ArtefactError(
                f"its weights are not those of {about.factory or 'the layers it names'}: {error}"
            ) from None
        return net


def as_int8(net: Net) -> Net:
    """Return a net whose linear layers hold 8-bit whole numbers.

    Raises
    ------
    TrainingError
        When it has no linear layer.
    """
    torch = _package()
    made = replace(net, module=_quantised(torch, deepcopy(net.module).eval()), int8=True)
    if not any(_is_int8(part) for part in made.module.modules()):
        raise TrainingError("the module has no linear layer that could be quantised")
    return made


def as_onnx(net: Net, classes: int) -> bytes:
    """Return a net as an ONNX model that answers with probabilities, or with values in the unit of the label."""
    from io import BytesIO

    torch = _package()

    class Answering(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = net.module.eval()

        def forward(self, x: Any) -> Any:
            out = self.module(x)
            return torch.softmax(out, 1) if classes else out * net.scale + net.centre

    out = BytesIO()
    with warnings.catch_warnings():
        # The exporter that takes its place needs another package, and a hundred times as long for small modules.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Answering(), (torch.zeros(2, net.inputs),), out, dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
        )  # fmt: skip
    return out.getvalue()


def _quantised(torch: Any, module: Any) -> Any:
    with warnings.catch_warnings():
        # Its successor is a package of its own.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        return torch.ao.quantization.quantize_dynamic(module, {torch.nn.Linear}, dtype=torch.qint8)


def _filled(torch: Any, net: Net, held: Mapping[str, Any], scales: Mapping[str, tuple[float, int]]) -> Net:
    module = _quantised(torch, net.module.eval())
    for name, part in module.named_modules():
        if _is_int8(part):
            scale, zero = scales[name]
            whole = (held[f"{name}.weight"].float() - zero) * scale
            with warnings.catch_warnings():
                # As above: what takes its place is a package of its own.
                warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
                exact = torch.quantize_per_tensor(whole, scale, zero, torch.qint8)
            part.set_weight_bias(exact, held.get(f"{name}.bias"))
    places = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    with torch.no_grad():
        for key, value in held.items():
            if key.rpartition(".")[0] not in scales:
                places[key].copy_(value)
    return replace(net, module=module)


def _is_int8(part: Any) -> bool:
    return "quantized" in type(part).__module__ and callable(getattr(part, "weight", None))


def _made(torch: Any, factory: str, find: Any, inputs: int, outputs: int, options: Mapping[str, Any]) -> Any:
    if factory:
        return find(factory)(inputs, outputs, **options)
    width, layers, parts = int(options.get("hidden", 64)), int(options.get("layers", 2)), []
    for number in range(layers):
        parts += [torch.nn.Linear(width if number else inputs, width), torch.nn.ReLU()]
    return torch.nn.Sequential(*parts, torch.nn.Linear(width if layers else inputs, outputs))


def _descend(torch: Any, net: Net, x: NDArray[np.float32], lesson: Lesson, rate: float, *, keeps: bool) -> None:
    """Learn by gradient descent until held-out rows are answered no better; ``keeps`` lets no pass at all be best."""
    chosen, module = lesson.parameters, net.module
    y = np.asarray(lesson.y) if lesson.classes else (np.asarray(lesson.y, np.float64) - net.centre) / net.scale
    label = torch.from_numpy(y if lesson.classes else y.astype(np.float32))
    rows = torch.from_numpy(x)
    weight = torch.ones(len(y)) if lesson.weights is None else torch.from_numpy(lesson.weights.astype(np.float32))
    learnt = len(y) - max(1, int(_HELD_OUT * len(y)))

    def loss(at: Any) -> Any:
        out = module(rows[at])
        if lesson.classes:
            each = torch.nn.functional.cross_entropy(out, label[at], reduction="none")
        else:
            each = (out.reshape(-1) - label[at]) ** 2
        return (each * weight[at]).sum() / weight[at].sum().clamp(min=1e-12)

    def held_out() -> float:
        module.eval()
        with torch.no_grad():
            return float(loss(slice(learnt, len(y))))

    descent = torch.optim.Adam(module.parameters(), lr=rate, weight_decay=float(chosen.get("weight_decay", 1e-4)))
    best, since = held_out() if keeps else float("inf"), 0
    kept = deepcopy(module.state_dict())
    size = int(chosen.get("batch", 128))
    for _ in range(int(chosen.get("epochs", 200))):
        module.train()
        order = torch.randperm(learnt)
        for start in range(0, learnt, size):
            descent.zero_grad()
            loss(order[start : start + size]).backward()
            descent.step()
        now = held_out()
        if now < best - 1e-6:
            best, since, kept = now, 0, deepcopy(module.state_dict())
        else:
            since += 1
            if since >= int(chosen.get("patience", 15)):
                break
    module.load_state_dict(kept)
    module.eval()


def _array(x: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)


@contextmanager
def _seeded(torch: Any, seed: int) -> Iterator[None]:
    """Draw from a seed, and leave whoever else draws alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _package() -> Any:
    try:
        import torch
    except ImportError as error:
        raise needed("PyTorch", "torch", error) from error
    return torch
