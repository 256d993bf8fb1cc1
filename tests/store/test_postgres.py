from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.store.postgres import programs
from watchkeeper.core.errors import ConflictError
from watchkeeper.core.store import Store
from watchkeeper.testing.store import check_store

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


def test_the_store_obeys_its_contract_on_postgresql(opened: Callable[..., Store], database: str) -> None:
    check_store(lambda: opened(sql_url=database))


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
