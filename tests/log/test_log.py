"""The logging SDK: light, safe for threads, processes and killed processes, and never in the way of the host."""

import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from watchkeeper.core.store import Table
from watchkeeper.ingest.spool import spooled
from watchkeeper.log import Log
from watchkeeper.log.segment import OPEN, SEALED

WRITER = """
import sys
from watchkeeper.log import Log
log = Log(sys.argv[1], "m", flush_seconds=0.01, max_bytes=20_000)
number = 0
while True:
    ids = [f"{sys.argv[2]}-{number + i}" for i in range(50)]
    for key in ids:
        log.predict(key, features={"x": 1.5, "city": "Ulm"}, prediction=1)
    if log.flush():
        print("\\n".join(ids), flush=True)
    number += 50
"""


def taken(folder, model="m"):
    found = []
    for _, table, frame, done in spooled(folder, model):
        found.append((table, frame))
        done()
    return found


def ids(folder):
    return [key for table, frame in taken(folder) if table is Table.PREDICTIONS for key in frame["id"].to_list()]


def test_what_is_logged_is_read_back(tmp_path):
    with Log(tmp_path, "m", version="3", clock=lambda: 1356998400.0) as log:
        key = log.predict(features={"x": np.float64(1.5), "n": np.int32(7)}, prediction=1, score=0.25, latency=0.004)
        log.label(key, "late", datetime(2013, 1, 2, tzinfo=UTC))
    (first, predictions), (second, labels) = taken(tmp_path)
    assert (first, second) == (Table.PREDICTIONS, Table.LABELS)
    assert predictions.to_dicts() == [
        {
            "id": key, "time": datetime(2013, 1, 1, tzinfo=UTC), "prediction": 1, "score": 0.25, "latency": 0.004,
            "version": "3", "x": 1.5, "n": 7,
        }
    ]  # fmt: skip
    assert labels.to_dicts() == [{"id": key, "label": "late", "time": datetime(2013, 1, 2, tzinfo=UTC)}]


def test_an_id_is_made_where_none_is_given_and_kept_where_one_is(tmp_path):
    with Log(tmp_path, "m") as log:
        made = {log.predict(prediction=0) for _ in range(100)}
        assert log.predict(7, prediction=0) == 7
    assert len(made) == 100


def test_a_name_that_would_leave_the_folder_does_not(tmp_path):
    with Log(tmp_path / "store", "../../etc/x", version="1") as log:
        log.predict(1, prediction=1)
    assert len(taken(tmp_path / "store", "../../etc/x")) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_nan_and_infinities_survive(tmp_path):
    with Log(tmp_path, "m") as log:
        log.predict(1, features={"x": float("nan"), "y": float("-inf")})
    frame = taken(tmp_path)[0][1]
    assert np.isnan(frame["x"][0])
    assert frame["y"][0] == float("-inf")


class Hostile:
    def __str__(self):
        raise RuntimeError("no")


def test_nothing_reaches_the_host_and_everything_is_counted(tmp_path, caplog):
    circle = {}
    circle["self"] = circle
    with caplog.at_level(logging.WARNING), Log(tmp_path, "m") as log:
        for _ in range(3):
            log.predict(1, features=circle)
        log.predict(2, features={"x": Hostile()})
        log.predict(3, features={"x": {("a", "b"): 1}})
        log.predict(4, prediction=1)
    assert sum(log.problems.values()) == 5
    assert len(caplog.records) == len(log.problems)
    assert ids(tmp_path) == [1, 1, 1, 2, 3, 4]


def test_a_folder_that_cannot_be_written_does_no_harm_and_lines_wait(tmp_path):
    (tmp_path / "spool").write_text("a file where the folder should be")
    log = Log(tmp_path, "m", flush_seconds=60)
    for i in range(100):
        log.predict(i, prediction=1)
    assert not log.flush()
    assert log.problems
    (tmp_path / "spool").unlink()
    assert log.flush()
    log.close()
    assert ids(tmp_path) == list(range(100))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_lines_wait_while_the_disk_is_full_and_none_is_left_half_written(tmp_path):
    log = Log(tmp_path, "m", flush_seconds=60)
    log.predict("before", prediction=1)
    assert log.flush()
    segment = log._writer.segment
    real = os.dup(segment.fd)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, segment.fd)
    log.predict("during", prediction=1)
    assert not log.flush()
    os.dup2(real, segment.fd)
    os.close(full)
    os.close(real)
    log.predict("after", prediction=1)
    assert log.close()
    assert ids(tmp_path) == ["before", "during", "after"]


