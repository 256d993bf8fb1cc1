"""What was logged reaches the store exactly once, whenever the runner dies."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from watchkeeper.core.store import Table
from watchkeeper.ingest.spool import SpoolFaults, peek, spooled
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


def modes(folder):
    return {path.name: oct(path.stat().st_mode & 0o777) for path in sorted(folder.rglob("*"))}


def test_the_spool_is_the_serving_users_alone(folder):
    (segment,) = segments(folder)
    segment.write_bytes(b"{damaged\n" + segment.read_bytes())
    list(spooled(folder, "m"))
    found = modes(folder / "spool")
    assert found.pop("m") == "0o700"
    assert set(found.values()) == {"0o600"}
    assert len(found) == 2
    assert oct((folder / "spool").stat().st_mode & 0o777) == "0o700"


def taken(folder):
    faults = SpoolFaults()
    rows = sum(frame.height for _, _, frame, _ in spooled(folder, "m", faults=faults))
    return rows, faults.unread


def test_a_segment_that_is_a_link_or_no_file_is_named_and_the_others_are_taken(folder):
    secret = folder / "secret"
    secret.write_text('{"kind": "prediction", "id": 9}\n')
    spool = folder / "spool" / "m"
    (spool / "0-link.jsonl").symlink_to(secret)
    (spool / "0-link.open").symlink_to(secret)
    os.mkfifo(spool / "0-pipe.jsonl")
    rows, unread = taken(folder)
    assert rows == 2
    assert [name in said for name, said in zip(("link.open", "link.jsonl", "pipe.jsonl"), unread, strict=True)] == [
        True
    ] * 3
    assert peek(folder, "m")["id"].to_list() == [1]
    assert secret.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a file away")
def test_a_segment_of_a_user_who_is_not_trusted_is_named(folder):
    (segment,) = segments(folder)
    os.chown(segment, 12345, -1)
    rows, (said,) = taken(folder)
    assert rows == 0
    assert "user 12345" in said
    os.chown(folder, 12345, -1)
    assert taken(folder) == (2, [])


def test_a_spool_folder_that_is_a_link_is_not_written_to(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "m").symlink_to(elsewhere)
    log = Log(tmp_path, "m")
    log.predict(1, prediction=1)
    assert not log.close()
    assert any("link" in problem for problem in log.problems)
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "spool" / "m").unlink()
    assert log.close()
