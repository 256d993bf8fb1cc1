"""An invented model of which everything is known: its columns, the day its world turned, and what arrives when."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from watchkeeper.config.configuration import load_config
from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.remembered import Remembered
from watchkeeper.core.signal import Signal
from watchkeeper.core.store import AuditEvent, Store
from watchkeeper.core.window import Window
from watchkeeper.run.project import Project
from watchkeeper.stats.codec import encode_state
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.nouns import to_json

MODEL = "sales"
START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
ROWS = 300
REFERENCE = 4
"""Days that serve as reference and as phase I of the charts."""

CONFIG = """\
store: {{url: ./data}}
models:
  sales:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {{from: 2024-03-04, to: 2024-03-08}}
    columns: {{id: id, time: time, prediction: prediction, score: score, label: label, features: [x, z, plan]}}
    positive: "1"
    windows: {{every: 1d, grain: {grain}}}
    estimate: {estimate}
    monitors:
      only:
      - {{measure: auroc, chart: shewhart, cause: performance, options: {{side: lower, min_samples: 4}}}}
      - {{measure: ks, chart: tolerance, columns: [x, z], options: {{tolerance: 0.1, run_length: 1000, series: 5}}}}
      - {{measure: "null_rate", chart: tolerance, cause: data_fault, options: {{always: 0.03, series: 5}}}}
      - {{measure: unit_change, chart: fixed, cause: data_fault, options: {{lower: 0.99, upper: 1.01}}}}
    notify: [{{to: file, path: alerts.jsonl}}]
    maintain:
      train: {train}
      retrain: {retrain}
      promote: {promote}
      schedule: {schedule}
      holdout: 12h
      label_delay: 1h
      min_rows: 100
      windows: [all, since_change]
      isolated: {isolated}
"""

TRAINING = """\
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def train(rows, seed):
    columns = make_column_transformer(("passthrough", ["x", "z"]), (OneHotEncoder(handle_unknown="ignore"), ["plan"]))
    return make_pipeline(columns, LogisticRegression(random_state=seed)).fit(rows, rows["label"])


def fail(rows, seed):
    raise ValueError("the warehouse has moved")


def shuffle(rows, seed):
    return train(rows.with_columns(pl.col("label").shuffle(seed=seed)), seed)
"""


def day(number: int) -> Window:
    """Return a day of the story, the first being 0."""
    return Window(START + number * DAY, START + (number + 1) * DAY)


def rows(first: int, end: int, *, turn: int = 99, count: int = ROWS) -> pl.DataFrame:
    """Return the days ``first`` to ``end``, exclusively; from the day ``turn`` on x means the opposite of before.

    The answers are those of a model that knows the world as it was before.
    """
    frames = []
    for number in range(first, end):
        rng = np.random.default_rng([20240304, number])
        x, z, u = rng.normal(size=count), rng.normal(size=count), rng.random(count)
        plan = rng.choice(["basic", "plus", "pro"], count, p=[0.5, 0.3, 0.2])
        known = 1.8 * x + 0.6 * (plan == "pro")
        true = known if number < turn else -known
        score = 1 / (1 + np.exp(-known))
        seconds = np.sort(rng.integers(0, 86_400, count))
        frames.append(
            pl.DataFrame(
                {
                    "id": [f"{number:03d}-{i:04d}" for i in range(count)],
                    "time": [START + number * DAY + timedelta(seconds=int(s)) for s in seconds],
                    "x": x,
                    "z": z,
                    "plan": plan,
                    "score": score,
                    "prediction": (score >= 0.5).astype(np.int64),
                    "label": (u < 1 / (1 + np.exp(-true))).astype(np.int64),
                }
            )
        )
    return pl.concat(frames)


CHOICES = {
    "promote": "auto",
    "schedule": "never",
    "retrain": "auto",
    "train": "training:train",
    "grain": "1d",
    "estimate": "scores",
    "isolated": "false",
}


def write(folder: Path, **config: str) -> Path:
    """Write the configuration, with other values for some of the choices, and the training module."""
    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True, exist_ok=True)
    (folder / "training.py").write_text(TRAINING, encoding="utf-8")
    place = folder / "watchkeeper.yaml"
    place.write_text(CONFIG.format(**{**CHOICES, **config}), encoding="utf-8")
    return place


def deliver(
    folder: Path, name: str, predictions: pl.DataFrame | None = None, labels: pl.DataFrame | None = None
) -> None:
    """Leave files where the project looks for them."""
    if predictions is not None:
        predictions.drop("label").write_parquet(folder / "incoming/predictions" / f"{name}.parquet")
    if labels is not None:
        labels.select("id", "label").write_parquet(folder / "incoming/labels" / f"{name}.parquet")


def project(folder: Path, store: Store | None = None) -> Project:
    """Open the project with a store of its own, which lives as long as the object."""
    return Project(load_config(folder / "watchkeeper.yaml", environ={}), folder, store or MemoryStore())


def lapse(folder: Path) -> None:
    """Let the leases of workers that were killed be over, as if their time had passed."""
    database = sqlite3.connect(folder / "data" / "watchkeeper.db")
    with suppress(sqlite3.OperationalError):  # a worker that died early left no tables
        database.execute("UPDATE leases SET until = since")
        database.commit()
    database.close()


def watch(folder: Path, store: Store | None = None, **config: str) -> Project:
    """Write the configuration and open it."""
    write(folder, **config)
    return project(folder, store)


def everything(model: Project) -> dict[str, list[str]]:
    """Return all that is recorded and stored of the model, as text; the audit trail must be whole."""
    store = model.store
    assert model.audit_breaks(MODEL) == []
    kinds = (Measurement, Signal, Alert, Diagnosis, Action)
    nouns = {k.__name__: [to_json(n) for n in store.recorded(MODEL, k)] for k in kinds}
    links = [event.hash for event in store.recorded(MODEL, AuditEvent)]
    ever = Window(START - 400 * DAY, START + 400 * DAY)
    states = {**store.states(MODEL, ever), **store.states(MODEL, None)}
    folded = [f"{key} {encode_state(state).hex()}" for key, state in states.items()]
    memories = store.recorded(MODEL, Remembered)
    remembered = [json.dumps([str(m.window), s.series, json.loads(s.body)]) for m in memories for s in m.series]
    pointers = [store.pointer(MODEL, name) or "" for name in ("champion", "place", "reference")]
    told = [store.pointer(MODEL, "notified/seen") or ""]
    derived = {
        "audit": links,
        "states": sorted(folded),
        "remembered": remembered,
        "pointers": pointers,
        "notified": told,
    }
    return {**nouns, **derived}


def values(store: Store, name: str, segment: str = "all") -> dict[int, Measurement]:
    """Return the measurements of that name by day; estimates are left out."""
    found = [m for m in store.recorded(MODEL, Measurement) if m.name == name and m.segment == segment]
    found = [m for m in found if m.family is not Family.ESTIMATE]
    return {(m.window.start - START) // DAY: m for m in found if m.window is not None}


def alerts(store: Store, cause: Cause) -> list[Alert]:
    """Return the alerts of a cause, oldest first."""
    return [alert for alert in store.recorded(MODEL, Alert) if alert.cause is cause]
