"""The third of the four steps: measurements, judged by the charts of all monitors, and the alerts they amount to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchkeeper.alerts.policy import Episode, decide
from watchkeeper.charts.chart import ChartMemory
from watchkeeper.compare.recent import Recent
from watchkeeper.compare.window_shape import Lately
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.spec import Monitor, Spec
from watchkeeper.core.window import Window
from watchkeeper.performance.arrivals import Arrivals
from watchkeeper.performance.learned_band import LearnedBand
from watchkeeper.quality.assess import judge_rules
from watchkeeper.steps.beside import confirmed
from watchkeeper.steps.chart_step import Earlier, chart_failed, chart_key, remade, step_chart
from watchkeeper.steps.estimates import settled
from watchkeeper.steps.label_faults import judge_overdue
from watchkeeper.steps.set_aside import judge_set_aside
from watchkeeper.steps.sight import with_blindness

__all__ = ["JudgeMemory", "Judged", "judge"]

_NO_LIMIT = "without a chart"
_FAULTS = (Cause.DATA_FAULT, Cause.LABEL_FAULT)


@dataclass(frozen=True, slots=True)
class JudgeMemory:
    """What judging remembers between two windows.

    Attributes
    ----------
    charts
        Each chart's memory.
    episodes
        The episode of each cause.
    steady
        The mean predictions of the last windows, which stability is measured over.
    versions
        The versions of the model that have answered, in the order of their first answer.
    recent
        By column, what the last windows held beyond the reference.
    arrivals
        How many labels the last windows have.
    bands
        What the labels so far show of the bands of estimates.
    lately
        By column of numbers, what it was in the last windows.
    lost
        Why what was remembered cannot be read, in words.
    damaged
        Whether it cannot be read.
    """

    charts: Mapping[str, ChartMemory] = field(default_factory=dict)
    episodes: Mapping[Cause, Episode] = field(default_factory=dict)
    steady: tuple[Measurement, ...] = ()
    versions: tuple[str, ...] = ()
    recent: Mapping[str, Recent] = field(default_factory=dict)
    arrivals: Arrivals = field(default_factory=Arrivals)
    bands: Mapping[str, LearnedBand] = field(default_factory=dict)
    lately: Mapping[str, Lately] = field(default_factory=dict)
    lost: str = ""
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged window."""

    signals: tuple[Signal, ...]
    alerts: tuple[Alert, ...]
    watch: JudgeMemory


def judge(
    measurements: Sequence[Measurement],
    spec: Spec,
    watch: JudgeMemory,
    window: Window | None,
    *,
    learning: bool = False,
    version: str = "",
    earlier: Earlier | None = None,
) -> Judged:
    """Judge the measurements of one window by the model's monitors.

    Parameters
    ----------
    learning
        Whether the window belongs to the reference: then only the control charts of metrics take it in, and no
        alert is made.
    version
        The version of the model that answers in the window, the newest where there are several.
    earlier
        What was measured before, for a chart whose memory is lost.
    """
    charts = dict(watch.charts)
    # That no rows came is told once, whatever watches their number.
    monitors, label = _by_measure(() if _empty(measurements) else spec.monitors), spec.schema.name_of(Role.LABEL)
    known = settled(measurements)
    signals: list[Signal] = []
    caused: list[tuple[Cause, Signal]] = []
    for measurement in measurements:
        for monitor, columns in monitors.get(measurement.name, ()):
            # Labels come late, and a null that is yet to come is no fault: whoever watches the label names it.
            watched = measurement.column in columns if columns else measurement.column != label
            if not watched or not monitor.covers(measurement.segment) or monitor.against != measurement.against:
                continue
            if learning and monitor.cause is not Cause.PERFORMANCE:
                continue
            if _waits(measurement):
                # Labels that came first need not be like the others, and a band that says nothing raises no alarm.
                signals.append(Signal(measurement, monitor.chart))
                continue
            key = chart_key(monitor.chart, measurement)
            if watch.damaged and key not in charts:
                charts[key] = remade(monitor, None, replace(measurement, version=version), earlier)
            signal = step_chart(charts, monitor, measurement, version=version, earlier=earlier)
            if chart_failed(measurement, signal):
                signals.append(signal)
                caused.append((Cause.NO_DATA, _no_limit(signal.measurement, "chart_failed")))
                continue
            signal = with_blindness(signal, spec.schema, spec.sight, windows=spec.windows is not None)
            if measurement.family is Family.ESTIMATE:
                if (measurement.name, measurement.segment) in known and signal.fired:
                    signal = replace(signal, fired=False, rule="", also=(), basis=None, zone=Zone.NOT_JUDGED)
                signals.append(signal)
                # It raises an alarm and never clears one: what labels showed may be invisible to it.
                caused.extend([(monitor.cause, signal)] if signal.fired else [])
                continue
            signals.append(signal)
            caused.append((monitor.cause, signal))
    signals, caused = confirmed(signals, caused, spec)
    if learning:
        return Judged(tuple(signals), (), replace(watch, charts=charts, lost="", damaged=False))
    if watch.damaged:
        lost = Measurement(Family.QUALITY, "memory", None, 0, status=Status.FAILED, reason=watch.lost)
        caused.append((Cause.NO_DATA, _no_limit(lost, "memory_lost")))
    caused.extend(_broken(measurements, spec.schema))
    caused.extend(_lost(caused, watch.charts, spec.schema))
    caused.extend(_blinded(caused))
    caused.extend(judge_set_aside(measurements))
    caused.extend(judge_overdue(measurements))
    ruled = judge_rules(measurements, spec.rules, spec.schema)
    caused.extend(ruled)
    signals.extend(signal for _, signal in ruled)
    caused.extend((Cause.NO_DATA, signal) for signal in _blind(measurements))
    alerts, episodes = decide(spec.model, window, caused, spec.alerts, watch.episodes)
    return Judged(
        tuple(signals), tuple(alerts), replace(watch, charts=charts, episodes=episodes, lost="", damaged=False)
    )


