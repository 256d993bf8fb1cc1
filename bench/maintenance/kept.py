"""A model that the default policy keeps, played with the very functions that decide in the product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from bench.maintenance.sets import WEEK
from bench.maintenance.streams import START, Stream
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.errors import TrainingError
from watchkeeper.core.ground import Ground
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.plugins import plugin
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import AlertRule, Maintenance, Spec
from watchkeeper.core.tasks import Task
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.maintain.awaiting import awaited, rows_wanted
from watchkeeper.maintain.challenger import Champion, Occasion, make_challenger, prove, refit
from watchkeeper.maintain.gate import GateResult
from watchkeeper.maintain.policy import WHO, hold, respond
from watchkeeper.maintain.registry import promote, register
from watchkeeper.maintain.standard import Aim, tries_since_promotion
from watchkeeper.maintain.train import Trainer, score_rows
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.steps.monitors import harm_options

__all__ = ["Fit", "Kept", "keep", "losses_of", "schema_of"]

MODEL = "kept"

Fit = Callable[[pl.DataFrame], Any]


@dataclass
class Kept:
    """What became of a stream: the mean loss of each window, its rows, after which windows was trained, and how often.

    Attributes
    ----------
    faults
        Trainings while a data fault was open.
    """

    losses: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    trained: list[int] = field(default_factory=list)
    promoted: list[int] = field(default_factory=list)
    fits: int = 0

    @property
    def total(self) -> float:
        """Loss of all rows together."""
        return float(np.dot(self.losses, self.rows))


def schema_of(stream: Stream) -> Schema:
    """Return the schema of a stream with a prediction and, of a classifier, a score."""
    label = stream.days[0]["label"]
    classes = tuple(str(v) for v in sorted(pl.concat(one["label"] for one in stream.days).unique())) * stream.classes
    task = Task.REGRESSION if not stream.classes else Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    kind = Kind.CATEGORICAL if stream.classes else Kind.NUMERIC
    known = [Column("id", Role.ID, Kind.IDENTIFIER), Column("time", Role.TIME, Kind.TIME)]
    known += [Column(name, Role.FEATURE, Kind.NUMERIC) for name in stream.features]
    known += [Column("prediction", Role.PREDICTION, kind), Column(label.name, Role.LABEL, kind)]
    known += [Column("score", Role.SCORE, Kind.NUMERIC)] if stream.classes else []
    return Schema(tuple(known), task, classes, "1" if task is Task.BINARY else None)


def losses_of(answered: pl.DataFrame, schema: Schema) -> np.ndarray:
    """Return log loss of two classes, error of several, absolute error of a number."""
    label = answered["label"].to_numpy()
    if schema.task is Task.REGRESSION:
        return np.abs(label - answered["prediction"].to_numpy())
    if schema.task is Task.MULTICLASS:
        return (label != answered["prediction"].to_numpy()).astype(float)
    score = np.clip(answered["score"].to_numpy(), 1e-15, 1 - 1e-15)
    return -np.log(np.where(label == 1, score, 1 - score))


@dataclass
class _Keeping:
    """The state of a model under the policy."""

    spec: Spec
    trainer: Trainer
    rows: pl.DataFrame
    actions: list[Action]
    models: dict[str, Any]
    champion: str
    fits: list[int]

    def respond(self, alerts: list[Alert], now: datetime, kept: Kept, number: int) -> None:
        """Do what the policy asks for at the end of a window."""
        memory = MaintenanceMemory(now, tuple(self.actions), self.champion)
        for action in respond(alerts, self.spec, memory):
            since, wanted = rows_wanted(action, alerts, memory, self.spec)
            waits = None
            if action.kind is ActionKind.RETRAIN and since is not None:
                frame = self.rows.filter(pl.col("time") >= since)
                waits = awaited([frame], self.spec, since, now, now, timedelta(0), wanted)
            if waits is not None and since is not None:
                self._note(hold(self.spec, since, waits, action.alert))
                continue
            self._note(action)
            if action.kind is ActionKind.RETRAIN:
                self._retrain(action, alerts, now, kept, number)

    def _note(self, action: Action) -> None:
        if all(a.id != action.id for a in self.actions):
            self.actions.append(action)

    def _retrain(self, proposal: Action, alerts: list[Alert], now: datetime, kept: Kept, number: int) -> None:
        kept.trained.append(number)
        change = next((a.since for a in alerts if a.id == proposal.alert), None)
        aim = Aim.SUPERIOR if proposal.alert else Aim.NON_INFERIOR
        occasion = Occasion(change, aim, tries_since_promotion(self.actions, aim) + 1)
        memory = MaintenanceMemory(now, tuple(self.actions), self.champion)
        trained = memory.version.trained if memory.version else None
        model, schema = self.models[self.champion], self.spec.schema
        against = Champion(lambda rows: score_rows(model, rows, schema), trained.end if trained else None)
        try:
            made = make_challenger(self.rows, self.spec, self.trainer, now, occasion, unseen=against.trained_until)
            result = prove(against, made, self.rows, self.spec, self.trainer, occasion)
            made = refit(made, self.rows, self.spec, self.trainer, occasion) if result.passed else made
        except TrainingError as error:
            self._note(replace(proposal, id=f"{proposal.id} failed", outcome=Outcome.FAILED, why=str(error)))
            return
        self._conclude(proposal, made.model, made.trained, result, now, kept, number)

    def _conclude(
        self, proposal: Action, model: Any, trained: Window, result: GateResult, now: datetime, kept: Kept, number: int
    ) -> None:
        done = replace(proposal, id=f"{proposal.id} done", outcome=Outcome.DONE, because=(Ground("trained"),))
        registered = register(
            self.actions, MODEL, f"{len(self.models):064d}", who=WHO, why="", at=now, trained=trained,
        )  # fmt: skip
        self.models[registered.version] = model
        outcome = Outcome.DONE if result.passed else Outcome.REFUSED
        judged = Action(
            f"validate {registered.version}", MODEL, ActionKind.VALIDATE, outcome, "", WHO, now, registered.version,
            "", result.facts(), result.grounds,
        )  # fmt: skip
        self.actions += [done, registered, judged]
        if result.passed:
            promoted, _ = promote(
                self.actions, self.champion, registered.version, model=MODEL, who=WHO, why="", at=now,
            )  # fmt: skip
            self.actions.append(promoted)
            self.champion = registered.version
            kept.promoted.append(number)


def keep(stream: Stream, fit: Fit, faults: range = range(0), **rule: Any) -> Kept:
    """Keep a model over a stream by the default policy, promoting without a person, with labels at the window's end.

    Parameters
    ----------
    faults
        Windows in which a data fault is open.
    rule
        Options of maintenance that differ from their defaults.
    """
    schema, fits, kept = schema_of(stream), [0], Kept()
    options = {"train": "bench:fit", "promote": "auto", "label_delay": timedelta(0), **rule}
    spec = Spec(MODEL, schema, WindowRule(WEEK), maintenance=Maintenance(**options))

    def train(rows: pl.DataFrame) -> Any:
        fits[0] += 1
        return fit(rows)

    began = START + stream.reference * WEEK
    first = pl.concat(stream.days[: stream.reference])
    model = fit(first)
    known = register([], MODEL, "0" * 64, who="bench", why="first", at=began, trained=Window(START, began))
    moved, _ = promote([known], None, "v1", model=MODEL, who="bench", why="first", at=began)
    keeping = _Keeping(spec, Trainer("bench:fit", train), first, [known, moved], {"v1": model}, "v1", fits)
    harm, since = _Harm.of(stream, schema, fit), None
    for number in range(stream.reference, len(stream.days)):
        rows, end = stream.days[number], START + (number + 1) * WEEK
        answered = score_rows(keeping.models[keeping.champion], rows, schema)
        lost = losses_of(answered, schema)
        kept.losses.append(float(lost.mean()))
        kept.rows.append(rows.height)
        keeping.rows = pl.concat([keeping.rows, answered.select(keeping.rows.columns)])
        fired = harm.step(lost, Window(end - WEEK, end), keeping.champion)
        since = (since or end - WEEK) if fired else None
        alerts = [_alert(Cause.PERFORMANCE, since, end)] if since else []
        if number in faults:
            alerts.append(_alert(Cause.DATA_FAULT, START + faults.start * WEEK, end))
        keeping.respond(alerts, end, kept, number - stream.reference)
    kept.fits = fits[0]
    return kept


@dataclass
class _Harm:
    """The chart that watches the loss by default, which has learned from the reference out of sample."""

    memory: Any
    options: dict[str, float | str]

    @classmethod
    def of(cls, stream: Stream, schema: Schema, fit: Fit) -> _Harm:
        """Return the chart after the second half of the reference, answered by a model of the first."""
        half = stream.reference // 2
        model = fit(pl.concat(stream.days[:half]))
        made = cls(None, {**harm_options(AlertRule(), 1, WEEK), "min_samples": float(stream.reference - half)})
        for number in range(half, stream.reference):
            end = START + (number + 1) * WEEK
            made.step(losses_of(score_rows(model, stream.days[number], schema), schema), Window(end - WEEK, end), "v1")
        return made

    def step(self, lost: np.ndarray, window: Window, version: str) -> bool:
        """Take a window in and return whether there is harm."""
        measured = Measurement(
            Family.METRIC, "loss", float(lost.mean()), len(lost), float(lost.std(ddof=1)) / len(lost) ** 0.5,
            window=window, version=version, model=MODEL,
        )  # fmt: skip
        self.memory, signal = plugin("chart", "harmful_shift").step(self.memory, measured, self.options)
        return bool(signal.fired)


def _alert(cause: Cause, since: datetime, end: datetime) -> Alert:
    columns = ("x0",) if cause is Cause.DATA_FAULT else ()
    return Alert(f"{cause.value} {since:%Y%m%d}", MODEL, cause, Severity.PAGE, AlertState.FIRING, since, end, columns)
