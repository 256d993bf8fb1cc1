"""However a process that logs comes to its end, its rows are read once each, or are counted as lost."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from watchkeeper.core.store import Table
from watchkeeper.ingest.spool import SpoolFaults, spooled
from watchkeeper.log import Log

from . import ends

pytestmark = pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs shared memory with names")

A, B = ([f"{name}-{number}" for number in range(ends.ROWS)] for name in "ab")
THREADS_AND_CHILDREN = [
    f"{name}-{number}" for name in ("t0", "t1", "c0", "c1", "c2", "c3", "c4") for number in range(ends.ROWS)
]


def played(folder, *what):
    """Run a process to its end and return what it printed and how it ended."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "tests.log.ends", str(folder), *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=600)
    return done.stdout.split(), done.returncode, done.stderr


def read(folder):
    """Return what was read, and how many rows the spool says were lost."""
    found, faults = [], SpoolFaults()
    for _, table, frame, done in spooled(folder, "m", faults=faults):
        assert table is Table.PREDICTIONS
        found.extend(frame["id"].to_list())
        done()
    assert not faults.unread
    return found, faults.lost


@pytest.mark.parametrize(
    ("end", "code", "expected"),
    [
        ("forgotten", 0, A),
        ("plain_end", 0, A),
        ("one_for_each_request", 0, A),
        ("os_exit", 0, A),
        ("os_exit_in_a_forked_child", 0, A + B),
        ("forked_while_threads_log", 0, THREADS_AND_CHILDREN),
        ("sigterm", -15, A),
        ("sigkill", -9, A),
        ("sigkill_amid_writing", -9, A + B),
        ("del_at_exit", 0, A + B),
        ("del_at_exit_without_shared_memory", 0, A + B),
        ("exception", 1, A),
    ],
)  # fmt: skip
def test_rows_are_read_once_each_after(tmp_path, end, code, expected):
    _, ended, said = played(tmp_path, end)
    assert ended == code, said
    found, lost = read(tmp_path)
    assert Counter(found) == Counter(expected)
    assert lost == 0
    assert read(tmp_path) == ([], 0)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_rows_of_processes_are_read_once_each_when_they_are_started_by(tmp_path, method):
    _, ended, said = played(tmp_path, "processes", method)
    assert ended == 0, said
    names = [f"{process}{part}" for process in ("p0", "p1") for part in ("", "-given")]
    assert Counter(read(tmp_path)[0]) == Counter(f"{n}-{i}" for n in names for i in range(ends.ROWS))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_rows_of_a_pool_are_read_once_each_when_its_workers_are_terminated_and_were_started_by(tmp_path, method):
    _, ended, said = played(tmp_path, "pool", method)
    assert ended == 0, said
    assert Counter(read(tmp_path)[0]) == Counter(f"w{n}-{i}" for n in range(3) for i in range(ends.ROWS))


def test_a_signal_handler_may_log_at_any_moment_of_a_call(tmp_path):
    (own, handled), ended, said = played(tmp_path, "interrupted")
    assert ended == 0, said
    expected = [f"a-{n}" for n in range(int(own))] + [f"h-{n}" for n in range(int(handled))]
    assert Counter(read(tmp_path)[0]) == Counter(expected)


def test_a_disk_that_never_answers_neither_stops_the_process_nor_takes_rows_in_silence(tmp_path):
    (lost,), ended, said = played(tmp_path, "hung_sync")
    assert ended == 0, said
    found, counted = read(tmp_path)
    assert max(Counter(found).values()) == 1
    assert len(found) + counted == 8_000
    assert counted >= int(lost) > 0
    assert len(found) > 1_000


@pytest.mark.parametrize("freed", [True, False])
def test_a_full_disk_takes_no_row_in_silence(tmp_path, freed):
    (lost,), ended, said = played(tmp_path, "full_disk", *(["freed"] if freed else []))
    assert ended == 0, said
    found, counted = read(tmp_path)
    assert max(Counter(found).values()) == 1
    assert len(found) + counted == 8_001
    assert counted == int(lost) if freed else counted > int(lost)


