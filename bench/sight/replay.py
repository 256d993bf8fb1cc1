"""A model's windows, replayed after their reference as a run would judge them, with faults planted or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property

import polars as pl

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import Judged, JudgeMemory, judge
from watchkeeper.steps.monitors import default_monitors, kept
from watchkeeper.steps.reference import design_effects
from watchkeeper.steps.season import season_of_reference

__all__ = ["Replay"]

MODEL = "sight"
States = dict[tuple[str, str], State]
Plant = Callable[[pl.DataFrame], pl.DataFrame]


class Replay:
    """Rows whose first windows are the reference, with the default monitors and "one false alert per model and year".

    Parameters
    ----------
    time
        The time column.
    every
        Length of a window.
    reference
        Windows of the reference.
    only
        Measures to judge; None for all of the default monitors.
    """

    def __init__(
        self, table: pl.DataFrame, time: str, every: timedelta, reference: int, only: set[str] | None = None
    ) -> None:
        rule = WindowRule(every, every)
        first, length = round(rule.origin.timestamp() * 1e6), every // timedelta(microseconds=1)
        at = (pl.col(time).dt.epoch("us") - first) // length * length + first
        cut = table.with_columns(pl.from_epoch(at, "us").dt.replace_time_zone("UTC").alias("@"))
        self.frames = {start: frame.drop("@") for (start,), frame in cut.sort("@").group_by("@", maintain_order=True)}
        self.windows = [Window(start, start + every) for start in self.frames]
        self.every, self.count = every, reference
        before = pl.concat([self.frames[w.start] for w in self.windows[:reference]])
        schema = infer_schema(before, roles={Role.TIME: time})
        alerts = AlertRule(budget=timedelta(days=365) / every)
        monitors = default_monitors(schema, alerts, history=True, every=every)
        if only is not None:
            monitors = tuple(monitor for monitor in monitors if monitor.measure in only)
        self.spec = Spec(MODEL, schema, rule, None, monitors, alerts, keep=kept(monitors))
        self.measures = {monitor.measure for monitor in monitors}
        self.pieces: dict[StateKey, State] = {}
        for window in self.windows[:reference]:
            self.pieces |= self._summarised(self.frames[window.start], window)
        self.reference = merged(self.pieces.values(), None, MODEL)
        self.season = season_of_reference(self.pieces, self.spec)
        self._measured: dict[datetime, list[Measurement]] = {}

    @cached_property
    def effects(self) -> Mapping[str, float]:
        """The design effects of the reference."""
        return design_effects(self.pieces, self.spec)

    def _summarised(self, frame: pl.DataFrame, window: Window) -> dict[StateKey, State]:
        return dict(summarise([Batch(frame, self.spec.schema, window)], self.spec))

    @property
    def judged(self) -> list[Window]:
        """The windows after the reference."""
        return self.windows[self.count :]

    def measure(self, window: Window, plant: Plant | None = None) -> list[Measurement]:
        """Return the measurements of a window, of its rows as they are or with a fault planted."""
        if plant is None and window.start in self._measured:
            return self._measured[window.start]
        frame = self.frames[window.start]
        states = merged(self._summarised(plant(frame) if plant else frame, window).values(), window, MODEL)
        measured = assess(
            states, self.reference, self.spec, only=self.measures, effects=self.effects, season=self.season
        )
        measured = [replace(m, window=window) for m in measured]
        if plant is None:
            self._measured[window.start] = measured
        return measured

    def judge(self, memory: JudgeMemory, window: Window, plant: Plant | None = None) -> Judged:
        """Judge a window."""
        return judge(self.measure(window, plant), self.spec, memory, window)

    def clean(self) -> tuple[list[Alert], list[Judged]]:
        """Judge all windows as they are; return the alerts that fired, each once, and every judgement."""
        memory, alerts, judged = JudgeMemory(), dict[str, Alert](), []
        for window in self.judged:
            judged.append(self.judge(memory, window))
            memory = judged[-1].watch
            alerts.update((a.id, a) for a in judged[-1].alerts if a.state is AlertState.FIRING)
        return list(alerts.values()), judged


def columns_alerted(judged: Judged) -> set[str]:
    """Return the columns that firing alerts of a window name."""
    return {name for alert in judged.alerts if alert.state is AlertState.FIRING for name in alert.columns}
