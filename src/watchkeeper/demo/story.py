"""The year 2013, told week by week: what was seen, what was done, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import AlertState, Cause
from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import Window
from watchkeeper.demo.flights import FEATURES, LATE_MINUTES, between, break_feed, load_flights
from watchkeeper.demo.training import train
from watchkeeper.run.keep import Maintainer
from watchkeeper.run.once import RunResult
from watchkeeper.run.project import Project, open_project
from watchkeeper.words.actions import first_ground, ground_sentence
from watchkeeper.words.alerts import alert_sentence

__all__ = ["INJECTED", "MODEL", "Story", "tell"]

MODEL = "flights"
_FIRST = datetime(2013, 1, 1, tzinfo=UTC)
_SERVED = datetime(2013, 3, 4, tzinfo=UTC)
_TRAINED = datetime(2013, 3, 1, tzinfo=UTC)
_END = datetime(2013, 12, 30, tzinfo=UTC)
_WEEK = timedelta(weeks=1)
_LATE_LABELS = timedelta(days=1)
_BROKEN = datetime(2013, 5, 13, tzinfo=UTC)
_BAD = datetime(2013, 9, 2, tzinfo=UTC)
_DRILL = datetime(2013, 12, 2, tzinfo=UTC)
_MARK = ".watchkeeper-demo"

INJECTED = (
    f"Injected: in the week of {_BROKEN:%d %B} the feed sent distance in kilometres and a tenth of the origins empty.",
    f"Injected: on {_BAD + timedelta(weeks=1):%d %B} a challenger that had learned shuffled labels was offered.",
    f"Injected: on {_DRILL + timedelta(weeks=1):%d %B} a rollback was rehearsed. Everything else is the data of 2013.",
)
"""What the demo stages, for the report."""

_CONFIG = """\
# What the demo watches. Try: watchkeeper status, watchkeeper versions, watchkeeper report
store:
  url: ./data
