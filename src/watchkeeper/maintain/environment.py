"""What code and which packages a model was made with."""

from __future__ import annotations

import inspect
import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from watchkeeper.maintain.train import Trainer

__all__ = ["code_digest", "environment"]

_PACKAGES = (
    "watchkeeper", "numpy", "polars", "scipy", "scikit-learn", "skops", "xgboost", "xgboost-cpu", "lightgbm", "torch",
    "keras", "onnxruntime", "river",
)  # fmt: skip


@cache
def environment() -> dict[str, str]:
    """Return the versions of Python and of the packages that make models."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code_digest(trainer: Trainer) -> str:
    """Return the SHA-256 of the module a training function stands in; empty where its text is not at hand."""
    try:
        return sha256(Path(inspect.getfile(inspect.unwrap(trainer.function))).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""
