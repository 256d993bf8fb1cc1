"""The contract of registries, on every kind of store; and six processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from tests.lives import ROOT
from tests.store.postgres import programs, server
from watchkeeper.core.provenance import Tenure
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.maintain.store_registry import StoreRegistry
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.audit import HEAD, audit_breaks
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.open import open_store
from watchkeeper.testing.registry import SPEC, check_registry

from . import registering

POSTGRES = pytest.param("postgres", marks=pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed"))


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """Return the URL of a new database of the kind that the test is about; None for SQLite in the store's folder."""
    if request.param == "sqlite":
        return None
    url = str(request.getfixturevalue("running"))
    name = f"registry_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{url.rpartition('/')[0]}/{name}"


@pytest.fixture
def opened(tmp_path: Path, database: str | None) -> Iterator[Callable[[], Store]]:
    """Open the test's store as often as asked, and close all in the end."""
    stores = []

    def make() -> Store:
        store = open_store(tmp_path / "store", sql_url=database, encode=encode_state, decode=decode_state)
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


def test_a_registry_in_memory_obeys_the_contract(tmp_path: Path) -> None:
    store = MemoryStore()
    check_registry(lambda: StoreRegistry(SPEC, store, str(tmp_path)))
    assert audit_breaks(store.recorded("m", AuditEvent), store.pointer("m", HEAD)) == []


@pytest.mark.parametrize("database", ["sqlite", POSTGRES], indirect=True)
def test_a_registry_in_a_database_obeys_the_contract(tmp_path: Path, opened: Callable[[], Store]) -> None:
    check_registry(lambda: StoreRegistry(SPEC, opened(), str(tmp_path / "files")))


@pytest.mark.parametrize("database", ["sqlite", POSTGRES], indirect=True)
def test_six_processes_that_register_and_promote_at_once_get_a_version_each_and_one_wins(
    tmp_path: Path, database: str | None, opened: Callable[[], Store]
) -> None:
    command = [sys.executable, "-m", registering.__name__, str(tmp_path), database or ""]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({one["process"] for one in said}) == registering.PROCESSES
    assert sorted(one["version"] for one in said) == [f"v{n}" for n in range(2, 2 + registering.PROCESSES)]
    winners = [one for one in said if one["error"] is None]
    assert len(winners) == 1
    conflicts = [one["error"] for one in said if one["error"]]
    assert all(error.startswith("ConflictError: pointer 'champion'") for error in conflicts), conflicts
    store = opened()
    registry = StoreRegistry(SPEC, store, str(tmp_path / "files"))
    assert store.pointer("m", "champion") == winners[0]["version"]
    for one in said:
        assert registry.load(one["version"]).coef_.tolist() == one["coef"]
    assert audit_breaks(store.recorded("m", AuditEvent), store.pointer("m", HEAD)) == []
    assert [t.version for t in store.recorded("m", Tenure)] == ["v1", winners[0]["version"], "v1"]
