from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_training_module_is_left() -> Iterator[None]:
    """Each test has a training module of its own, under the same name."""
    before = list(sys.path)
    yield
    sys.modules.pop("training", None)
    sys.path[:] = before
