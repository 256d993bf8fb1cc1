"""A rollout that is killed at any step leaves one champion, and goes on where it stood."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from tests.lives import Lives
from watchkeeper.core.provenance import Tenure
from watchkeeper.maintain.rollout import RolloutState
from watchkeeper.maintain.store_registry import Draft
from watchkeeper.run.audit import audit_faults
from watchkeeper.run.project import open_project

from . import rolling_lives
from .invented import MODEL, REFERENCE, day, deliver, rows, write

KILLS, MANY = 5, 50
_STRIDE = 7
WHOLE = rows(0, rolling_lives.ENDS, count=150)


def prepare(folder: Path) -> Path:
    """Write a project with a champion that has learned shuffled labels, and a challenger that has learned the world."""
    folder.mkdir()
    write(folder)
    place = folder / "watchkeeper.yaml"
    place.write_text(place.read_text() + "      rollout: {stages: [shadow, 50%, 100%], watch: 1d}\n")
    deliver(folder, "all", WHOLE, WHOLE)
    sys.path.insert(0, str(folder))
    from training import train

    opened = open_project(place, {})
    opened.take_in(MODEL)
    registry, learned = opened.keeper(MODEL).registry, WHOLE.filter(pl.col("time") < day(REFERENCE).start)
    for labels in (pl.col("label").shuffle(seed=1), pl.col("label")):
        registry.register(Draft(train(learned.with_columns(labels), 0), day(REFERENCE).start, "test", "by hand"))
    registry.promote("v1", who="test", why="the first", at=day(REFERENCE).start)
    opened.close()
    sys.path.remove(str(folder))
    sys.modules.pop("training", None)
    return folder


@pytest.mark.soak
def test_a_rollout_that_is_killed_at_any_step_goes_on_where_it_stood(
    tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    most, rng, killed = cases(KILLS, MANY), random.Random(20261201), 0
    prepared = prepare(tmp_path / "prepared")
    with Lives(rolling_lives.__file__, tmp_path / "store") as lives:
        whole = copytree(prepared, tmp_path / "undisturbed")
        lives.begin(whole)
        steps = [line for line in lives.said() if line.startswith(("begins", "done"))]
        assert lives.ended == 0
        rows_compared = check_in_the_end(whole)
        for number in range(most):
            folder = copytree(prepared, tmp_path / f"{number}")
            lives.begin(folder)
            step = number * _STRIDE % len(steps) if most < len(steps) else number * len(steps) // most
            for count, _ in enumerate(line for line in lives.said() if line.startswith(("begins", "done"))):
                if count == step:
                    time.sleep(rng.uniform(0, 0.01) if number % 2 else 0.0)
                    lives.kill()
            killed += lives.was_killed
            check_between(folder)
            lives.begin(folder)
            assert lives.end() == 0
            # Every labelled row has counted once.
            assert check_in_the_end(folder) == rows_compared
    assert killed > most * 0.8


def check_between(folder: Path) -> None:
    """Whoever is in charge is so by the pointers, the history and the audit trail alike, and can be loaded."""
    opened = open_project(folder / "watchkeeper.yaml", {})
    registry = opened.keeper(MODEL).registry
    champion, rollout = opened.keeper(MODEL).champion, opened.rollouts(MODEL).newest
    assert champion == ("v2" if rollout is not None and rollout.promoted else "v1")
    registry.load(champion)
    assert audit_faults(opened.store, MODEL) == []
    moved = [t.version for t in opened.store.recorded(MODEL, Tenure) if t.role == "champion"]
    assert moved == ["v1", "v2"][: len(moved)]
    assert moved[-1] == champion
    opened.close()


def check_in_the_end(folder: Path) -> int:
    """The challenger is in charge and its rollout complete; return the rows that were compared."""
    check_between(folder)
    opened = open_project(folder / "watchkeeper.yaml", {})
    rollout = opened.rollouts(MODEL).newest
    assert rollout is not None
    assert (rollout.state, opened.keeper(MODEL).champion) == (RolloutState.COMPLETE, "v2")
    opened.close()
    return rollout.evidence.better.n
