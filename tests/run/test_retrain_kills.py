"""A run that is killed at any step of a retraining leaves one champion, and is taken up by the next."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest

from tests.lives import Lives
from watchkeeper.core.provenance import Tenure
from watchkeeper.run.artefacts import remove_unnamed_artefacts
from watchkeeper.run.audit import audit_faults
from watchkeeper.run.project import Project, open_project

from . import retraining_lives
from .invented import MODEL, REFERENCE, day, deliver, lapse, rows, write

KILLS, MANY = 12, 50
_STRIDE = 7
WHOLE = rows(0, 9, turn=7, count=200)


def prepare(folder: Path, isolated: str) -> Path:
    """Write a project whose world turns, and watch it up to the day before it is noticed."""
    folder.mkdir()
    write(folder, isolated=isolated)
    deliver(folder, "all", WHOLE, WHOLE)
    sys.path.insert(0, str(folder))
    from training import train

    opened = open_project(folder / "watchkeeper.yaml", {})
    first = WHOLE.filter(pl.col("time") < day(REFERENCE).start)
    opened.keeper(MODEL).adopt(train(first, 0), day(REFERENCE).start, trained=None, who="test", why="the first")
    opened.run(MODEL, day(8).start)
    opened.close()
    sys.path.remove(str(folder))
    sys.modules.pop("training", None)
    return folder


@pytest.mark.soak
def test_a_retraining_that_is_killed_at_any_step_is_taken_up_and_leaves_nothing(
    tmp_path: Path, cases: Callable[[int, int], int]
) -> None:
    most, rng, killed_at = cases(KILLS, MANY), random.Random(20261130), dict[str, int]()
    prepared = {isolated: prepare(tmp_path / isolated, isolated) for isolated in ("false", "true")}
    with Lives(retraining_lives.__file__, tmp_path / "store") as lives:
        steps = undisturbed(lives, copytree(prepared["false"], tmp_path / "undisturbed"))
        for number in range(most):
            # A process of its own for the training takes long to start: every tenth has one.
            folder = copytree(prepared["true" if number % 10 == 9 else "false"], tmp_path / f"{number}")
            # Steps that are far apart come first, so that few cases are spread over all of them.
            step = number * _STRIDE % len(steps)
            lives.begin(folder)
            kill_at(lives, step, rng.uniform(0, 0.03) if number % 2 else 0.0)
            if lives.was_killed:
                killed_at[steps[step]] = killed_at.get(steps[step], 0) + 1
            check_between(folder)
            lapse(folder)
            lives.begin(folder)
            assert lives.end() == 0
            check_in_the_end(folder)
    assert sum(killed_at.values()) > most * 0.8
    if most > len(steps):
        assert {name.partition(" ")[2] for name in killed_at} == {name for _, name in retraining_lives.STEPS}


def undisturbed(lives: Lives, folder: Path) -> list[str]:
    """Live once without a kill; return the steps from the first training on."""
    lives.begin(folder)
    said = [line for line in lives.said() if line.startswith(("begins", "done"))]
    assert lives.ended == 0
    check_in_the_end(folder)
    return said


def kill_at(lives: Lives, step: int, pause: float) -> None:
    """Kill the life a moment after it has said so many steps; let it end where it says fewer."""
    count = 0
    for line in lives.said():
        if line.startswith(("begins", "done")):
            if count == step:
                time.sleep(pause)
                lives.kill()
            count += 1


def check_between(folder: Path) -> None:
    """Nothing is half-promoted: whoever is in charge can be loaded, and the records agree with the audit trail."""
    opened = open_project(folder / "watchkeeper.yaml", {})
    registry = opened.keeper(MODEL).registry
    champion = opened.keeper(MODEL).champion
    assert champion in ("v1", "v2")
    registry.load(champion)
    assert audit_faults(opened.store, MODEL) == []
    moved = [t.version for t in opened.store.recorded(MODEL, Tenure) if t.role == "champion"]
    assert moved == ["v1", "v2"][: len(moved)]
    assert moved[-1] == champion
    opened.close()


def check_in_the_end(folder: Path) -> None:
    """One champion and each version once, no file that no version names, nothing on its way, the chain whole."""
    opened = open_project(folder / "watchkeeper.yaml", {})
    keeper = opened.keeper(MODEL)
    assert [(v.name, v.standing.value) for v in keeper.versions()] == [("v1", "retired"), ("v2", "champion")]
    assert keeper.champion == "v2"
    keeper.model("v2")
    assert audit_faults(opened.store, MODEL) == []
    check_files(opened)
    opened.close()


def check_files(opened: Project) -> None:
    named = {version.artefact for version in opened.keeper(MODEL).versions()}
    remove_unnamed_artefacts(opened, timedelta(0))
    assert {path.name.partition(".")[0] for path in (opened.folder / "data/artefacts").iterdir()} == named
    assert list((opened.folder / "data/training" / MODEL).glob("work-*")) == []


def test_gc_removes_what_a_killed_training_left_and_no_training_that_goes_on(tmp_path: Path) -> None:
    write(tmp_path)
    opened = open_project(tmp_path / "watchkeeper.yaml", {})
    place = opened.folder / "data/training" / MODEL
    for name in ("work-1-killed", "work-2-going-on"):
        (place / name / "log").mkdir(parents=True)
        (place / name / "log/0.arrow").write_bytes(b"rows")
    os.utime(place / "work-1-killed/log/0.arrow", (0, 0))
    for folder in ("work-1-killed/log", "work-1-killed"):
        os.utime(place / folder, (0, 0))
    for dry_run in (True, False):
        gone = remove_unnamed_artefacts(opened, timedelta(hours=1), dry_run=dry_run)
        assert [(one.name, one.bytes) for one in gone] == [(f"training/{MODEL}/work-1-killed", 4)]
    assert [path.name for path in place.glob("work-*")] == ["work-2-going-on"]
    opened.close()
