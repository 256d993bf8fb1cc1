from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from tests.store.postgres import server
from watchkeeper.core.store import Store
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.open import open_store


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., LakeStore]]:
    """Open the store in the test's own folder, as often as asked, and close all in the end."""
    stores: list[LakeStore] = []

    def make(where: str | Path = "store", **options: Any) -> LakeStore:
        place = where if "://" in str(where) else tmp_path / where
        store = open_store(place, encode=encode_state, decode=decode_state, **options)
        assert isinstance(store, LakeStore)
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def lake(opened: Callable[..., LakeStore]) -> LakeStore:
    return opened()


@pytest.fixture(params=["memory", "lake"])
def make_store(request: pytest.FixtureRequest, opened: Callable[..., LakeStore]) -> Callable[[], Store]:
    """Return each kind of store: a function that opens it in the same place every time."""
    if request.param == "memory":
        store = MemoryStore()
        return lambda: store
    return opened


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def database(running: str) -> str:
    """Return the URL of a database of the test's own."""
    name = f"watchkeeper_{uuid4().hex}"
    engine = create_engine(running, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{running.rpartition('/')[0]}/{name}"
