"""A story to be killed at any moment and started again: a gap, a turn of the world, late rows and a retraining.

Usage: python crash_story.py FOLDER. Each line on the standard input is a moment, as of which the project of the folder
is run once, in a process of its own: forked after the imports and after a first database so that starting costs little.
Its number is printed, an exclamation mark for each write to the store, and how it ended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from tests.lives import serve_lives
from tests.run.invented import MODEL, START, day, deliver, rows
from watchkeeper.core.plugins import plugins
from watchkeeper.core.window import Window
from watchkeeper.run.project import Project, open_project
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store

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


def run(folder: Path, now: datetime) -> None:
    """Run the project once and tell of each write."""
    opened = open_project(folder / "watchkeeper.yaml", {})
    for name in ("append", "put_states", "record"):
        setattr(opened.store, name, announced(getattr(opened.store, name)))
    step(opened, now)
    opened.close()


if __name__ == "__main__":
    for kind in ("statistic", "comparison", "metric", "estimator", "rule", "chart", "notifier", "trigger"):
        plugins(kind)
    for name in ("scipy.stats", "skops.io", "sklearn.compose", "sklearn.ensemble", "sklearn.linear_model"):
        import_module(name)
    # No row is read or written here: threads of Polars and of Delta would not be there in what is forked.
    open_store(f"{sys.argv[1]}-first", encode=encode_state, decode=decode_state).close()
    serve_lives(lambda moment: run(Path(sys.argv[1]), datetime.fromisoformat(moment)))
