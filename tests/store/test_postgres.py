from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import watchkeeper
from tests.store.postgres import programs
from watchkeeper.core.errors import ConflictError
from watchkeeper.core.store import Store
from watchkeeper.testing.store import check_store

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


def test_the_store_obeys_its_contract_on_postgresql(opened: Callable[..., Store], database: str) -> None:
    check_store(lambda: opened(sql_url=database))


def test_a_feature_with_nul_in_its_name_is_watched_and_stops_no_run(tmp_path: Path, database: str) -> None:
    for place, seed, shift in (("then", 0, 0.0), ("now", 1, 3.0)):
        g = np.random.default_rng(seed)
        times = [datetime(2026, 1, 1 + seed, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(72)]
        pl.DataFrame(
            {"id": range(100 * seed, 100 * seed + 72), "time": times, "a\0b": g.normal(shift, 1, 72),
             "plan": ["x", "y\0z"] * 36, "score": g.random(72)}
        ).write_parquet(tmp_path / f"{place}.parquet")  # fmt: skip
    (tmp_path / "watchkeeper.yaml").write_text(
        f"store: {{url: ./data, sql: '{database}'}}\nmodels:\n  m:\n    source: now.parquet\n"
        "    reference: {source: then.parquet}\n    columns: {id: id, time: time, score: score}\n"
        "    segments: [plan]\n    notify: []\n"
    )
    with closing(watchkeeper.open_project(tmp_path / "watchkeeper.yaml")) as project:
        report = project.run("m", datetime(2026, 1, 4, tzinfo=UTC))
        assert "a\\x00b" in {column for alert in report.ran.alerts for column in alert.columns}


def test_of_two_who_move_a_pointer_at_once_one_is_refused(opened: Callable[..., Store], database: str) -> None:
    first, second = opened(sql_url=database), opened(sql_url=database)

    def move(store: Store, to: str) -> bool:
        try:
            store.record("m", [], {"champion": (None, to)})
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        moved = list(pool.map(move, (first, second), ("v1", "v2")))

    assert sorted(moved) == [False, True]
    assert first.pointer("m", "champion") == second.pointer("m", "champion") == ("v1", "v2")[moved.index(True)]


def test_four_who_open_an_empty_database_at_once_all_find_its_tables(
    opened: Callable[..., Store], database: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: opened(sql_url=database), range(4)))

    assert [store.pointer("m", "champion") for store in stores] == [None] * 4
