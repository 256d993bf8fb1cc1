from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.lives import Lives
from watchkeeper.store.lake import LakeStore

from . import crash_run

STEPS, KILLS = 18, 50
"""Kills, of which each waits for a commit, and steps enough for them; ten times as many runs in ``make soak``."""


def _refused(folder: Path) -> list[str]:
    return sorted(pl.scan_delta(folder / "log/m/quarantine").collect()["row"].to_list())


@pytest.mark.soak
def test_a_run_killed_again_and_again_ends_where_an_undisturbed_one_does(
    opened: Callable[..., LakeStore], tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    undisturbed = opened("undisturbed")
    started = time.monotonic()
    crash_run.run(undisturbed, STEPS)
    a_commit = (time.monotonic() - started) / _commits(tmp_path / "undisturbed/log")
    expected, refused = crash_run.everything(undisturbed), _refused(tmp_path / "undisturbed")
    assert len(expected["rows"]["id"]) == STEPS * crash_run.ROWS - len(refused)
    for seed in range(cases(1, 10)):
        folder = tmp_path / f"killed-{seed}"
        reached = _killed(folder, random.Random(seed), a_commit)
        assert len(reached) > 0.8 * KILLS, "the run was not killed at different stages"
        assert crash_run.everything(opened(folder)) == expected
        assert _refused(folder) == refused


def _killed(folder: Path, rng: random.Random, a_commit: float) -> set[int]:
    """Start the run until it ends, and kill it after a commit each time; return after how many commits it died."""
    log, reached = folder / "log", [0]
    with Lives(crash_run.__file__, folder, STEPS) as lives:
        while lives.ended != 0:
            lives.begin()
            if len(reached) <= KILLS:
                _wait(lives, log, patience=rng.uniform(0, 1) if len(reached) < 3 else 600)
                time.sleep(rng.uniform(0, a_commit))
                lives.kill()
                reached.append(_commits(log))
            assert lives.end() in (0, -9)
    return set(reached)


def _commits(log: Path) -> int:
    return sum(1 for _ in log.glob("m/*/_delta_log/*.json"))


def _wait(lives: Lives, log: Path, patience: float) -> None:
    """Wait for the next commit, or for the end: what a run does before that it does at every start."""
    before, end = _commits(log), time.monotonic() + patience
    while _commits(log) == before and time.monotonic() < end and lives.alive:
        time.sleep(0.004)
