"""A power cut loses nothing that was built on: shown by the calls that a run makes, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.core.errors import StoreError
from watchkeeper.core.store import Table
from watchkeeper.core.window import Window
from watchkeeper.store import durable
from watchkeeper.store.lake import LakeStore

from . import crash_run, synced_run

EVER = Window(crash_run.START.replace(year=2020), crash_run.START.replace(year=2030))
CALLS = "fsync,fdatasync,unlink,unlinkat"
_BEGUN = re.compile(r"^(\d+) +f(?:data)?sync\(\d+<([^>]+)>")
_ENDED = re.compile(r"^(\d+) +(?:f(?:data)?sync\(.*\)|<\.\.\. f(?:data)?sync resumed>\)) += 0$")


def synced_before_deleting(trace: Path) -> dict[str, set[str]]:
    """Return what was on the disk when a run deleted a segment, by the segment's path."""
    begun: dict[str, str] = {}
    synced: set[str] = set()
    found = {}
    for line in trace.read_text().splitlines():
        if begins := _BEGUN.match(line):
            begun[begins[1]] = begins[2]
        if ends := _ENDED.match(line):
            synced.add(begun[ends[1]])
        if "unlink" in line and (segment := re.search(r'"([^"]+\.jsonl)"', line)):
            found[segment[1]] = set(synced)
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_segment_is_deleted_when_all_that_holds_its_rows_is_on_the_disk(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-s", "300", "-e", f"trace={CALLS}", "-o", str(trace)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command += [sys.executable, synced_run.__file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if "ptrace" in done.stderr:
        pytest.skip("this system lets nobody trace a process")
    assert done.returncode == 0, done.stderr
    unsynced = {}
    for segment, synced in synced_before_deleting(trace).items():
        store = Path(segment).parents[2]
        rows = [p for p in (store / "log").rglob("*") if p.suffix in (".parquet", ".json") or p.is_dir()]
        assert len([path for path in rows if path.suffix == ".parquet"]) >= 4
        unsynced[store.name] = {str(path) for path in (*rows, store / "log", store)} - synced
    assert unsynced["careful"] == set()
    assert len(unsynced["careless"]) > 8


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    synced: list[str] = []
    plain = durable._sync_one
    monkeypatch.setattr(durable, "_sync_one", lambda path: (synced.append(str(path)), plain(path))[1])
    return synced


def test_what_a_killed_process_committed_is_put_on_the_disk_before_its_segment_goes(
    opened: Callable[..., LakeStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictions, _ = crash_run.feed(0)
    with monkeypatch.context() as killed:
        killed.setattr("watchkeeper.store.delta.settle_since", lambda root, version: None)
        opened("store").append("m", Table.PREDICTIONS, predictions, crash_run.SCHEMA, source="one")
    synced = watched(monkeypatch)
    assert opened("store").append("m", Table.PREDICTIONS, predictions, crash_run.SCHEMA, source="one").known
    table = tmp_path / "store/log/m/predictions"
    assert {str(path) for path in (table, *table.rglob("*"))} <= set(synced)


def test_a_commit_costs_its_own_files_whatever_came_before(
    opened: Callable[..., LakeStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced = opened("store"), watched(monkeypatch)
    costs = []
    for step in range(12):
        synced.clear()
        _, labels = crash_run.feed(step)
        store.append("m", Table.LABELS, labels, crash_run.SCHEMA, source=str(step))
        costs.append(len(synced))
    assert set(costs[2:]) == {costs[-1]}
    assert costs[-1] < 6


def ids(store: LakeStore) -> list[int]:
    frames = [batch.frame for batch in store.read("m", crash_run.SCHEMA, EVER)]
    return sorted(pl.concat(frames, how="diagonal_relaxed")["id"].to_list()) if frames else []


@pytest.mark.parametrize("torn", ["empty commit", "half a commit", "empty file", "half a file", "checkpoint"])
def test_a_commit_that_lost_power_left_torn_is_left_out_and_comes_again(
    opened: Callable[..., LakeStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: str
) -> None:
    frames = [crash_run.feed(step)[0] for step in range(2)]
    first = opened("store")
    first.append("m", Table.PREDICTIONS, frames[0], crash_run.SCHEMA, source="0")
    with monkeypatch.context() as cut_off:
        cut_off.setattr("watchkeeper.store.delta.settle_since", lambda root, version: None)
        first.append("m", Table.PREDICTIONS, frames[1], crash_run.SCHEMA, source="1")
    whole = ids(first)
    table = tmp_path / "store/log/m/predictions"
    newest = table / "_delta_log/00000000000000000001.json"
    if torn == "checkpoint":
        list(first.upkeep("m").compact())
        newest = next(table.glob("_delta_log/*.checkpoint.parquet"))
    elif "file" in torn:
        newest = table / next(path for path, _ in durable._added(newest))
    size = newest.stat().st_size if "half" in torn else 0
    newest.write_bytes(newest.read_bytes()[: size // 2])
    again = opened("store")
    assert len(ids(again)) == (len(whole) if torn == "checkpoint" else sum(f["at"].count() for f in frames[:1]))
    appended = again.append("m", Table.PREDICTIONS, frames[1], crash_run.SCHEMA, source="1")
    assert appended.known is (torn == "checkpoint")
    assert ids(again) == whole


def test_a_commit_that_was_settled_and_is_damaged_later_is_an_error(
    opened: Callable[..., LakeStore], tmp_path: Path
) -> None:
    opened("store").append("m", Table.PREDICTIONS, crash_run.feed(0)[0], crash_run.SCHEMA, source="0")
    (entry,) = (tmp_path / "store/log/m/predictions/_delta_log").glob("*.json")
    entry.write_bytes(b"")
    with pytest.raises(StoreError, match="cannot read"):
        ids(opened("store"))
    assert entry.exists()


@pytest.mark.parametrize("torn", [True, False])
def test_a_first_commit_that_lost_power_left_torn_comes_again(
    opened: Callable[..., LakeStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    rows = crash_run.feed(0)[0]
    with monkeypatch.context() as cut_off:
        cut_off.setattr("watchkeeper.store.delta.settle_since", lambda root, version: None)
        opened("store").append("m", Table.PREDICTIONS, rows, crash_run.SCHEMA, source="0")
    (entry,) = (tmp_path / "store/log/m/predictions/_delta_log").glob("*.json")
    entry.write_bytes(b"" if torn else entry.read_bytes())
    assert opened("store").append("m", Table.PREDICTIONS, rows, crash_run.SCHEMA, source="0").known is not torn
    assert len(ids(opened("store"))) == rows["at"].count()


def test_the_run_that_is_watched_keeps_what_was_logged(tmp_path: Path) -> None:
    synced_run.serve(str(tmp_path), 6)
    synced_run.take(str(tmp_path))
    assert pl.read_delta(str(tmp_path / "log/m/predictions")).height == 5
    assert pl.read_delta(str(tmp_path / "log/m/labels")).height == 6
