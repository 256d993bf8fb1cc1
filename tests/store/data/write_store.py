"""Writes the store that tests open to see whether what an earlier version has stored goes on.

Usage: python write_store.py FOLDER: makes a project in FOLDER, plays 15 days of an invented model there with the
version of Watchkeeper that is installed, and writes FOLDER.json: what is stored, and what a copy says of three more
days.
``store-0.1.0.tar.xz`` and ``store-0.1.0.json`` were made by version 0.1.0 at commit 513d103::

    git worktree add ../watchkeeper-0.1.0 513d103
    python -m venv ../venv-0.1.0 && ../venv-0.1.0/bin/pip install ../watchkeeper-0.1.0
    ../venv-0.1.0/bin/python tests/store/data/write_store.py store-0.1.0
    XZ_OPT=-9e tar --sort=name --owner=0 --group=0 -cJf tests/store/data/store-0.1.0.tar.xz store-0.1.0

The story: a reference of 22 days in a file; then nulls in ``z`` on day 3 (a data fault that fires and ends), ``z``
shifted on day 6 (drift that does not persist), no rows on day 8 (blind, and withdrawn when they come a day late),
from day 10 on ``x`` means the opposite (performance falls, the model is retrained and put in charge, rolled back by
hand, and put in charge again, twice, which freezes automation), and on day 14 ``z`` shifted again (drift that waits for
the next day).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MODEL = "sales"
START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
ROWS = 36
REFERENCE, GAP, TURN, END, MORE = -22, 8, 10, 15, 3

CONFIG = """\
store: {url: ./data}
models:
  sales:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {source: reference.parquet}
    columns:
      {id: id, time: time, prediction: prediction, score: score, label: label, version: version, features: [x, z, plan]}
    positive: "1"
    windows: {every: 1d, grain: 1d}
    estimate: never
    alerts: {k: 2, n: 3, clear: 2}
    monitors:
      - {measure: auroc, cause: performance}
      - {measure: log_loss, chart: shewhart, cause: performance, options: {side: upper, min_samples: 8}}
      - {measure: accuracy, chart: ewma, cause: performance, options: {side: lower, min_samples: 8}}
      - {measure: brier, chart: cusum, cause: performance, options: {side: upper, min_samples: 8}}
      - {measure: recall, chart: shiryaev_roberts, cause: performance, options: {side: lower, min_samples: 8}}
      - {measure: f1, chart: quantile, cause: performance, options: {side: lower, min_samples: 8}}
      - {measure: log_loss, chart: harmful_shift, cause: performance}
      - {measure: accuracy, chart: t_squared, cause: performance, options: {min_samples: 8}}
      - {measure: precision, chart: mewma, cause: performance, options: {min_samples: 8}}
      - {measure: ks, chart: tolerance, columns: [x, z], options: {tolerance: 0.2, run_length: 1000, series: 4}}
      - {measure: shares, chart: e_detector, columns: [plan], options: {tolerance: 0.2}}
      - {measure: chi_square_test, chart: significance, columns: [plan], options: {tolerance: 0.1, series: 4}}
      - {measure: "null_rate", chart: tolerance, cause: data_fault, options: {always: 0.05, series: 4}}
      - {measure: unit_change, chart: fixed, cause: data_fault, options: {lower: 0.99, upper: 1.01}}
    notify: [{to: file, path: alerts.jsonl}]
    maintain:
      train: training:train
      promote: auto
      holdout: 1d
      label_delay: 1h
      min_rows: 30
      windows: [all, since_change]
"""

TRAINING = """\
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def train(rows, seed):
    columns = make_column_transformer(("passthrough", ["x"]), (OneHotEncoder(handle_unknown="ignore"), ["plan"]))
    return make_pipeline(columns, LogisticRegression(random_state=seed)).fit(rows, rows["label"])
