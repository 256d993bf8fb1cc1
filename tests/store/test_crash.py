from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from watchkeeper.store.lake import LakeStore

from . import crash_run

STEPS, KILLS = 18, 50
"""Kills, of which each waits for a commit, and steps enough for them; ten times as many in ``make soak``."""


def _refused(folder: Path) -> list[str]:
    return sorted(pl.scan_delta(folder / "log/m/quarantine").collect()["row"].to_list())


@pytest.mark.soak
def test_a_run_killed_again_and_again_ends_where_an_undisturbed_one_does(
    opened: Callable[..., LakeStore], tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    steps, kills = cases(STEPS, 10 * STEPS), cases(KILLS, 10 * KILLS)
    undisturbed = opened("undisturbed")
    started = time.monotonic()
    crash_run.run(undisturbed, steps)
    a_commit = (time.monotonic() - started) / _commits(tmp_path / "undisturbed/log")
    expected = crash_run.everything(undisturbed)
    assert len(expected["rows"]["id"]) == steps * crash_run.ROWS - len(_refused(tmp_path / "undisturbed"))  # type: ignore[index]

    command = [sys.executable, crash_run.__file__, str(tmp_path / "killed"), str(steps)]
    log = tmp_path / "killed/log"
    rng, reached, ended = random.Random(20240301), [0], -signal.SIGKILL
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runs:
        assert runs.stdin is not None
        assert runs.stdout is not None
        while ended == -signal.SIGKILL:
            print(file=runs.stdin, flush=True)
            process = int(runs.stdout.readline())
            if len(reached) < kills:
                _wait(log, patience=rng.uniform(0, 1) if len(reached) < 3 else 600)
                time.sleep(rng.uniform(0, a_commit))
                os.kill(process, signal.SIGKILL)
                reached.append(_commits(log))
            ended = int(runs.stdout.readline())
        runs.stdin.close()
    assert ended == 0
    assert len(set(reached)) > 0.8 * kills, "the run was not killed at different stages"
    assert crash_run.everything(opened("killed")) == expected
    assert _refused(tmp_path / "killed") == _refused(tmp_path / "undisturbed")


def _commits(log: Path) -> int:
    return sum(1 for _ in log.glob("m/*/_delta_log/*.json"))


def _wait(log: Path, patience: float) -> None:
    """Wait for the next commit: what a run does before that it does at every start."""
    before, end = _commits(log), time.monotonic() + patience
    while _commits(log) == before and time.monotonic() < end:
        time.sleep(0.004)
