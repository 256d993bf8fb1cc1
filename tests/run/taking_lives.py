"""A run that takes in what is logged: python taking_lives.py FOLDER, a line for each life: its moment, or nothing."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from tests.lives import serve_lives
from tests.run.serving_lives import MODEL
from watchkeeper.core.plugins import plugins
from watchkeeper.run.project import open_project
from watchkeeper.stats.codec import decode_state, encode_state
from watchkeeper.store.open import open_store

CONFIG = """\
store: {url: ./data}
models:
  m:
    columns: {id: id, time: time, prediction: prediction, features: [x, plan]}
    reference: {from: 2024-03-04, to: 2024-03-05}
    windows: {every: 1d}
"""


def take(folder: Path, moment: str) -> None:
    """Take in what is there; with a moment do all that a run does."""
    model = open_project(folder / "watchkeeper.yaml", {})
    if moment:
        model.run(MODEL, datetime.fromisoformat(moment))
    else:
        model.take_in(MODEL)
    model.close()


if __name__ == "__main__":
    for kind in ("statistic", "comparison", "metric", "estimator", "rule", "chart", "notifier", "trigger"):
        plugins(kind)
    # No row is read or written here: threads of Polars and of Delta would not be there in what is forked.
    open_store(f"{sys.argv[1]}-first", encode=encode_state, decode=decode_state).close()
    serve_lives(lambda moment: take(Path(sys.argv[1]), moment))
