"""A story to be killed at any moment and started again: a gap, a turn of the world, late rows and a retraining.

Usage: python crash_story.py FOLDER NOW: runs the project of the folder once, as of the moment NOW, and prints an
exclamation mark for each write to the store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tests.run.invented import MODEL, START, day, deliver, rows
from watchkeeper.core.window import Window
from watchkeeper.run.project import Project, open_project

PARTS = {day(7).start: 0, day(9).start: 1}
"""What has been delivered by when."""


@cache
def whole() -> pl.DataFrame:
    """Return all rows."""
    return rows(0, 9, turn=5, count=200)


def bring(folder: Path, part: int) -> None:
    """Leave the files of a part: first seven days without the sixth, then that and two more."""
    missed = pl.col("time").is_between(day(5).start, day(6).start, closed="left")
    first = pl.col("time") < day(7).start
    for number, kept in enumerate((first & ~missed, missed | ~first)):
        if number <= part:
            found = whole().filter(kept)
            deliver(folder, f"{number}", found, found)


def step(model: Project, now: datetime) -> None:
    """Do what an operator does: put the first model in charge once, and run."""
    keeper = model.keeper(MODEL)
    if keeper.champion is None:
        sys.path.insert(0, str(model.folder))
        from training import train

        reference = Window(START, day(4).start)
        fitted = train(whole().filter(pl.col("time") < reference.end), 0)
        keeper.adopt(fitted, reference.end, trained=reference, who="test", why="the first")
    model.run(MODEL, now)


def announced(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return a write of the store that tells when it is done."""

    def told(*given: Any, **named: Any) -> Any:
        done = write(*given, **named)
        sys.stdout.write("!\n")
        sys.stdout.flush()
        return done

    return told


if __name__ == "__main__":
    opened = open_project(Path(sys.argv[1]) / "watchkeeper.yaml", {})
    for name in ("append", "put_states", "record"):
        setattr(opened.store, name, announced(getattr(opened.store, name)))
    step(opened, datetime.fromisoformat(sys.argv[2]))
    opened.close()
