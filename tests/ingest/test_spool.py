"""What was logged reaches the store exactly once, whenever the runner dies."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from watchkeeper.core.store import Table
from watchkeeper.ingest.spool import peek, spooled
from watchkeeper.log import Log


@pytest.fixture
def folder(tmp_path):
    with Log(tmp_path, "m", clock=lambda: datetime(2013, 1, 1, tzinfo=UTC).timestamp()) as log:
        log.predict(1, prediction=1)
        log.label(1, 0)
    return tmp_path


def segments(folder):
    return list((folder / "spool" / "m").glob("*.jsonl"))


def test_looking_at_a_segment_does_not_delete_it(folder):
    assert len(list(spooled(folder, "m"))) == 2
    assert len(segments(folder)) == 1


def test_a_segment_is_deleted_when_all_its_tables_are_appended_and_not_before(folder):
    taken = list(spooled(folder, "m"))
    assert [table for _, table, _, _ in taken] == [Table.PREDICTIONS, Table.LABELS]
    taken[0][3]()
    assert segments(folder)
    taken[1][3]()
    assert not segments(folder)


def test_what_was_not_appended_comes_again_under_the_same_name(folder):
    first = [name for name, *_ in spooled(folder, "m")]
    next(spooled(folder, "m"))[3]()
    assert [name for name, *_ in spooled(folder, "m")] == first
    assert len(set(first)) == 2


def test_a_model_that_never_logged_has_nothing_to_take(tmp_path):
    assert list(spooled(tmp_path, "nobody")) == []


def test_another_model_takes_nothing_of_it(folder):
    assert list(spooled(folder, "m2")) == []


def test_peeking_shows_predictions_and_leaves_everything_there(folder):
    assert peek(folder, "m")["id"].to_list() == [1]
    assert peek(folder, "nobody") is None
    assert len(segments(folder)) == 1


def test_peeking_joins_the_labels_that_wait_and_leaves_out_what_nobody_logged(folder):
    frame = peek(folder, "m")
    assert frame["label"].to_list() == [0]
    assert "latency" not in frame.columns
    assert "score" not in frame.columns


def test_there_is_a_place_for_labels_before_the_first_one_comes(tmp_path):
    with Log(tmp_path, "m") as log:
        log.predict(1, prediction=1, features={"label": "a feature of that name"})
    frame = peek(tmp_path, "m")
    assert frame["label"].to_list() == [None]
    assert frame["features.label"].to_list() == ["a feature of that name"]


def test_peeking_sees_what_a_killed_process_left(tmp_path):
    code = (
        "import os, sys\nfrom watchkeeper.log import Log\nlog = Log(sys.argv[1], 'm')\n"
        "log.predict(7, prediction=1)\nlog.flush()\nos.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert peek(tmp_path, "m")["id"].to_list() == [7]
