"""Runs that retrain, to be killed at any step: python retraining_lives.py FOLDER, a line for each life.

A line is the folder of a project. Each step of a run is said when it begins and when it is done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.lives import serve_lives
from tests.run.invented import MODEL, day
from watchkeeper.core.plugins import plugins
from watchkeeper.run.project import open_project
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store

STEPS = (
    ("watchkeeper.maintain.train", "Trainer.train"),
    ("watchkeeper.run.keep", "make_challenger"),
    ("watchkeeper.run.keep", "prove"),
    ("watchkeeper.maintain.store_registry", "save"),
    ("watchkeeper.maintain.artefact", "write_artefact"),
    ("watchkeeper.store.lake", "LakeStore.record"),
)


def say_steps(steps: tuple[tuple[str, str], ...] = STEPS) -> None:
    """Let each step say that it begins, and that it is done."""
    for module, name in steps:
        owner: Any = import_module(module)
        *above, last = name.split(".")
        for part in above:
            owner = getattr(owner, part)
        setattr(owner, last, _announced(name, getattr(owner, last)))


def _announced(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def said(*values: Any, **named: Any) -> Any:
        _say(f"begins {name}")
        done = work(*values, **named)
        _say(f"done {name}")
        return done

    return said


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def run(folder: Path) -> None:
    """Run the project up to the day on which it retrains."""
    say_steps()
    opened = open_project(folder / "watchkeeper.yaml", {})
    opened.run(MODEL, day(9).start)
    opened.close()


if __name__ == "__main__":
    for kind in ("statistic", "comparison", "metric", "estimator", "rule", "chart", "notifier", "trigger"):
        plugins(kind)
    for imported in ("scipy.stats", "skops.io", "sklearn.compose", "sklearn.ensemble", "sklearn.linear_model"):
        import_module(imported)
    # No row is read or written here: threads of Polars and of Delta would not be there in what is forked.
    open_store(f"{sys.argv[1]}-first", encode=encode_state, decode=decode_state).close()
    serve_lives(lambda folder: run(Path(folder)))
