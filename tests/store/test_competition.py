from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.lives import ROOT
from watchkeeper.core.errors import ConflictError
from watchkeeper.core.store import AuditEvent, Store, Table
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.store.audit import audit_breaks
from watchkeeper.store.lake import LakeStore
from watchkeeper.testing.store import predictions

from .crash_run import SCHEMA, START

EVER = Window(START - timedelta(days=400), START + timedelta(days=400))


def test_two_processes_at_once_lose_no_row_and_double_none(opened: Callable[..., LakeStore], tmp_path: Path) -> None:
    script = "tests.store.append_run"
    commands = [[sys.executable, "-m", script, str(tmp_path / "store"), str(n), "5"] for n in range(2)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) for command in commands]
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    store = opened()
    rows = pl.concat([b.frame for b in store.read("m", SCHEMA, EVER)], how="diagonal_relaxed").sort("id")
    assert rows["id"].to_list() == [*range(-5, 0), *range(100)]
    assert rows.filter(pl.col("id") >= 0)["label"].to_list() == [0] * 50 + [1] * 50
    assert sorted(int(s.problem) for s in store.states("m", EVER).values()) == list(range(10))
    events = store.recorded("m", AuditEvent)
    assert len(events) == 10
    assert audit_breaks(events, store.pointer("m", "audit")) == []


def test_threads_that_share_a_store_lose_no_row(make_store: Callable[[], Store]) -> None:
    store = make_store()

    def work(number: int) -> None:
        for commit in range(4):
            name = number * 4 + commit
            store.append("m", Table.PREDICTIONS, predictions([name], [0]), SCHEMA)
            list(store.read("m", SCHEMA, EVER))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    rows = pl.concat([b.frame for b in store.read("m", SCHEMA, EVER)], how="diagonal_relaxed")
    assert sorted(rows["id"].to_list()) == list(range(16))


def test_changes_name_every_row_once_however_commits_interleave(opened: Callable[..., LakeStore]) -> None:
    one, two = opened(), opened()
    cursor, rule = "", WindowRule()
    for day, store in enumerate([one, two, two, one, two]):
        store.append("m", Table.PREDICTIONS, predictions([day], [day]), SCHEMA)
        found = one.changes("m", SCHEMA, rule, cursor)
        assert found.windows == (rule.grain_of(START + timedelta(days=day)),)
        cursor = found.cursor


def test_of_two_who_move_a_pointer_one_wins(make_store: Callable[[], Store]) -> None:
    store = make_store()
    store.record("m", [], {"champion": (None, "v0")})

    def move(number: int) -> bool:
        try:
            store.record("m", [], {"champion": ("v0", f"v{number}")})
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(move, range(1, 9)))
    assert sum(won) == 1
    assert store.pointer("m", "champion") == f"v{won.index(True) + 1}"
