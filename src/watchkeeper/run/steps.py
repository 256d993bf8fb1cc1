"""The second and third of the four steps, over everything a model is watched for: assess and judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchkeeper.alerts.policy import Episode, decide
from watchkeeper.charts.chart import Chart, Memory
from watchkeeper.compare.assess import assess_column
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugin, plugins
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import Monitor, Spec
from watchkeeper.core.state import OUTCOME, ROWS, State, StateKey
from watchkeeper.core.window import Window
from watchkeeper.performance.assess import assess_performance
from watchkeeper.run.monitors import MEASURED
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["Judged", "Watch", "assess", "judge", "merged"]

_NO_LIMIT = "without a chart"


def merged(states: Iterable[State], window: Window | None, model: str) -> dict[tuple[str, str], State]:
    """Merge states over versions and stored windows.

    Returns
    -------
    dict
        One state per (segment, column), keyed anew with ``window`` and no version.
    """
    whole: dict[tuple[str, str], State] = {}
    for state in states:
        place = (state.key.segment, state.key.column)
        moved = replace(state, key=StateKey(model, "", window, *place))
        whole[place] = merge_states(whole[place], moved) if place in whole else moved
    return whole


def assess(
    current: Mapping[tuple[str, str], State], reference: Mapping[tuple[str, str], State], spec: Spec
) -> list[Measurement]:
    """Measure one window: every column against the reference, every metric in every segment, and the rows themselves.

    A column that the reference has and the current data lacks is a failed measurement.
    """
    found: list[Measurement] = []
    named = {monitor.measure for monitor in spec.monitors}
    comparisons = [name for name in plugins("comparison") if name in MEASURED or name in named]
    asked = {(s, column) for m in spec.monitors for s in m.segments if s != ALL for column in m.columns}
    for (segment, column), state in current.items():
        if column == OUTCOME:
            found.extend(assess_performance(state, spec.schema))
        elif column == ROWS:
            found.extend(_rows(state))
        elif column in spec.schema and spec.schema[column].role in (Role.TIME, Role.ID):
            continue
        elif segment == ALL or (segment.split("=", 1)[0], column) in asked:
            found.extend(assess_column(reference.get((segment, column)), state, comparisons))
    return found


def _rows(state: State) -> list[Measurement]:
    sample = state.parts.get("row_sample")
    if state.problem or not isinstance(sample, RowSamplePart):
        return [Measurement.failed(state.key, Family.QUALITY, "rows", state.problem or "rows were not counted")]
    found = [Measurement.of(state.key, Family.QUALITY, "rows", float(sample.rows), sample.rows)]
    if sample.rows:
        share = sample.doubled / sample.rows
        found.append(Measurement.of(state.key, Family.QUALITY, "doubled_ids", share, sample.rows))
    return found


@dataclass(frozen=True, slots=True)
class Watch:
    """What judging remembers between two windows: each chart's memory, and the episode of each cause."""

    charts: Mapping[str, Memory] = field(default_factory=dict)
    episodes: Mapping[Cause, Episode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged window."""

    signals: tuple[Signal, ...]
    alerts: tuple[Alert, ...]
    watch: Watch


def judge(
    measurements: Sequence[Measurement], spec: Spec, watch: Watch, window: Window | None, *, learning: bool = False
) -> Judged:
    """Judge the measurements of one window by the model's monitors.

    Parameters
    ----------
    learning
        Whether the window belongs to the reference: then only the control charts of metrics take it in, and no
        alert is made.
    """
    charts = dict(watch.charts)
    signals: list[Signal] = []
    caused: list[tuple[Cause, Signal]] = []
    for measurement in measurements:
        for monitor in _monitors_of(measurement, spec):
            if learning and monitor.cause is not Cause.PERFORMANCE:
                continue
            signal = _step(charts, monitor, measurement)
            signals.append(signal)
            caused.append((monitor.cause, signal))
    if learning:
        return Judged(tuple(signals), (), Watch(charts, watch.episodes))
    caused.extend((Cause.DATA_FAULT, signal) for signal in _broken(measurements, spec.schema))
    caused.extend((Cause.BLIND, signal) for signal in _blind(measurements))
    alerts, episodes = decide(spec.model, window, caused, spec.alerts, watch.episodes)
    return Judged(tuple(signals), tuple(alerts), Watch(charts, episodes))


def _monitors_of(measurement: Measurement, spec: Spec) -> list[Monitor]:
    found = []
    for monitor in spec.monitors:
        if monitor.measure != measurement.name or not monitor.chart:
            continue
        if monitor.columns and measurement.column not in monitor.columns:
            continue
        if any(
            s == measurement.segment or (s != ALL and measurement.segment.startswith(f"{s}=")) for s in monitor.segments
        ):
            found.append(monitor)
    return found


def _step(charts: dict[str, Memory], monitor: Monitor, measurement: Measurement) -> Signal:
    series = "\x1f".join((monitor.chart, *measurement.series))
    chart: Chart = plugin("chart", monitor.chart)
    try:
        memory, signal = chart.step(charts.get(series), measurement, monitor.options)
    except (WatchkeeperError, ValueError, ArithmeticError, KeyError) as error:
        reason = f"the chart {monitor.chart} failed: {error}"
        return Signal(replace(measurement, status=Status.FAILED, reason=reason), monitor.chart)
    if memory.numbers or memory.points:
        charts[series] = memory
    return signal


def _broken(measurements: Sequence[Measurement], schema: Schema) -> list[Signal]:
    """Return a signal for each column that could not be measured."""
    failed = {
        m.column: m
        for m in measurements
        if m.status is Status.FAILED and m.segment == ALL and m.family is Family.COMPARISON
        and m.column in schema and schema[m.column].role is not Role.LABEL
    }  # fmt: skip
    return [Signal(m, _NO_LIMIT, zone=Zone.BEYOND, rule=m.reason, score=100.0) for m in failed.values()]


def _blind(measurements: Sequence[Measurement]) -> list[Signal]:
    """Return the signal of a window without rows: no data is never fine."""
    rows = [m for m in measurements if m.name == "rows" and m.segment == ALL]
    if rows and all((m.value or 0) > 0 for m in rows):
        return [Signal(rows[0], _NO_LIMIT, zone=Zone.WITHIN_1)]
    empty = rows[0] if rows else Measurement(Family.QUALITY, "rows", 0.0, 0)
    return [Signal(replace(empty, reason="no rows arrived"), _NO_LIMIT, zone=Zone.BEYOND, rule="no rows", score=100.0)]