def test_many_threads_lose_and_double_nothing(tmp_path):
    log = Log(tmp_path, "m", max_bytes=50_000, flush_seconds=0.01)

    def serve(thread):
        for i in range(1_000):
            log.predict(thread * 1_000 + i, features={"x": i}, prediction=1)

    threads = [threading.Thread(target=serve, args=(t,)) for t in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert log.close()
    assert log.problems == {}
    assert sorted(ids(tmp_path)) == list(range(8_000))


def test_more_lines_than_memory_holds_are_written_before_their_time(tmp_path):
    log = Log(tmp_path, "m", flush_seconds=3_600)
    for i in range(25_000):
        log.predict(i, prediction=1)
    assert log.close()
    assert log.lost == 0
    assert sorted(ids(tmp_path)) == list(range(25_000))


def test_segments_are_rotated_by_size(tmp_path):
    log = Log(tmp_path, "m", max_bytes=1_000, flush_seconds=3_600)
    for i in range(30):
        log.predict(i, prediction=1)
        log.flush()
    assert len(list(Path(log.folder).glob(f"*{SEALED}"))) > 2
    log.close()
    assert sorted(ids(tmp_path)) == list(range(30))


def test_a_segment_that_is_being_written_is_not_taken(tmp_path):
    log = Log(tmp_path, "m", flush_seconds=3_600)
    log.predict(1, prediction=1)
    assert log.flush()
    assert taken(tmp_path) == []
    assert list(Path(log.folder).glob(f"*{OPEN}"))
    log.close()
    assert ids(tmp_path) == [1]


def test_a_log_can_go_on_after_it_was_closed(tmp_path):
    log = Log(tmp_path, "m")
    log.predict(1, prediction=1)
    log.close()
    log.predict(2, prediction=1)
    assert log.close()
    assert ids(tmp_path) == [1, 2]


def test_the_thread_writes_without_being_asked(tmp_path):
    log = Log(tmp_path, "m", flush_seconds=0.02, rotate_seconds=0.05)
    log.predict(1, prediction=1)
    end = time.monotonic() + 600
    found = []
    while not found and time.monotonic() < end:
        time.sleep(0.02)
        found = ids(tmp_path)
    assert found == [1]
    log.close()


def _forked(log, number):
    for i in range(100):
        log.predict(f"{number}-{i}", prediction=1)
    os._exit(0 if log.flush() else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_processes_write_files_of_their_own(tmp_path):
    log = Log(tmp_path, "m", flush_seconds=3_600)
    log.predict("parent", prediction=1)
    assert log.flush()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_forked, args=(log, n)) for n in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    log.predict("parent again", prediction=1)
    assert log.close()
    expected = Counter(["parent", "parent again", *(f"{n}-{i}" for n in range(3) for i in range(100))])
    assert Counter(ids(tmp_path)) == expected


@pytest.mark.soak
def test_what_was_flushed_before_a_kill_is_read_exactly_once(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    promised = [line for writer in writers for line in islice(writer.stdout, 75)]
    found = ids(tmp_path)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    promised += [line for w in writers for line in w.communicate()[0].splitlines(keepends=True)]
    found += ids(tmp_path)
    counted = Counter(found)
    # The last line of a killed process may itself be cut off on its way through the pipe.
    whole = {line.strip() for line in promised if line.endswith("\n")}
    assert len(whole) >= 3 * 75
    assert whole <= set(counted)
    assert max(counted.values()) == 1
    # A process killed while it made a file may leave that one, empty and under a name that is never read.
    assert all(p.suffix == ".new" and not p.stat().st_size for p in (tmp_path / "spool" / "m").iterdir())


def test_a_reader_that_fails_takes_the_same_segment_again_under_the_same_name(tmp_path):
    with Log(tmp_path, "m") as log:
        log.predict(1, prediction=1)
        log.label(1, 0)
    first = [source for source, *_ in spooled(tmp_path, "m")]
    (_, _, _, done), *_ = spooled(tmp_path, "m")
    done()
    assert [source for source, *_ in spooled(tmp_path, "m")] == first
    assert len(set(first)) == 2


def test_the_columns_have_the_names_of_the_schema(tmp_path):
    from watchkeeper.core.schema import Column, Kind, Role, Schema

    schema = Schema(
        (
            Column("flight", Role.ID, Kind.IDENTIFIER),
            Column("at", Role.TIME, Kind.TIME),
            Column("p", Role.SCORE, Kind.NUMERIC),
        )
    )
    with Log(tmp_path, "m") as log:
        log.predict(1, features={"at": "gate 5"}, score=0.5)
    ((_, _, frame, done),) = spooled(tmp_path, "m", schema)
    done()
    assert frame.columns == ["flight", "at", "prediction", "p", "latency", "version", "features.at"]
    assert frame["features.at"].to_list() == ["gate 5"]


def test_values_of_mixed_types_become_text_rather_than_get_lost(tmp_path):
    with Log(tmp_path, "m") as log:
        log.predict(1, features={"x": 1}, prediction=1)
        log.predict("b", features={"x": "one"}, prediction=0.5)
    frame = taken(tmp_path)[0][1]
    assert frame["id"].to_list() == ["1", "b"]
    assert frame["x"].to_list() == ["1", "one"]
    assert frame["prediction"].to_list() == [1.0, 0.5]


def test_damaged_lines_are_kept_aside_and_the_others_are_read(tmp_path):
    with Log(tmp_path, "m") as log:
        log.predict(1, prediction=1)
    (path,) = (tmp_path / "spool" / "m").iterdir()
    path.write_bytes(b"\x00\x00{not json\n" + path.read_bytes() + b'{"kind": "prediction", "half')
    assert ids(tmp_path) == [1]
    (damaged,) = (tmp_path / "spool" / "m").glob("*.damaged")
    assert damaged.read_bytes() == b"\x00\x00{not json\n"


def test_importing_the_sdk_loads_nothing_heavy():
    code = "import sys, watchkeeper.log; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"numpy", "polars", "pydantic", "msgspec", "sqlalchemy", "yaml", "logging", "pathlib", "dataclasses"}
    assert not heavy & set(loaded)


def test_a_line_is_plain_json(tmp_path):
    with Log(tmp_path, "m", clock=lambda: 5.0) as log:
        log.predict("a", features={"é": pl.Series([1, 2])}, prediction=True)
    (path,) = (tmp_path / "spool" / "m").iterdir()
    row = json.loads(path.read_text())
    assert (row["id"], row["time"], row["prediction"], row["kind"]) == ("a", 5.0, True, "prediction")
    assert list(row["features"]) == ["é"]
