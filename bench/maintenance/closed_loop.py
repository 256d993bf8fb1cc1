"""A model that is kept as a user's is: its champion answers each day, labels come late, runs are made at midnight."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from bench.maintenance.streams import DAY, START, Stream
from watchkeeper.config.configuration import load_config
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.window import Window
from watchkeeper.run.project import Project
from watchkeeper.store.memory import MemoryStore

__all__ = ["Played", "play", "row_losses", "trainer_of"]

MODEL = "kept"

_CONFIG = """\
store: {{url: ./data}}
models:
  kept:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {{from: {first}, to: {end}}}
    columns: {{id: id, time: time, prediction: prediction, {score}label: label, features: [{features}]}}
    {task}
    windows: {{every: 1d, grain: 1d}}
    estimate: never
    notify: []
    {monitors}
    maintain: {{train: '{module}:train', promote: auto, label_delay: {delay}d{more}}}
"""

_LINEAR = """\
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = {features}


def train(rows, seed):
    model = {model}
    return make_pipeline(StandardScaler(), model).fit(rows.select(FEATURES), rows["label"])
"""


@dataclass
class Played:
    """What became of it.

    Attributes
    ----------
    losses
        Mean loss of each window after the reference.
    champions
        Who answered in each.
    actions
        All that was done.
    """

    losses: list[float] = field(default_factory=list)
    champions: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def days(self, kind: ActionKind, outcome: Outcome = Outcome.DONE) -> list[int]:
        """Return after which windows, the first after the reference being 0, something was done without a person."""
        own = [a for a in self.actions if a.kind is kind and a.outcome is outcome and a.who == "watchkeeper"]
        return [(a.at - START) // DAY for a in own if a.at]


def row_losses(stream: Stream, label: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Return the log loss of each row, or its absolute error."""
    if not stream.classes:
        return np.abs(label - answer)
    return -np.log(np.clip(np.where(label == 1, answer, 1 - answer), 1e-15, 1))


def answered(stream: Stream, model: object, rows: pl.DataFrame) -> np.ndarray:
    """Return the score of the positive class, or the prediction."""
    asked = rows.select(stream.features)
    return model.predict_proba(asked)[:, 1] if stream.classes else model.predict(asked)


def trainer_of(stream: Stream, folder: Path) -> str:
    """Write the training module and return its name."""
    name = f"training_{abs(hash(str(folder)))}"
    model = "LogisticRegression()" if stream.classes else "LinearRegression()"
    (folder / f"{name}.py").write_text(_LINEAR.format(features=stream.features, model=model), encoding="utf-8")
    return name


def play(
    stream: Stream, folder: Path, *, delay: int = 1, more: str = "", monitors: str = "", until: int | None = None
) -> Played:
    """Keep a model over a stream and return what became of it.

    Parameters
    ----------
    delay
        Days that labels take.
    more
        Further entries of ``maintain``, each after a comma.
    monitors
        What is watched, as the configuration has it; the default monitors without.
    until
        Windows after the reference to play; None for all.
    """
    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True)
    module = trainer_of(stream, folder)
    end = START + stream.reference * DAY
    config = _CONFIG.format(
        first=f"{START:%Y-%m-%d}", end=f"{end:%Y-%m-%d}", features=", ".join(stream.features), module=module,
        delay=delay, more=more, monitors=monitors, score="score: score, " if stream.classes else "",
        task='positive: "1"' if stream.classes else "task: regression",
    )  # fmt: skip
    (folder / "watchkeeper.yaml").write_text(config, encoding="utf-8")
    sys.path.insert(0, str(folder))
    train = importlib.import_module(module).train
    first = train(pl.concat(stream.days[: stream.reference]), 0)
    model, played, reference = first, Played(), stream.days[: stream.reference]
    _deliver(folder, "reference", [_predicted(stream, first, one) for one in reference], list(reference))
    project = Project(load_config(folder / "watchkeeper.yaml", environ={}), folder, MemoryStore())
    keeper = project.keeper(MODEL)
    keeper.adopt(first, end, trained=Window(START, end), who="bench", why="the first")
    last = len(stream.days) if until is None else stream.reference + until
    for number in range(stream.reference, last):
        rows = stream.days[number]
        champion = keeper.champion or ""
        if not played.champions or champion != played.champions[-1]:
            model = keeper.model(champion)
        played.champions.append(champion)
        lost = row_losses(stream, rows["label"].to_numpy(), answered(stream, model, rows))
        played.losses.append(float(lost.mean()))
        known = number - delay
        _deliver(
            folder, f"{number:03d}", [_predicted(stream, model, rows)],
            [stream.days[known]] if known >= stream.reference else [],
        )  # fmt: skip
        played.actions.extend(project.run(MODEL, START + (number + 1) * DAY).actions)
    sys.path.remove(str(folder))
    return played


def _predicted(stream: Stream, model: object, rows: pl.DataFrame) -> pl.DataFrame:
    answer = answered(stream, model, rows)
    if not stream.classes:
        return rows.with_columns(prediction=pl.Series(answer))
    return rows.with_columns(score=pl.Series(answer), prediction=pl.Series((answer >= 0.5).astype(np.int64)))


def _deliver(folder: Path, name: str, predictions: list[pl.DataFrame], labels: list[pl.DataFrame]) -> None:
    pl.concat(predictions).drop("label").write_parquet(folder / "incoming/predictions" / f"{name}.parquet")
    if labels:
        pl.concat(labels).select("id", "label").write_parquet(folder / "incoming/labels" / f"{name}.parquet")
