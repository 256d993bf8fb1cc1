"""Where output goes: pipes that close, disks that are full, folders that are read-only, terminals and encodings."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from watchkeeper import api
from watchkeeper.cli.app import main
from watchkeeper.core.measurement import Measurement
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store

from .conftest import SCRIPT, Command, environment, parsed, table


@pytest.fixture
def moved(tmp_path: Path, pair: tuple[Path, Path]) -> list[str]:
    """Return the words of a check that finds drift."""
    table(3_000, 3, shift=0.3).write_parquet(tmp_path / "moved.parquet")
    return ["check", "moved.parquet", "-r", str(pair[1])]


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-o", "pipefail", "-c", line.replace("watchkeeper", SCRIPT)]
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def test_a_reader_that_goes_away_leaves_the_exit_code_as_it_is(tmp_path: Path, moved: list[str]) -> None:
    done = shell(f"watchkeeper {' '.join(moved)} --json | true", tmp_path)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_full_disk_behind_standard_output_is_told_and_is_no_alert(tmp_path: Path, moved: list[str]) -> None:
    done = shell(f"watchkeeper {' '.join(moved)} > /dev/full", tmp_path)
    assert done.returncode == 3
    assert done.stderr == "watchkeeper: standard output cannot be written: No space left on device\n"


def test_without_a_standard_output_the_exit_code_still_counts(tmp_path: Path, moved: list[str]) -> None:
    assert shell(f"watchkeeper {' '.join(moved)} >&- 2>&-", tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("option", "variables"),
    [("--json", {"PYTHONIOENCODING": "latin-1"}), ("--fail-on=page", {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})],
)
def test_any_encoding_of_the_terminal_will_do(
    installed: Command, pair: tuple[Path, Path], option: str, variables: dict[str, str]
) -> None:
    for path in pair:
        pl.read_parquet(path).rename({"amount": "größe 漢"}).write_parquet(path)
    done = installed("check", pair[0], "-r", pair[1], option, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    if option == "--json":
        assert any(m["column"] == "größe 漢" for m in parsed(done)["measurements"])


def on_a_terminal(words: list[str], folder: Path, **variables: str) -> tuple[int, str]:
    """Run the command with a terminal of 80 columns as all of its streams; return the exit code and what was shown."""
    ours, theirs = pty.openpty()
    variables = environment(TERM="xterm-256color", COLUMNS="80", **variables)
    with subprocess.Popen(
        [SCRIPT, *words], cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as done:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    return done.returncode, shown.decode()


def test_a_terminal_gets_colours_unless_it_asks_for_none(tmp_path: Path, moved: list[str]) -> None:
    code, shown = on_a_terminal(moved, tmp_path)
    assert code == 1
    assert "\x1b[1;31m▲ Alert" in shown
    code, shown = on_a_terminal(moved, tmp_path, NO_COLOR="1")
    assert code == 1
    assert "\x1b[1;31m" not in shown
    assert "▲ Alert" in shown


def test_a_log_file_gets_no_colours_and_no_progress(watchkeeper: Command, moved: list[str]) -> None:
    done = watchkeeper(*moved)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80


STOPS_AT = """
import os, signal, sys

place = sys.argv.pop(1)

def stop():
    sys.setprofile(None)
    os.kill(os.getpid(), signal.SIGSTOP)

def imported(event, arguments):
    global place
    if event == "import" and arguments[0] == place:
        place = ""
        stop()

def called(frame, event, argument):
    if event == "call" and f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}" == place:
        stop()

