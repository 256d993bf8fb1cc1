"""Models in the ONNX format, asked through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from watchkeeper.core.errors import ArtefactError, TrainingError
from watchkeeper.maintain.framework import Lesson, Trust, needed, own

__all__ = ["Onnx", "OnnxNet"]

_FILE = "model.onnx"
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")


@dataclass(frozen=True, eq=False)
class OnnxNet:
    """An ONNX model: one input of 32-bit floats, rows by columns; its last output is what it answers.

    Parameters
    ----------
    data
        The model as bytes.
    """

    data: bytes
    _sessions: list[Any] = field(default_factory=list, repr=False)

    @property
    def session(self) -> Any:
        """The model, ready to be asked."""
        if not self._sessions:
            runtime = _package()
            options = runtime.SessionOptions()
            options.log_severity_level = 4
            self._sessions.append(runtime.InferenceSession(self.data, options, providers=["CPUExecutionProvider"]))
        return self._sessions[0]


class Onnx:
    """A model in the ONNX format, for serving: it is asked, and cannot be trained.

    Its one input takes the prepared columns as 32-bit floats; its last output gives a probability for each class, or a
    value a row. ``watchkeeper compress VERSION --to onnx`` makes one of another model.
    """

    plugin: ClassVar[str] = "framework"
    name: ClassVar[str] = "onnx"
    missing: ClassVar[bool] = True
    ways: ClassVar[tuple[str, ...]] = ()

    def recognises(self, model: Any) -> bool:
        """Return whether it is an ONNX model."""
        return isinstance(model, OnnxNet) or (own(model, "onnx") and type(model).__name__ == "ModelProto")

    def fit(self, lesson: Lesson) -> Any:
        """Say that it cannot be trained."""
        raise TrainingError("an ONNX model cannot be trained; train with another framework, and compress --to onnx")

    def continue_(self, model: Any, lesson: Lesson) -> Any:
        """Say that it cannot be trained."""
        return self.fit(lesson)

    def trial(self, inputs: int, classes: int) -> Any:
        """Return a small model: a linear one with fixed weights, for the conformance suite."""
        from onnx import TensorProto, helper, numpy_helper

        outputs = max(1, classes)
        weights = np.linspace(-1.0, 1.0, inputs * outputs, dtype=np.float32).reshape(inputs, outputs)
        nodes = [helper.make_node("MatMul", ["x", "w"], ["z"])]
        nodes.append(helper.make_node("Softmax" if classes else "Identity", ["z"], ["y"]))
        ports = [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", k]) for n, k in (("x", inputs), ("y", outputs))
        ]
        graph = helper.make_graph(nodes, "trial", ports[:1], ports[1:], [numpy_helper.from_array(weights, "w")])
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return OnnxNet(made.SerializeToString())

    def predict(self, model: Any, x: Any, classes: int) -> NDArray[np.float64]:
        """Ask ONNX Runtime."""
        session = _net(model).session
        rows = np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)
        told = np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[-1], dtype=np.float64)
        if not classes:
            return told.reshape(-1)
        told = told.reshape(len(rows), -1)
        return np.column_stack([1.0 - told[:, 0], told[:, 0]]) if classes == 2 and told.shape[1] == 1 else told

    def compressed(self, model: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
        """Quantise the weights of matrix products to whole numbers of 8 bits.

        Raises
        ------
        TrainingError
            When another form is asked for, or there is nothing to quantise.
        """
        if form != "int8":
            raise TrainingError(f"an ONNX model has no form {form!r}; valid: int8, distilled")
        from pathlib import Path
        from tempfile import TemporaryDirectory

        from onnxruntime.quantization import QuantType, quantize_dynamic

        with TemporaryDirectory(prefix="watchkeeper-") as folder:
            given, made = Path(folder, "given.onnx"), Path(folder, "made.onnx")
            given.write_bytes(_net(model).data)
            quantize_dynamic(given, made, weight_type=QuantType.QInt8)
            data = made.read_bytes()
        if b"Integer" not in data:
            raise TrainingError("the ONNX model has no product of matrices whose weights could be quantised")
        return self.name, OnnxNet(data)

    def save(self, model: Any, trust: Trust) -> Mapping[str, bytes]:
        """Write the model as it is, once it is found to hold nothing but itself."""
        data = _net(model).data
        _check(data)
        return {_FILE: data}

    def load(self, files: Mapping[str, bytes], trust: Trust) -> Any:
        """Read the model, once it is found to hold nothing but itself."""
        _check(files[_FILE])
        net = OnnxNet(files[_FILE])
        _ = net.session
        return net


def converted_trees(package: str, booster: Any, form: str, lesson: Lesson) -> tuple[str, Any]:
    """Return the framework ``onnx`` and a booster as its model.

    Raises
    ------
    TrainingError
        When another form is asked for, or the booster cannot be converted.
    """
    if form != "onnx":
        raise TrainingError(f"boosted trees of {package} have no form {form!r}; valid: onnx, pruned, distilled")
    try:
        from onnxmltools import convert_lightgbm, convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType
    except ImportError as error:
        raise needed("onnxmltools", "onnx", error) from error
    convert = {"lightgbm": convert_lightgbm, "xgboost": convert_xgboost}[package]
    options = {"zipmap": False} if package == "lightgbm" else {}
    shape = [("x", FloatTensorType([None, lesson.x.shape[1]]))]
    try:
        made = convert(booster, initial_types=shape, target_opset=15, **options)
    except Exception as error:
        raise TrainingError(f"this booster of {package} cannot be converted to ONNX: {error}") from error
    return Onnx.name, OnnxNet(made.SerializeToString())


def _net(model: Any) -> OnnxNet:
    return model if isinstance(model, OnnxNet) else OnnxNet(model.SerializeToString())


def _check(data: bytes) -> None:
    """Check that a model reads no file beside it, and has no operator from elsewhere."""
    try:
        import onnx
    except ImportError as error:
        raise needed("onnx", "onnx", error) from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:
        raise ArtefactError(f"it is no ONNX model: {error}") from error
    for graph in _graphs(model.graph):
        outside = [one.name for one in graph.initializer if one.data_location == onnx.TensorProto.EXTERNAL]
        if outside:
            raise ArtefactError(f"its weights {outside[0]!r} lie in another file; write it with all weights inside")
        foreign = [f"{node.domain}.{node.op_type}" for node in graph.node if node.domain not in _DOMAINS]
        if foreign:
            raise ArtefactError(f"it has the operator {foreign[0]}, which comes from a library of its own")


def _graphs(graph: Any) -> list[Any]:
    found = [graph]
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    found += _graphs(inner)
    return found


def _package() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise needed("ONNX Runtime", "onnx", error) from error
    return onnxruntime
