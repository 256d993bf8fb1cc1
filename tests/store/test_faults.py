from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import StoreError, UsageError
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.store import AuditEvent, Table
from watchkeeper.core.window import Window
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.open import open_store
from watchkeeper.testing.store import predictions

from .test_log import MONTH, SCHEMA, read

ACTION = Action("a", "m", ActionKind.HOLD, Outcome.DONE, "why", "me")
WINDOW = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0


@pytest.fixture
def disk(tmp_path: Path, opened: Callable[..., LakeStore]) -> Iterator[Path]:
    """A file system of two megabytes of its own: permissions do not stop root, a mount does."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)):
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(store: LakeStore) -> None:
    store.append("m", Table.PREDICTIONS, predictions([1, 2], [0, 1]), SCHEMA)
    store.put_states("m", {WINDOW: [State(StateKey("m", "", WINDOW, "all", "x"), problem="kept")]})
    store.record("m", [ACTION], {"champion": (None, "v1")})


def _untouched(store: LakeStore) -> None:
    assert read(store)["id"].to_list() == [1, 2]
    assert [s.problem for s in store.states("m", MONTH).values()] == ["kept"]
    assert [e.action for e in store.recorded("m", AuditEvent)] == [ACTION]
    assert store.pointer("m", "champion") == "v1"


def test_a_read_only_store_says_so_and_its_log_is_still_read(disk: Path, opened: Callable[..., LakeStore]) -> None:
    store = opened(disk)
    _fill(store)
    store.close()
    assert _mount("-o", "remount,ro", str(disk))
    bad = State(StateKey("m", "", WINDOW, "all", "x"), problem="new")
    attempts: list[Callable[[], object]] = [
        lambda: store.append("m", Table.PREDICTIONS, predictions([3], [0]), SCHEMA),
        lambda: store.append("new", Table.PREDICTIONS, predictions([3], [0]), SCHEMA),
        lambda: store.put_states("m", {WINDOW: [bad]}),
    ]
    for attempt in attempts:
        with pytest.raises(StoreError, match=rf"cannot write to .*{disk}.*: it is read-only\. Make it writeable"):
            attempt()
    with pytest.raises(StoreError, match=rf"cannot write to {disk}/watchkeeper.db: .*(is read-only|may be written to)"):
        store.record("m", [ACTION], {"champion": ("v1", "v2")})
    assert read(store)["id"].to_list() == [1, 2]
    assert _mount("-o", "remount,rw", str(disk))
    _untouched(store)


def test_opening_a_store_in_a_read_only_folder_says_so(disk: Path, opened: Callable[..., LakeStore]) -> None:
    assert _mount("-o", "remount,ro", str(disk))
    with pytest.raises(StoreError, match=rf"cannot open {disk}/new: it is read-only"):
        opened(disk / "new")
    with pytest.raises(StoreError, match=rf"cannot open {disk}/watchkeeper.db: .*(read-only|cannot be opened)"):
        opened(disk)


def test_a_full_disk_says_so_and_leaves_everything_as_it_was(disk: Path, opened: Callable[..., LakeStore]) -> None:
    store = opened(disk)
    _fill(store)
    rng = np.random.default_rng(0)
    many = predictions(list(range(10, 200_010)), rng.uniform(0, 3, 200_000).tolist())
    with pytest.raises(StoreError, match=rf"cannot write to .*{disk}.*: the disk is full\. Free some space"):
        store.append("m", Table.PREDICTIONS, many, SCHEMA, source="large")
    facts = {str(number): os.urandom(64).hex() for number in range(20_000)}
    with pytest.raises(StoreError, match=rf"cannot write to {disk}/watchkeeper.db: the disk is full"):
        store.record("m", [Action("b", "m", ActionKind.HOLD, Outcome.DONE, "", "", facts=facts)])
    _untouched(store)
    assert _mount("-o", "remount,size=64m", str(disk))
    assert store.append("m", Table.PREDICTIONS, many, SCHEMA, source="large").rows == 200_000


def test_a_store_that_is_a_file_is_refused(tmp_path: Path, opened: Callable[..., LakeStore]) -> None:
    (tmp_path / "store").write_text("mine")
    with pytest.raises(StoreError, match="store: it is a file, and a store is a folder; choose another folder"):
        opened()
    with pytest.raises(StoreError, match=r"cannot open .*store/below: a file lies where a folder should be"):
        opened("store/below")
    assert (tmp_path / "store").read_text() == "mine"


def test_a_file_where_the_log_should_be_is_named(tmp_path: Path, opened: Callable[..., LakeStore]) -> None:
    store = opened()
    (tmp_path / "store/log").write_text("mine")
    with pytest.raises(StoreError, match=r"cannot write to .*store/log/m/predictions: a file lies where a folder"):
        store.append("m", Table.PREDICTIONS, predictions([1], [0]), SCHEMA)


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to look like one" * 20, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_damaged_database_is_named_and_left_alone(
    tmp_path: Path, opened: Callable[..., LakeStore], content: bytes
) -> None:
    (tmp_path / "store").mkdir()
    database = tmp_path / "store/watchkeeper.db"
    database.write_bytes(content)
    with pytest.raises(StoreError, match=rf"cannot open {database}: the database file is damaged. Put a copy back"):
        opened()
    assert database.read_bytes() == content


def test_a_database_damaged_in_its_middle_is_named(tmp_path: Path, opened: Callable[..., LakeStore]) -> None:
    store = opened()
    actions = [Action(str(n), "m", ActionKind.HOLD, Outcome.DONE, "w" * 500, "me") for n in range(500)]
    store.record("m", actions)
    store.close()
    database = tmp_path / "store/watchkeeper.db"
    whole = bytearray(database.read_bytes())
    whole[12_288:] = b"\xff" * (len(whole) - 12_288)
    database.write_bytes(whole)
    with pytest.raises(StoreError, match=r"cannot (read|open) .*watchkeeper.db: the database file is damaged"):
        opened().recorded("m", Action)


def test_a_locked_database_is_waited_for_and_then_named(tmp_path: Path, opened: Callable[..., LakeStore]) -> None:
    opened()
    database = tmp_path / "store/watchkeeper.db"
    hasty = opened(sql_url=f"sqlite:///{database}?timeout=0.1")
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=rf"cannot write to {database}: another process holds it. Wait"):
        hasty.record("m", [ACTION])
    assert hasty.recorded("m", Action) == []
    other.execute("ROLLBACK")
    other.close()
    hasty.record("m", [ACTION])
    assert hasty.recorded("m", Action) == [ACTION]


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path, opened: Callable[..., LakeStore]) -> None:
    opened().record("m", [ACTION])
    database = sqlite3.connect(tmp_path / "store/watchkeeper.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    with pytest.raises(StoreError, match=r"made by a newer version of Watchkeeper .*at 9999.*upgrade Watchkeeper"):
        opened()
    assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    assert database.execute("SELECT count(*) FROM actions").fetchall() == [(1,)]
    database.close()


def test_an_object_store_without_a_database_is_refused() -> None:
    with pytest.raises(UsageError, match="s3://bucket/path can hold the log but no database; name one"):
        open_store("s3://bucket/path", encode=encode_state, decode=decode_state)


def test_a_database_without_its_driver_is_named_without_its_password(tmp_path: Path) -> None:
    for url, message in {
        "oracle+cx_oracle://me:secret@host/db": "driver 'cx_Oracle' is not installed",
        "nonsense": "the database URL is not understood",
        "nosuch://me:secret@host/db": "cannot open nosuch://me:.*@host/db",
    }.items():
        with pytest.raises(StoreError, match=message) as caught:
            open_store(tmp_path, sql_url=url, encode=encode_state, decode=decode_state)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["my store", "ü", "a=b", "a#b?c", "q'u\"ote", "{x}*"])
def test_a_store_may_lie_in_a_folder_of_any_usual_name(opened: Callable[..., LakeStore], name: str) -> None:
    _fill(opened(name))
    _untouched(opened(name))


@pytest.mark.parametrize("name", ["100%", "a[b]", "line\nbreak", "a^b"])
def test_a_folder_delta_cannot_name_is_refused_at_once(
    opened: Callable[..., LakeStore], tmp_path: Path, name: str
) -> None:
    with pytest.raises(StoreError, match="Delta tables cannot lie under a name with"):
        opened(name)
    assert not (tmp_path / name).exists()


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    store = open_store((tmp_path / "by url").as_uri(), encode=encode_state, decode=decode_state)
    assert isinstance(store, LakeStore)
    _fill(store)
    store.close()
    assert (tmp_path / "by url/watchkeeper.db").exists()