sys.addaudithook(imported)
sys.setprofile(called)
from watchkeeper.cli.app import main
main()
"""


@pytest.mark.parametrize(
    "place", ["polars.dataframe", "scipy", "watchkeeper.stats.summarise.summarise", "watchkeeper.steps.assess.assess"]
)
def test_an_interrupt_ends_with_130_and_no_traceback(pair: tuple[Path, Path], place: str) -> None:
    """The command stops at a place of its way, is interrupted there and goes on: nothing depends on its speed."""
    words = [sys.executable, "-c", STOPS_AT, place, "check", pair[0].name, "-r", pair[1].name, "--json"]
    with subprocess.Popen(
        words, cwd=pair[0].parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as done:
        _, status = os.waitpid(done.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"the command never came to {place}"
        done.send_signal(signal.SIGINT)
        done.send_signal(signal.SIGCONT)
        out, err = done.communicate()
    assert (done.returncode, out) == (130, "")
    assert err == "stopped; nothing is lost, start again to go on\n"


def test_a_page_without_a_place_is_refused_before_any_work(watchkeeper: Command, tmp_path: Path) -> None:
    for place, words in (("gone/page.html", "the folder gone does not exist"), (".", ". is a folder")):
        done = watchkeeper("check", "never-read.csv", "-r", "never-read.csv", "--html", place)
        assert done.returncode == 2
        assert words in done.stderr


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of a megabyte: permissions do not stop root, a mount does."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_page_that_does_not_fit_leaves_the_old_page_and_the_result(
    watchkeeper: Command, disk: Path, moved: list[str]
) -> None:
    page = disk / "page.html"
    page.write_text("the page of yesterday", encoding="utf-8")
    (disk / "filling").write_bytes(bytes(1_000_000))
    done = watchkeeper(*moved, "--json", "--html", page)
    assert done.returncode == 3
    assert parsed(done)["verdict"] == "alert"
    assert "page.html cannot be written: No space left on device" in done.stderr
    assert page.read_text(encoding="utf-8") == "the page of yesterday"
    assert {path.name for path in disk.iterdir()} == {"page.html", "filling"}


def test_a_full_store_says_so_and_goes_on_when_there_is_room(watchkeeper: Command, disk: Path) -> None:
    days = pl.datetime_range(pl.date(2024, 1, 1), pl.date(2024, 1, 4), "1m", eager=True)[:4_000]
    log = table(4_000, 1).with_columns(days.alias("at"))
    log.write_parquet(disk.parent / "log.parquet")
    words = ("init", "log.parquet", "--source", "log.parquet", "--model", "m", "--time", "at", "--id", "id")
    assert watchkeeper(*words).returncode == 0
    config = disk.parent / "watchkeeper.yaml"
    config.write_text(config.read_text("utf-8").replace("./watchkeeper-data", f"{disk}/store"), encoding="utf-8")
    (disk / "filling").write_bytes(bytes(700_000))
    done = watchkeeper("run", "--json")
    assert done.returncode == 3
    assert "the disk is full. Free some space and run again" in parsed(done)["error"]["message"]
    (disk / "filling").unlink()
    assert subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=False).returncode == 0
    assert watchkeeper("run").returncode == 0
    # Every row is there once, whatever the first attempt wrote.
    assert sum(rows_by_window(disk / "store")) == 4_000


def rows_by_window(store: Path) -> list[int]:
    with open_store(store, encode=encode_state, decode=decode_state) as opened:
        found = [m for m in opened.recorded("m", Measurement) if m.name == "rows" and m.segment == "all"]
    return [int(m.value or 0) for m in found]


def test_a_read_only_store_is_told_and_checking_needs_none(
    watchkeeper: Command, disk: Path, pair: tuple[Path, Path]
) -> None:
    days = pl.datetime_range(pl.date(2024, 1, 1), pl.date(2024, 1, 3), "10m", eager=True)[:200]
    table(200, 1).with_columns(days.alias("at")).write_csv(disk / "log.csv")
    assert watchkeeper("init", "log.csv", "--source", "log.csv", folder=disk).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for words in (["run"], ["status"], ["report"], ["versions"], ["promote", "v1"], ["rollback"]):
        done = watchkeeper(*words, folder=disk)
        assert done.returncode == 3, words
        assert "read-only" in done.stderr.lower()
    refused = watchkeeper("init", "log.csv", "-c", "second.yaml", folder=disk)
    assert (refused.returncode, "second.yaml cannot be written: Read-only" in refused.stderr) == (3, True)
    assert watchkeeper("check", pair[0], "-r", pair[1], folder=disk).returncode == 0
    assert watchkeeper("config", "show", folder=disk).returncode == 0


@pytest.mark.parametrize(
    "words",
    [["check", "a"], ["check", "a", "-r", "b"], ["run"], ["status"], ["versions"], ["promote", "v1"], ["rollback"],
     ["report"], ["config", "show"], ["nonsense"], ["check", "a", "-r", "b", "--tolerance", "much"]],
)  # fmt: skip
def test_with_json_standard_output_is_one_object_even_when_nothing_could_run(
    watchkeeper: Command, words: list[str]
) -> None:
    done = watchkeeper(*words, "--json")
    assert done.returncode in (2, 3)
    found = parsed(done)
    assert found["verdict"] == "failed"
    assert set(found["error"]) == {"kind", "message"}
    assert (found["measurements"], found["alerts"]) == ([], [])
    assert done.stderr


def test_a_fault_of_our_own_ends_with_3_and_asks_for_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(api, "check", broken)
    monkeypatch.setattr("sys.argv", ["watchkeeper", "check", "a", "-r", "b", "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 3
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["kind"] == "internal"
    assert "please report it" in shown.err