"""


def day_of_rows(number: int) -> pl.DataFrame:
    """Return the rows of a day, the first being 0, with the answers of a model that knows the world before its turn."""
    rng = np.random.default_rng([20240304, 100 + number])
    x, z = rng.normal(size=ROWS).round(2), rng.normal(size=ROWS).round(2)
    u = rng.random(ROWS)
    plan = rng.choice(["basic", "plus"], ROWS, p=[0.6, 0.4])
    known = 1.8 * x + 0.6 * (plan == "plus")
    true = known if number < TURN else -known
    score = (1 / (1 + np.exp(-known))).round(3)
    seconds = np.sort(rng.integers(0, 86_400, ROWS))
    rows = pl.DataFrame(
        {
            "id": [f"{number:03d}-{i:03d}" for i in range(ROWS)],
            "time": [START + number * DAY + timedelta(seconds=int(s)) for s in seconds],
            "x": x,
            "z": z + 2.0 if number in (6, 14) else z,
            "plan": plan,
            "score": score,
            "prediction": (score >= 0.5).astype(np.int64),
            "version": ["v1"] * ROWS,
            "label": (u < 1 / (1 + np.exp(-true))).astype(np.int64),
        }
    )
    return rows.with_columns(z=pl.when(pl.int_range(ROWS) % 2 == 0).then(None).otherwise("z")) if number == 3 else rows


def deliver(folder: Path, first: int, end: int) -> None:
    """Leave the rows of days where the project looks for them."""
    rows = pl.concat([day_of_rows(number) for number in range(first, end)])
    rows.drop("label").write_parquet(folder / "incoming/predictions" / f"{first:03d}.parquet")
    rows.select("id", "label").write_parquet(folder / "incoming/labels" / f"{first:03d}.parquet")


def stored(store: Any) -> dict[str, Any]:
    """Return what must stay as it is: alerts, the audit chain, versions in charge and the bytes of states."""
    from watchkeeper.core.alert import Alert
    from watchkeeper.core.store import AuditEvent
    from watchkeeper.core.window import Window
    from watchkeeper.stats.codec import encode_state

    ever = Window(START - 400 * DAY, START + 400 * DAY)
    states = {**store.states(MODEL, ever), **store.states(MODEL, None)}
    alerts = store.recorded(MODEL, Alert)
    return {
        "alerts": [
            [a.id, a.cause.value, str(a.severity), a.state.value, *(d and d.isoformat() for d in (a.since, a.last))]
            for a in alerts
        ],
        "audit": [[event.number, event.hash, event.action.id] for event in store.recorded(MODEL, AuditEvent)],
        "champion": store.pointer(MODEL, "champion"),
        "states": {
            f"{key.window.start:%Y-%m-%d} {key.column}" if key.window else f"reference {key.column}": hashlib.sha256(
                encode_state(state)
            ).hexdigest()[:16]
            for key, state in sorted(states.items(), key=str)
        },
    }


def signals(store: Any, window: Any) -> list[list[Any]]:
    """Return the judged numbers of a window."""
    from watchkeeper.core.signal import Signal

    return sorted(
        [s.chart, m.family.value, m.name, m.column, m.value, bool(s.fired), s.centre, s.lower, s.upper]
        for s in store.recorded(MODEL, Signal)
        for m in [s.measurement]
        if m.window == window
    )


def go_on(folder: Path) -> dict[str, Any]:
    """Play three days more."""
    from watchkeeper.core.window import Window
    from watchkeeper.run.project import open_project

    project = open_project(folder / "watchkeeper.yaml", {})
    for number in range(END, END + MORE):
        deliver(folder, number, number + 1)
        project.run(MODEL, START + (number + 1) * DAY)
    days = [Window(START + number * DAY, START + (number + 1) * DAY) for number in range(END, END + MORE)]
    found = {**stored(project.store), "signals": [signals(project.store, day) for day in days]}
    project.close()
    return found


def main(folder: Path) -> None:
    """Play the story."""
    from watchkeeper.core.window import Window
    from watchkeeper.run.project import open_project

    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True)
    (folder / "training.py").write_text(TRAINING, encoding="utf-8")
    (folder / "watchkeeper.yaml").write_text(CONFIG, encoding="utf-8")
    known = pl.concat([day_of_rows(number) for number in range(REFERENCE, 0)])
    known.write_parquet(folder / "reference.parquet")
    os.utime(folder / "reference.parquet", (START.timestamp(), START.timestamp()))  # which an archive keeps exactly
    project = open_project(folder / "watchkeeper.yaml", {})
    keeper = project.keeper(MODEL)
    sys.path.insert(0, str(folder))
    from training import train

    trained = Window(START + REFERENCE * DAY, START)
    keeper.enrol(train(known, 0), START, trained=trained, who="test", why="the first")
    drills = 0
    for number in range(END):
        if number != GAP:
            deliver(folder, number, number + 1)
        if number == GAP + 1:
            deliver(folder, GAP, GAP + 1)
        now = START + (number + 1) * DAY
        done = project.run(MODEL, now)
        assert not done.problems, done.problems
        if drills < 2 and any(action.kind.value == "promote" for action in done.actions):
            drills += 1
            keeper.roll_back(who="test", why="drill", at=now)
            keeper.promote(keeper.versions()[-1].name, who="test", why="drill is over", at=now + timedelta(minutes=5))
    found = stored(project.store)
    project.close()
    for file in (folder / "incoming").glob("*/*"):
        file.unlink()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    copy = shutil.copytree(folder, folder.with_name(f"{folder.name}-on"))
    text = json.dumps({"stored": found, "went_on": go_on(copy)})
    Path(f"{folder}.json").write_text(text.replace("], [", "],\n[") + "\n", encoding="utf-8")
    shutil.rmtree(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