def _by_measure(monitors: Iterable[Monitor]) -> dict[str, list[tuple[Monitor, frozenset[str]]]]:
    """Return the monitors that have a chart by what they measure, with their columns as a set."""
    found: dict[str, list[tuple[Monitor, frozenset[str]]]] = {}
    for monitor in monitors:
        if monitor.chart:
            found.setdefault(monitor.measure, []).append((monitor, frozenset(monitor.columns)))
    return found


def _waits(measurement: Measurement) -> bool:
    """Return whether a metric waits for labels, or no band of an estimate says anything."""
    labels, made = measurement.evidence.labels, measurement.evidence.estimate
    if measurement.family is Family.ESTIMATE:
        return made is not None and made.needed is not None
    return measurement.family is Family.METRIC and labels is not None and labels.waits


def _empty(measurements: Iterable[Measurement]) -> bool:
    return any(m.name == "rows" and m.segment == ALL and m.value == 0 for m in measurements)


def _lost(
    caused: Sequence[tuple[Cause, Signal]], before: Mapping[str, ChartMemory], schema: Schema
) -> list[tuple[Cause, Signal]]:
    """Return a signal for each metric that was measured before and fails now, where no faulty column explains it.

    A metric that never could be measured, such as the log loss of scores that are no probabilities, is no news.
    """
    roles = (Role.LABEL, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE)
    answers = {column.name for column in schema if column.role in roles}
    if any(s.fired and s.measurement.column in answers for cause, s in caused if cause in _FAULTS):
        return []
    lost = [
        signal.measurement
        for cause, signal in caused
        if cause is Cause.PERFORMANCE
        and signal.measurement.status is Status.FAILED
        and signal.measurement.segment == ALL
        and chart_key(signal.chart, signal.measurement) in before
    ]
    return [(Cause.DATA_FAULT, _no_limit(m, "not_measured")) for m in lost]


def _broken(measurements: Sequence[Measurement], schema: Schema) -> list[tuple[Cause, Signal]]:
    """Return a signal for each column of which nothing could be measured, and one that all is well where any was."""
    roles = {column.name: column.role for column in schema}
    failed: dict[str, Measurement] = {}
    fine: dict[str, Measurement] = {}
    for m in measurements:
        if m.family is Family.COMPARISON and m.segment == ALL and m.column in roles:
            (failed if m.status is Status.FAILED else fine)[m.column] = m
    causes = {column: Cause.LABEL_FAULT if roles[column] is Role.LABEL else Cause.DATA_FAULT for column in roles}
    well = {causes[column]: m for column, m in fine.items() if m.status is Status.OK}
    return [
        *((causes[column], _no_limit(m, "not_measured")) for column, m in failed.items() if column not in fine),
        *((cause, _all_is_well(m)) for cause, m in well.items()),
    ]


def _blinded(caused: Sequence[tuple[Cause, Signal]]) -> list[tuple[Cause, Signal]]:
    """Return a signal for each comparison that a monitor waits for and that failed on a column without a fault."""
    faulty = {s.measurement.column for cause, s in caused if cause in _FAULTS and s.fired}
    failed = [s.measurement for _, s in caused if s.measurement.status is Status.FAILED and s.chart != _NO_LIMIT]
    lost = [m for m in failed if m.family is Family.COMPARISON and m.segment == ALL and m.column not in faulty]
    return [(Cause.NO_DATA, _no_limit(m, "not_measured")) for m in lost]


def _no_limit(measurement: Measurement, rule: str) -> Signal:
    return Signal(measurement, _NO_LIMIT, zone=Zone.BEYOND, rule=rule, score=100.0, fired=True)


def _all_is_well(measurement: Measurement) -> Signal:
    return Signal(measurement, _NO_LIMIT, zone=Zone.WITHIN_1)


def _blind(measurements: Sequence[Measurement]) -> list[Signal]:
    """Return the signal of a window without rows: no data is never fine."""
    rows = [m for m in measurements if m.name == "rows" and m.segment == ALL]
    if rows and all((m.value or 0) > 0 for m in rows):
        return [_all_is_well(rows[0])]
    empty = rows[0] if rows else Measurement(Family.QUALITY, "rows", 0.0, 0)
    return [_no_limit(replace(empty, reason="no rows arrived"), "no_rows")]
