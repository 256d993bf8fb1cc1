"""Workers that are killed, stopped and woken at random never work on one model two at a time."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, create_engine, func, select, update

from tests.store.lease_run import LONG, MODEL, work
from tests.store.postgres import programs
from watchkeeper.core.errors import LeasedError, LeaseLostError
from watchkeeper.core.lease import Lease, Leases
from watchkeeper.core.query import Query
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.store.audit import HEAD, audit_breaks
from watchkeeper.store.delta import Delta
from watchkeeper.store.ledger import Ledger
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.tables import LEASES
from watchkeeper.testing.leases import check_leases

CASES, STEPS = 50, 8
"""Cases for each kind of database; ``make soak`` plays more of them."""

FAR = 600.0

_MISSING = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
DATABASES = ("sqlite", pytest.param("postgresql", marks=_MISSING))


@dataclass
class Worker:
    """A process with a ledger of its own, and what the test knows of it."""

    url: str
    number: int | None = None
    orders: Connection = field(init=False)
    process: Any = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.store.lease_run", "sqlalchemy.dialects.postgresql.psycopg", "psycopg"])
        self.orders, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.url), daemon=True)
        self.process.start()
        theirs.close()
        self.number = None

    def ask(self, order: str) -> str:
        self.orders.send(order)
        return self.answer()

    def answer(self) -> str:
        assert self.orders.poll(FAR), "a worker does not answer"
        return str(self.orders.recv())

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()
        self.orders.close()


def test_memory_and_lake_know_leases(make_store: Callable[[], Store]) -> None:
    assert isinstance(make_store(), Leases)


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.soak
def test_workers_killed_at_random_never_work_two_at_a_time(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, cases: Callable[[int, int], int]
) -> None:
    rounds = cases(CASES, 500)
    url = request.getfixturevalue("database") if kind == "postgresql" else f"sqlite:///{tmp_path / 'ledger.db'}"
    ledger, engine = Ledger(url), create_engine(url)
    rng, seen = random.Random(20261130), dict.fromkeys(("wrote", "killed", "over"), 0)
    workers = [Worker(url), Worker(url)]
    try:
        for _ in range(rounds):
            _play(workers, ledger, engine, rng, seen)
    finally:
        for worker in workers:
            worker.kill()
    events = ledger.recorded(MODEL, AuditEvent, Query())
    names = [event.action.id for event in events]
    assert [name[:6] for name in names] == sorted(name[:6] for name in names), "a lease wrote after the next one had"
    assert audit_breaks(events, ledger.pointer(MODEL, HEAD)) == []
    assert ledger.pointer(MODEL, "at") == names[-1]
    assert seen["wrote"] <= len(names) <= seen["wrote"] + seen["killed"]
    assert min(seen[what] for what in ("took", "taken", "wrote", "lost", "killed")) >= rounds // 2, seen
    ledger.close()
    engine.dispose()


def _play(workers: list[Worker], ledger: Ledger, engine: Engine, rng: random.Random, seen: dict[str, int]) -> None:
    """Take a model over from a worker that lives, give orders at random, and kill a worker in the midst of the last."""
    seen["over"] += _over(engine)
    rng.shuffle(workers)
    old, new = workers
    _check(old, old.ask("take"), engine, seen)
    seen["over"] += _over(engine)
    _check(new, new.ask("take"), engine, seen)
    _check(old, old.ask(rng.choice(["write", "renew"])), engine, seen)
    for _ in range(STEPS):
        worker = rng.choice(workers)
        order = rng.choices(["take", "write", "renew", "release", "over"], [4, 6, 1, 1, 2])[0]
        if order == "over":
            seen["over"] += _over(engine)
            continue
        _check(worker, worker.ask(order), engine, seen)
    victim = rng.choice(workers)
    victim.orders.send(rng.choice(["take", "write", "write", "release"]))
    time.sleep(rng.uniform(0, 0.004))  # anywhere in the transaction, which no event tells of
    victim.kill()
    seen["killed"] += 1
    victim.start()
    _over(engine)


def _check(worker: Worker, answer: str, engine: Engine, seen: dict[str, int]) -> None:
    """Hold what a worker answers against the row in the database, which nobody changes meanwhile."""
    row = _row(engine)
    first = answer.split(maxsplit=1)[0]
    seen[first] = seen.get(first, 0) + 1
    if first == "took":
        worker.number = int(answer.split()[1])
        assert (row.number, row.process) == (worker.number, worker.process.pid)
    elif first == "taken":
        assert f"process {row.process} on {row.host}" in answer
    elif first in ("wrote", "renewed"):
        assert row.number == worker.number, "a worker that lost its lease wrote"
    elif first == "lost":
        assert row.number != worker.number, "a worker that holds its lease was refused"
        worker.number = None
    else:
        assert first in ("released", "no"), answer
        worker.number = None


def _row(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(LEASES)).first()


def _over(engine: Engine) -> int:
    """Let the time of the lease be over, as if it had passed."""
    with engine.begin() as connection:
        return connection.execute(update(LEASES).values(until=LEASES.c.since)).rowcount


def test_of_processes_that_ask_at_once_one_gets_the_model(tmp_path: Path) -> None:
    workers = [Worker(f"sqlite:///{tmp_path / 'ledger.db'}") for _ in range(3)]
    try:
        for round_ in range(4):
            for worker in workers:
                worker.orders.send("take")
            answers = [worker.answer() for worker in workers]
            winners = [w for w, answer in zip(workers, answers, strict=True) if answer.startswith("took")]
            assert len(winners) == 1, (round_, answers)
            assert winners[0].ask("release") == "released"
    finally:
        for worker in workers:
            worker.kill()


def test_a_worker_that_dies_frees_the_model_by_time(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    first = ledger.lease(MODEL, LONG / 14_400, host="a", process=1)
    tries = 0
    while True:
        try:
            second = ledger.lease(MODEL, LONG, host="b", process=2)
            break
        except LeasedError:
            tries += 1
    assert tries > 0
    assert second.since >= first.until
    with pytest.raises(LeaseLostError):
        ledger.renew(first, LONG)
    ledger.close()


def test_states_of_an_older_lease_are_refused_by_the_table_itself(tmp_path: Path) -> None:
    table, beside = (Delta(str(tmp_path / "states"), {}, "window") for _ in range(2))
    rows = pl.DataFrame({"window": ["a"], "value": [1]})
    assert table.replace(rows, "\"window\" = 'a'", fence=("lease", 3))
    assert beside.replace(rows.with_columns(value=2), "\"window\" = 'a'", fence=("lease", 5))
    assert not table.replace(rows.with_columns(value=3), "\"window\" = 'a'", fence=("lease", 3))
    assert table.replace(rows.with_columns(value=4), "\"window\" = 'a'", fence=("lease", 5))
    found = beside.scan()
    assert found is not None
    assert found.collect()["value"].to_list() == [4]


class Generous(MemoryStore):
    def lease(self, model, length, **who):
        self._leases.pop(model, None)
        return super().lease(model, length, **who)


class Mute(MemoryStore):
    def lease(self, model, length, **who):
        try:
            return super().lease(model, length, **who)
        except LeasedError:
            raise LeasedError("somebody is at work") from None


class Fenceless(MemoryStore):
    def record(self, model, nouns, pointers=None, *, lease=None):
        super().record(model, nouns, pointers)


class FencelessStates(MemoryStore):
    def put_states(self, model, states, *, lease=None):
        super().put_states(model, states)


class Endless(MemoryStore):
    def release(self, lease: Lease) -> None:
        """Forget to."""


class Fleeting(MemoryStore):
    def renew(self, lease, length):
        super().renew(lease, 0 * length)
        return lease


@pytest.mark.parametrize(
    "broken", [Generous, Mute, Fenceless, FencelessStates, Endless, Fleeting], ids=lambda c: c.__name__
)
def test_the_suite_notices_a_store_that_breaks_the_law_of_leases(broken: type[MemoryStore]) -> None:
    store = broken()
    with pytest.raises(AssertionError):
        check_leases(lambda: store)


def test_lease_tables_know_the_time_of_their_database(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    lease = ledger.lease(MODEL, LONG, host="a", process=1)
    with engine.connect() as connection:
        seconds = connection.execute(select(func.strftime("%s", "now"))).scalar_one()
    assert 0 <= int(seconds) - lease.since.timestamp() + 1 < FAR
    ledger.close()
    engine.dispose()
