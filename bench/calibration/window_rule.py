"""Watchkeeper's window rule with its defaults: states, measurements, signals, alerts, as in production."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np
import polars as pl

from bench.calibration.streams import (
    CHANGE,
    CLEAN,
    NUMERIC,
    REFERENCE_WINDOWS,
    ROWS,
    WINDOWS,
    Stream,
    Values,
    reference,
    shifted,
    window,
)
from bench.calibration.tally import Tally
from watchkeeper.config.budget import parse_budget
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.batch import Batch
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.state import JOINT, State
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.monitors import default_monitors, kept
from watchkeeper.steps.reference import design_effects, rates_of_reference
from watchkeeper.steps.season import season_of_reference

ALERTS = "Watchkeeper, window rule: alerts"
SINGLE = "Watchkeeper, window rule: single windows"
UNTAUGHT = ", design effect unknown"
"""Appended where the reference has no times, from which one could learn how its rows cluster."""

BUDGET = "one false alert per model and year"
DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)
RUN_LENGTH = parse_budget(BUDGET, DAY)
"""Windows of a day to a false alert."""

_PART = 100_000
TIME, MODEL = "at", "calibration"

States = dict[tuple[str, str], State]


def frame(columns: Mapping[str, Values], first: int, length: int = ROWS) -> pl.DataFrame:
    """Return columns with a time: every ``length`` rows are one day, from day ``first`` on."""
    rows = len(next(iter(columns.values())))
    days = (np.arange(rows) // length + first) * np.timedelta64(1, "D")
    times = pl.Series(TIME, np.datetime64(START.date(), "us") + days).dt.replace_time_zone("UTC")
    return pl.DataFrame({name: pl.Series(values) for name, values in columns.items()}).with_columns(times)


def day(number: int) -> Window:
    """Return the window of that number."""
    return Window(START + number * DAY, START + (number + 1) * DAY)


class Watched:
    """A model whose reference is known, ready to judge one window after the other."""

    def __init__(self, columns: Mapping[str, Values], tolerance: float = 0.05) -> None:
        table = frame(columns, -REFERENCE_WINDOWS)
        schema = infer_schema(table, roles={Role.TIME: TIME})
        rule = AlertRule(budget=RUN_LENGTH)
        monitors = default_monitors(schema, rule, history=True, tolerance=tolerance)
        self.spec = Spec(MODEL, schema, WindowRule(DAY, DAY, START), None, monitors, rule, keep=kept(monitors))
        pieces = summarise([Batch(table, schema)], self.spec)
        self.reference = merged(pieces.values(), None, MODEL)
        self.effects = design_effects(pieces, self.spec)
        self.rates = rates_of_reference(pieces, self.spec)
        self.season = season_of_reference(pieces, self.spec)
        # What no monitor judges cannot raise an alert and is not measured here.
        self.judged = {monitor.measure for monitor in monitors}

    def measure(self, columns: Mapping[str, Values], number: int) -> list[Measurement]:
        """Return the measurements of the given columns in a window."""
        return self.compare(self.states([columns], number))

    def states(self, parts: Iterable[Mapping[str, Values]], number: int) -> States:
        """Return the states of a window that arrives in parts."""
        frames = [frame(columns, number, len(next(iter(columns.values())))) for columns in parts]
        schema = Schema(tuple(c for c in self.spec.schema if c.name in frames[0].columns))
        pieces = summarise((Batch(one, schema) for one in frames), replace(self.spec, schema=schema))
        return merged(pieces.values(), day(number), MODEL)

    def compare(self, states: States) -> list[Measurement]:
        """Return the measurements of one window's states against the reference."""
        return assess(
            states,
            self.reference,
            self.spec,
            only=self.judged,
            effects=self.effects,
            rates=self.rates,
            season=self.season,
        )


