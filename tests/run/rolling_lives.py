"""Rollouts to be killed at any step: python rolling_lives.py FOLDER, a line for each life.

A line is the folder of a project; each step is said when it begins and when it is done.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from tests.lives import serve_lives
from tests.run.invented import MODEL, day
from tests.run.retraining_lives import say_steps
from watchkeeper.core.plugins import plugins
from watchkeeper.run.project import open_project
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store

BEGINS, ENDS = 7, 17

STEPS = (
    ("watchkeeper.run.rollouts", "Rollouts.start"),
    ("watchkeeper.run.rollout_rows", "RolloutRows.seen"),
    ("watchkeeper.run.rollouts", "judge_rollout"),
    ("watchkeeper.maintain.store_registry", "load"),
    ("watchkeeper.store.lake", "LakeStore.record"),
)


def roll(folder: Path) -> None:
    """Begin the rollout unless that was done, and judge it day by day."""
    say_steps(STEPS)
    opened = open_project(folder / "watchkeeper.yaml", {})
    rollouts = opened.rollouts(MODEL)
    if rollouts.newest is None:
        rollouts.start("v2", who="test", at=day(BEGINS).start)
    for number in range(BEGINS + 1, ENDS):
        rollouts.advance(day(number).start)
    opened.close()


if __name__ == "__main__":
    for kind in ("statistic", "comparison", "metric", "estimator", "rule", "chart", "notifier", "trigger"):
        plugins(kind)
    for imported in ("scipy.stats", "skops.io", "sklearn.compose", "sklearn.linear_model"):
        import_module(imported)
    # No row is read or written here: threads of Polars and of Delta would not be there in what is forked.
    open_store(f"{sys.argv[1]}-first", encode=encode_state, decode=decode_state).close()
    serve_lives(lambda folder: roll(Path(folder)))
