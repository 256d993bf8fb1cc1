"""A story of eleven days in which everything is decided that a model's log and its labels can lead to."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from tests.run.invented import DAY, MODEL, REFERENCE, START, TRAINING, day, deliver, rows

GLIMPSE, LATE, BROKEN, QUIET, TURN, SERVED, DRIFT, LAST = 4, 5, 6, 7, 8, 11, 13, 14
"""Days: one looks odd and no more, one is delivered late, on one the feed is broken, on one nothing happens, on one the
world turns; from the next on the answers know the world again, then z drifts; the last."""
TABLES = "reference", f"{QUIET:02}", f"{BROKEN:02}"
"""Files of predictions: the reference, one that is fine and one that is not."""

CONFIG = """\
store: {url: ./data}
models:
  sales:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {from: 2024-03-04, to: 2024-03-08}
    columns: {id: id, time: time, prediction: prediction, score: score, label: label, features: [x, z, plan]}
    positive: "1"
    segments: [plan]
    windows: {every: 1d, grain: 1d, grace: 30m}
    notify: [{to: file, path: alerts.jsonl}]
    maintain:
      train: training:train
      promote: auto
      holdout: 12h
      label_delay: 1h
      min_rows: 100
"""


def arrived(number: int) -> pl.DataFrame:
    """Return the rows of a day as they come in."""
    frame = rows(number, number + 1, turn=TURN, count=600)
    if number == BROKEN:
        # The feed sends x in another unit and forgets a quarter of the plans.
        known = pl.int_range(pl.len()) % 4 > 0
        frame = frame.with_columns(pl.col("x") * 1_000, plan=pl.when(known).then("plan"))
    if number == GLIMPSE or number >= DRIFT:
        frame = frame.with_columns(pl.col("z") + 0.5)
    if number >= SERVED:
        frame = frame.with_columns(score=1 - pl.col("score"), prediction=1 - pl.col("prediction"))
    return frame


def play(folder: Path) -> list[str]:
    """Play it, with retrainings, a challenger that learned shuffled labels and a rehearsed rollback.

    Returns
    -------
    list of str
        The sentence of each alert.
    """
    from watchkeeper.core.alert import Alert
    from watchkeeper.run.project import open_project
    from watchkeeper.words.alerts import alert_sentence

    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True)
    (folder / "training.py").write_text(TRAINING, encoding="utf-8")
    (folder / "watchkeeper.yaml").write_text(CONFIG, encoding="utf-8")
    sys.path.insert(0, str(folder))
    from training import shuffle, train

    parts = [arrived(number) for number in range(LAST + 1)]
    first = pl.concat(parts[:REFERENCE])
    deliver(folder, "reference", first, first)
    project = open_project(folder / "watchkeeper.yaml", {})
    keeper = project.keeper(MODEL)
    keeper.adopt(train(first, 0), day(REFERENCE).start, trained=_between(0, REFERENCE), who="test", why="the first")
    for number in range(REFERENCE, LAST + 1):
        for part in {LATE: [], LATE + 1: [LATE, LATE + 1]}.get(number, [number]):
            deliver(folder, f"{part:02}", parts[part], parts[part])
        project.run(MODEL, day(number).end + timedelta(hours=1))
    end, bad = day(LAST).end, shuffle(pl.concat(parts[TURN:LAST]), 0)
    keeper.judge(bad, _between(TURN, LAST), end + timedelta(hours=1), who="test", why="learned shuffled labels")
    champion = keeper.champion or ""
    keeper.roll_back(who="test", why="drill", at=end)
    keeper.promote(champion, who="test", why="drill is over", at=end + timedelta(minutes=5))
    lines = [alert_sentence(alert) for alert in project.store.recorded(MODEL, Alert)]
    project.close()
    return lines


def _between(first: int, end: int) -> Any:
    from watchkeeper.core.window import Window

    return Window(START + first * DAY, START + end * DAY)
