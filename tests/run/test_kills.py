"""Serving processes and runs that are killed again and again lose no row and double none."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import polars as pl
import pytest

from tests.lives import Lives
from tests.run import serving_lives, taking_lives
from tests.run.serving_lives import MODEL, promised

KILLS, MANY = 50, 1_000
MOMENT = "2024-03-06T00:00:00+00:00"


@pytest.mark.soak
@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs shared memory with names")
def test_no_row_is_lost_or_doubled_when_whoever_logs_and_whoever_takes_is_killed(
    tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    (tmp_path / "promised").mkdir()
    (tmp_path / "watchkeeper.yaml").write_text(taking_lives.CONFIG, encoding="utf-8")
    most, rng, kills = cases(KILLS, MANY), random.Random(20261201), Counter[str]()
    with Lives(serving_lives.__file__, tmp_path) as serving, Lives(taking_lives.__file__, tmp_path) as taking:
        life = _undisturbed(tmp_path, serving, taking)
        while kills.total() < most:
            serving.begin(f"life{kills['serving']}")
            taking.begin(MOMENT if kills.total() % 10 == 9 else "")
            first, second = rng.uniform(0, 0.03), rng.uniform(0, life)
            _kill_at({first: serving, second: taking})
            assert serving.end() == -9
            assert taking.end() in (0, -9)
            kills.update(serving=1, taking=int(taking.was_killed))
            _lapse(tmp_path)
        for _ in range(3):
            taking.begin(MOMENT)
            assert taking.end() == 0
    wanted, stored = promised(tmp_path), _stored(tmp_path)
    assert wanted - set(stored) == set()
    assert max(stored.values()) == 1
    # The store would set a row that came twice aside: none does.
    assert not (tmp_path / f"data/log/{MODEL}/quarantine").exists()
    # The last row of a process may have been logged without the process having lived to say so.
    assert len(set(stored) - wanted) <= kills["serving"]
    assert kills["taking"] > most / 8
    assert len(wanted) > 10 * kills["serving"]
    spool = tmp_path / "data" / "spool" / MODEL
    assert [path.name for path in spool.iterdir() if path.suffix != ".new"] == []


def _undisturbed(folder: Path, serving: Lives, taking: Lives) -> float:
    """Live once without a kill but for the end of the serving process; return how long taking took."""
    serving.begin("first")
    while len(promised(folder)) < serving_lives.ROWS:
        time.sleep(0.01)
    serving.kill()
    assert serving.end() == -9
    taking.begin()  # by now all is imported
    started = time.monotonic()
    assert taking.end() == 0
    return time.monotonic() - started


def _kill_at(lives: dict[float, Lives]) -> None:
    started = time.monotonic()
    for moment in sorted(lives):
        time.sleep(max(0.0, started + moment - time.monotonic()))
        lives[moment].kill()


def _lapse(folder: Path) -> None:
    """Let the lease of a run that was killed be over, as if its time had passed."""
    with closing(sqlite3.connect(folder / "data/watchkeeper.db")) as database, suppress(sqlite3.OperationalError):
        database.execute("UPDATE leases SET until = since")
        database.commit()


def _stored(folder: Path) -> Counter[str]:
    return Counter(pl.read_delta(str(folder / f"data/log/{MODEL}/predictions"))["id"].to_list())