models:
  flights:
    source: incoming/predictions/*.parquet
    labels: incoming/labels/*.parquet
    reference: {{from: 2013-01-01, to: 2013-03-01}}
    columns:
      id: id
      time: time
      prediction: prediction
      score: score
      label: label
      version: version
      features: [{features}]
    segments: [origin]
    positive: "1"
    windows: {{every: 1w, grain: 1w}}
    notify: [{{to: file, path: {alerts}}}]
    maintain:
      train: watchkeeper.demo.training:train
      promote: auto
      schedule: never
      label_delay: 1d
"""

Say = Callable[[str], None]
Tick = Callable[[str, int, int], None]


@dataclass
class Story:
    """The demo in progress.

    Parameters
    ----------
    say
        Takes each line of the story.
    tick
        Takes (what, done, total) while it works.
    """

    folder: Path
    say: Say
    tick: Tick
    flights: pl.DataFrame = field(default_factory=pl.DataFrame)
    known: dict[str, AlertState] = field(default_factory=dict)

    def tell(self) -> Project:
        """Play the whole year and return the project it leaves behind."""
        self.tick("reading flights", 0, 1)
        self.flights = load_flights()
        _prepare(self.folder)
        self._reference()
        project = open_project(self.folder / "watchkeeper.yaml", {})
        keeper = project.keeper(MODEL)
        self._enrol(keeper)
        weeks = list(_weeks())
        for done, week in enumerate(weeks):
            self.tick(f"week of {week.start:%d %B}", done, len(weeks))
            self._serve(keeper, week)
            found = project.run(MODEL, week.end + _LATE_LABELS)
            self._narrate(week, found.ran, found.actions)
            if week.start == _BAD:
                self._bad_challenger(keeper, week)
            if week.start == _DRILL:
                self._drill(keeper, week)
        self.tick("done", len(weeks), len(weeks))
        self._ending(keeper)
        return project

    def _reference(self) -> None:
        """Log the first two months with answers from models that had not seen the week they answer for."""
        rows = between(self.flights, _FIRST, _SERVED)
        label = rows["label"]
        days = (rows["time"].dt.epoch("s") // 86_400).to_numpy()
        folds = (days - days.min()) // 7 % 4
        training = (rows["time"] < _TRAINED).to_numpy() & label.is_not_null().to_numpy()
        scores = np.empty(rows.height)
        for fold in range(4):
            model = train(rows.filter(pl.Series(training & (folds != fold))))
            asked = folds == fold
            scores[asked] = _scores(model, rows.filter(pl.Series(asked)))
        _deliver(self.folder, rows, scores, "v1", "2013-01-01")

    def _enrol(self, keeper: Maintainer) -> None:
        rows = between(self.flights, _FIRST, _TRAINED).drop_nulls("label")
        keeper.adopt(
            train(rows), _SERVED, trained=Window(_FIRST, _TRAINED), who="demo", why="trained on January and February"
        )
        late = rows["label"].mean()
        self.say(
            f"{_SERVED:%d %b}  v1 goes into service: trained on {rows.height:,} flights of January and February, "
            f"{float(late):.0%} of them over {LATE_MINUTES} minutes late"  # type: ignore[arg-type]
        )

    def _serve(self, keeper: Maintainer, week: Window) -> None:
        """Answer for a week of flights with the version in charge."""
        rows = between(self.flights, week.start, week.end)
        if week.start == _BROKEN:
            rows = break_feed(rows)
            self.say(
                f"{week.start:%d %b}  (injected: this week the feed sends distance in kilometres and a tenth of the "
                "origins empty)"
            )
        version = keeper.champion or ""
        _deliver(self.folder, rows, _scores(keeper.model(version), rows), version, f"{week.start:%Y-%m-%d}")

    def _narrate(self, week: Window, ran: RunResult, actions: Sequence[Action]) -> None:
        day = f"{week.end:%d %b}"
        for alert in ran.changed:
            if alert.state is AlertState.FIRING:
                self.say(f"{day}  {str(alert.severity).upper()} {alert.cause.value}: {alert_sentence(alert)}")
            elif alert.cause is not Cause.DRIFT:
                self.say(f"{day}  ended: {alert.cause.value} since {alert.since:%d %b}")
        for line in _lines(actions):
            self.say(f"{day}  {line}")

    def _bad_challenger(self, keeper: Maintainer, week: Window) -> None:
        """Offer a model that learned shuffled labels."""
        rows = between(self.flights, _FIRST, week.end - _WEEK - _LATE_LABELS).drop_nulls("label")
        shuffled = rows.with_columns(pl.col("label").shuffle(seed=1))
        trained = Window(_FIRST, week.end - _WEEK - _LATE_LABELS)
        actions = keeper.judge(
            train(shuffled), trained, week.end + _LATE_LABELS, who="demo", why="learned shuffled labels on purpose"
        )
        refused = next(a for a in actions if a.kind is ActionKind.VALIDATE)
        self.say(
            f"{week.end:%d %b}  (injected: a challenger that learned shuffled labels) {refused.version} "
            f"{refused.outcome.value}: {first_ground(refused)}"
        )

    def _drill(self, keeper: Maintainer, week: Window) -> None:
        """Roll back, and promote again."""
        now, before = week.end + _LATE_LABELS, keeper.champion
        try:
            back = keeper.roll_back(who="demo", why="drill", at=now)
        except UsageError as error:
            self.say(f"{week.end:%d %b}  drill: {error}")
            return
        self.say(f"{week.end:%d %b}  drill: rolled back from {before} to {back.version}; {before} promoted again")
        keeper.promote(before or "", who="demo", why="drill is over", at=now + timedelta(minutes=5))

    def _ending(self, keeper: Maintainer) -> None:
        rows = between(self.flights, _SERVED, _END).drop_nulls("label")
        logged = pl.scan_parquet(self.folder / "incoming" / "predictions" / "*.parquet")
        kept = rows.join(logged.select("id", "score", "version").collect(), on="id", maintain_order="left")
        alone = kept.with_columns(frozen=pl.Series(_scores(keeper.model("v1"), kept)))
        replaced = alone.filter(pl.col("version") != "v1")
        for words, held in (("since March", alone), ("since v1 was replaced", replaced)):
            if held.height:
                label, own, frozen = (held[name].to_numpy() for name in ("label", "score", "frozen"))
                self.say(
                    f"{_END:%d %b}  {held.height:,} flights {words}: log loss {log_loss(label, own):.3f} and AUROC "
                    f"{roc_auc_score(label, own):.3f}; left alone, v1 had {log_loss(label, frozen):.3f} and "
                    f"{roc_auc_score(label, frozen):.3f}"
                )


def tell(folder: Path, say: Say, tick: Tick) -> Project:
    """Play the flights of 2013 into ``folder`` and return the project that is left there.

    Raises
    ------
    SourceError
        When the package with the flights is not installed.
    UsageError
        When the folder holds something other than an earlier demo.
    """
    # A small model gains nothing from a second thread, and loses much where other programs want the processors.
    with threadpool_limits(1):
        return Story(folder, say, tick).tell()


def _weeks() -> Iterator[Window]:
    start = _SERVED
    while start < _END:
        yield Window(start, start + _WEEK)
        start += _WEEK


def _prepare(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(f"{folder} is not empty and holds no earlier demo; name another folder with --folder")
    rmtree(folder, ignore_errors=True)
    for name in ("predictions", "labels"):
        (folder / "incoming" / name).mkdir(parents=True)
    (folder / _MARK).touch()
    alerts = folder.absolute() / "alerts.jsonl"
    text = _CONFIG.format(features=", ".join(FEATURES), alerts=repr(str(alerts)))
    (folder / "watchkeeper.yaml").write_text(text, encoding="utf-8")


def _deliver(folder: Path, rows: pl.DataFrame, scores: NDArray[np.float64], version: str, name: str) -> None:
    """Leave predictions and labels as a prediction service and an airport would."""
    predictions = rows.select("id", "time", *FEATURES).with_columns(
        score=pl.Series(scores), prediction=pl.Series((scores >= 0.5).astype(np.int64)), version=pl.lit(version)
    )
    predictions.write_parquet(folder / "incoming" / "predictions" / f"{name}.parquet")
    labels = rows.select("id", "label").drop_nulls()
    labels.write_parquet(folder / "incoming" / "labels" / f"{name}.parquet")


def _scores(model: Any, rows: pl.DataFrame) -> NDArray[np.float64]:
    found: NDArray[np.float64] = model.predict_proba(rows.select(FEATURES))[:, 1]
    return found


def _lines(actions: Sequence[Action]) -> Iterator[str]:
    """Tell what was done: one line for what was held back, one for a retraining with its proof and its end."""
    told: list[str] = []
    for action in actions:
        first = first_ground(action)
        if action.kind is ActionKind.HOLD:
            yield f"retraining refused: {ground_sentence(action.because[0])}"
        elif action.kind is ActionKind.RETRAIN and action.outcome is Outcome.DONE:
            told.append(f"retrained {action.version}, {first}")
        elif action.kind is ActionKind.RETRAIN and action.outcome is not Outcome.PROPOSED:
            told.append(f"retraining {action.outcome.value}: {first}")
        elif action.kind is ActionKind.VALIDATE:
            told.append(f"{'proven' if action.outcome is Outcome.DONE else 'refused'}: {first}")
        elif action.kind is ActionKind.PROMOTE:
            told.append("promoted" if action.outcome is Outcome.DONE else f"waits: {first}")
    if told:
        yield "; ".join(told)