class Count:
    """Counts alerts and single signals from window to window."""

    def __init__(self, watch: JudgeMemory | None = None) -> None:
        self.watch = watch or JudgeMemory()
        self.firing: tuple[Alert, ...] = ()
        self.signals: tuple[Signal, ...] = ()
        self.fresh = 0
        self._known: set[str] = set()

    def judge(self, measured: list[Measurement], watched: Watched, number: int) -> None:
        """Judge the window; ``fresh`` is the number of alerts that began to fire in it."""
        judged = judge(measured, watched.spec, self.watch, day(number))
        self.watch = judged.watch
        self.signals = tuple(s for s in judged.signals if s.fired)
        self.firing = tuple(a for a in judged.alerts if a.state is AlertState.FIRING)
        names = {alert.id for alert in self.firing}
        self.fresh = len(names - self._known)
        self._known |= names

    def alerted(self, columns: tuple[str, ...]) -> bool:
        """Return whether a firing alert names one of the columns."""
        return any(_names(s, columns) for alert in self.firing for s in alert.evidence if s.fired)

    def signalled(self, columns: tuple[str, ...]) -> bool:
        """Return whether the window alone, without persistence, signals one of the columns."""
        return any(_names(s, columns) for s in self.signals)


def _names(signal: Signal, columns: tuple[str, ...]) -> bool:
    """Return whether a signal is about one of the columns, alone or in a pair of correlated ones."""
    pair = signal.measurement.evidence.about
    return not set(columns).isdisjoint({signal.measurement.column, *pair})


def clean(
    stream: Stream, repetition: int, changes: Iterable[Stream] = (), numbers: range = range(WINDOWS)
) -> list[Tally]:
    """Judge every window of a clean stream, and go on from its middle with each change."""
    return _follow(Watched(reference(stream, repetition)), stream, repetition, changes, numbers)


def untaught(stream: Stream, repetition: int, numbers: range = range(WINDOWS)) -> list[Tally]:
    """Judge every window of a clean stream without the design effect."""
    watched = Watched(reference(stream, repetition))
    watched.effects, watched.rates, watched.season = {}, {}, None
    return [replace(one, system=one.system + UNTAUGHT) for one in _follow(watched, stream, repetition, (), numbers)]


def _follow(
    watched: Watched, stream: Stream, repetition: int, changes: Iterable[Stream], numbers: range
) -> list[Tally]:
    alerts, single = (Tally("windows", name, stream.name, 1, len(numbers) * ROWS) for name in (ALERTS, SINGLE))
    count, middle, measured = Count(), JudgeMemory(), {}
    for number in numbers:
        if number == CHANGE:
            middle = count.watch
        measured[number] = watched.measure(window(stream, repetition, number), number)
        count.judge(measured[number], watched, number)
        alerts.alarms += count.fresh
        alerts.red += bool(count.firing)
        alerts.columns += len({c for alert in count.firing for c in alert.columns})
        single.alarms += bool(count.signals)
        single.red += bool(count.signals)
        single.columns += len({s.measurement.column for s in count.signals})
    return [alerts, single, *(t for change in changes for t in _after(change, repetition, watched, measured, middle))]


def _after(
    change: Stream, repetition: int, watched: Watched, before: dict[int, list[Measurement]], middle: JudgeMemory
) -> list[Tally]:
    """Judge the windows after a change until an alert names its column; the other columns stay clean."""
    delays = {ALERTS: inf, SINGLE: inf}
    count = Count(middle)
    # Correlations need all numeric columns, and are as in the clean stream where one column is shifted or scaled.
    seen, moved = (NUMERIC, {*change.changed, JOINT}) if change.correlation else (change.changed, {*change.changed})
    for number in (n for n in before if n >= CHANGE):
        fresh = watched.measure(window(change, repetition, number, seen), number)
        others = [m for m in before[number] if m.column not in moved]
        count.judge([*others, *(m for m in fresh if m.column in moved)], watched, number)
        rows = float((number + 1 - CHANGE) * ROWS)
        if count.signalled(change.changed):
            delays[SINGLE] = min(delays[SINGLE], rows)
        if count.alerted(change.changed):
            delays[ALERTS] = rows
            break
    return [Tally("windows", name, change.name, 1, delays=[delay]) for name, delay in delays.items()]


def million(repetition: int, rows: int = 1_000_000, shift: float = 0.02) -> int:
    """Return how many columns signal in one window of ``rows`` rows whose 20 numeric columns are shifted a little."""
    watched = Watched(reference(CLEAN[0], repetition))
    parts = (shifted(repetition, part, _PART, shift) for part in range(rows // _PART))
    count = Count()
    count.judge(watched.compare(watched.states(parts, 0)), watched, 0)
    return len({s.measurement.column for s in count.signals})