def test_a_call_touches_no_file_and_never_waits_for_the_disk(tmp_path):
    (own, other), ended, said = played(tmp_path, "calls_on_files")
    assert ended == 0, said
    assert (own, other) == ("[]", "True")
    assert len(read(tmp_path)[0]) == 5_000


def test_a_call_waits_for_a_stalled_disk_once_and_no_longer_than_it_says(tmp_path, monkeypatch):
    from watchkeeper.log import writer

    slept = []
    monkeypatch.setattr(writer.Writer, "start", lambda self: True)
    monkeypatch.setattr(writer.time, "sleep", slept.append)
    moments = iter(range(10**6))
    monkeypatch.setattr(writer.time, "monotonic", lambda: next(moments) / 100)
    log = Log(tmp_path, "m")
    for i in range(15_000):
        log.predict(i, prediction=1)
    assert 1 < len(slept) <= 11
    assert log.lost == 0
    log._writer.queue.clear()
    log._writer.tail.remove()
    log._writer.tail = None


def test_a_log_that_is_forgotten_is_finished_while_the_process_goes_on(tmp_path):
    Log(tmp_path, "m", flush_seconds=0.02, rotate_seconds=0.05).predict("a", prediction=1)
    end, found = time.monotonic() + 600, []
    while not found and time.monotonic() < end:
        time.sleep(0.02)
        found = read(tmp_path)[0]
    assert found == ["a"]


def test_logs_of_one_model_share_a_file_that_the_last_one_finishes(tmp_path):
    first, second = Log(tmp_path, "m"), Log(tmp_path, "m", version="2")
    first.predict(1, prediction=1)
    assert first.close()
    assert read(tmp_path)[0] == []
    second.predict(2, prediction=1)
    assert second.close()
    assert read(tmp_path)[0] == [1, 2]


class Raises(logging.Filter):
    def filter(self, record):
        raise RuntimeError("the host's filter")


def test_a_logging_filter_that_raises_raises_nothing_in_the_host(tmp_path):
    logger, raises = logging.getLogger("watchkeeper.log"), Raises()
    logger.addFilter(raises)
    try:
        with Log(tmp_path, "m") as log:
            log.predict(1, features={"x": {("no", "name"): 1}})
            log.predict(2, prediction=1)
    finally:
        logger.removeFilter(raises)
    assert log.lost == 0
    assert log.problems["cannot be told"] == 1
    assert read(tmp_path) == ([1, 2], 0)


def test_a_panic_of_an_extension_does_not_reach_the_host_and_an_interrupt_does(tmp_path):
    class PanicException(BaseException):
        pass

    class Value:
        def __init__(self, error):
            self.error = error

        def __str__(self):
            raise self.error

    with Log(tmp_path, "m") as log:
        log.predict(1, features={"x": Value(PanicException())})
        with pytest.raises(KeyboardInterrupt):
            log.predict(2, features={"x": Value(KeyboardInterrupt())})
    assert (log.lost, sum(log.problems.values())) == (0, 1)
    assert read(tmp_path) == ([1], 0)


def test_rows_of_a_killed_process_are_finished_by_the_next_one_that_logs(tmp_path):
    played(tmp_path, "sigkill")
    with Log(tmp_path, "m") as log:
        log.predict("after", prediction=1)
    (killed, own) = sorted((tmp_path / "spool" / "m").glob("*.jsonl"))
    assert killed.read_bytes().count(b"\n") == ends.ROWS
    assert own.read_bytes().count(b"\n") == 1


def test_a_line_longer_than_a_tail_is_kept_with_those_around_it(tmp_path):
    with Log(tmp_path, "m", flush_seconds=3_600) as log:
        for i in range(6):
            log.predict(i, features={"x": "y" * (300_000 if i % 2 else 10)})
    assert read(tmp_path) == ([0, 1, 2, 3, 4, 5], 0)
