from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.run.visits import LABEL, REFERENCE
from watchkeeper.stream.reference import open_stream
from watchkeeper.stream.stream import Stream


@pytest.fixture(autouse=True)
def _no_training_module_is_left() -> Iterator[None]:
    """Each test has a training module of its own, under the same name."""
    before = list(sys.path)
    yield
    sys.modules.pop("training", None)
    sys.path[:] = before


@pytest.fixture(scope="module")
def saved() -> bytes:
    return open_stream(REFERENCE, roles=LABEL, tolerance=0.02, budget=100_000).save()


@pytest.fixture
def stream(saved: bytes) -> Stream:
    return Stream.restore(saved)
