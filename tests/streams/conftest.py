from __future__ import annotations

import pytest

from tests.streams.visits import LABEL, REFERENCE
from watchkeeper.streams.reference import open_stream
from watchkeeper.streams.stream import Stream


@pytest.fixture(scope="module")
def saved() -> bytes:
    return open_stream(REFERENCE, roles=LABEL, tolerance=0.02, budget=100_000).save()


@pytest.fixture
def stream(saved: bytes) -> Stream:
    return Stream.restore(saved)
