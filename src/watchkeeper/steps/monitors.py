"""The monitors a model gets when its owner names none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil, isfinite

from watchkeeper.charts.run_length import persistent_run_length
from watchkeeper.compare.comparison import needs_of
from watchkeeper.compare.tail_rise import BEYOND, TOLERATED
from watchkeeper.compare.window_statistics import MOST, followed
from watchkeeper.core.alert import Cause
from watchkeeper.core.errors import PluginError, UsageError, near_miss
from watchkeeper.core.metric import Charted, bounds_of, chart_of, side_of
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema, is_countable
from watchkeeper.core.spec import DEPARTURE, AlertRule, Monitor
from watchkeeper.core.state import JOINT
from watchkeeper.performance.described import described

__all__ = [
    "LEAST_LABELLED",
    "MEASURED",
    "changed",
    "charted",
    "default_monitors",
    "harm_options",
    "installed",
    "kept",
    "known_tolerances",
]

MEASURED = (
    "psi", "jensen_shannon", "ks", "wasserstein", "l_infinity", "null_rate", "unseen_levels", "unit_change",
    "encoding_change", "silent_default", "out_of_range", "repeated_value",
)  # fmt: skip
"""Comparisons that are always measured, judged or not."""

LEAST_LABELLED = 30.0
"""Labelled rows below which a metric is measured and not judged: its error is estimated from as many."""

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_LEVELED = (Kind.CATEGORICAL, Kind.BOOLEAN)
_TEXT = ("text_length", "character_mix", "token_drift")
_SHARE, _RARE = 0.3, 0.2
"""Parts of the tolerance that a share of missing or impossible values, and one of unseen levels, may reach."""

_CORRELATION = 0.1
"""Change of a correlation that does not matter."""

_THREE_SIGMA = 370.4
"""Run length in windows of a chart at three sigma, which is rare enough for a signal that is no alert by itself."""

_LEAST_LEARNED = 8
"""Windows that a metric's chart learns from before it judges, at least: few enough where windows are weeks."""

_LEARNED = 30
"""Windows after which its level is fixed, eight weeks of days at least: who learns for longer learns a slow fall."""

_RATIO, _BESIDE = 0.25, 0.01
"""Times less one that a rare level of labels and answers may change; the p-value at which drift has it told too."""

_TURNS = {"hour": timedelta(days=1), "minute": timedelta(hours=1), "weekday": timedelta(days=7)}
"""Length of the windows in which parts of the calendar take all their values."""

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)

_COVERAGE = 0.9
"""Share of rows whose label must be in before drift of the label is judged: what comes first may differ."""


def default_monitors(
    schema: Schema,
    rule: AlertRule,
    *,
    history: bool,
    tolerance: float = 0.05,
    tolerances: Mapping[str, float] | None = None,
    every: timedelta = _DAY,
) -> tuple[Monitor, ...]:
    """Return drift, fault and performance monitors for all columns.

    Parameters
    ----------
    history
        Whether there are windows to learn a control chart from; without them performance is judged against the
        reference alone.
    tolerance
        Change of a share, or of a distribution function, that does not matter. 30 % of it are what may be missing or
        impossible, and 20 % what may be unseen levels, where hardly any were.
    tolerances
        That of single columns.
    every
        Length of a judged window.
    """
    features = list(schema.features)
    answers = [c for c in schema if c.role in _ANSWERS]
    label = [c for c in schema if c.role is Role.LABEL]
    # Half of the budget is for what the model answers and what is true, half for what it is asked: a false alarm is as
    # rare when there are a thousand features as when there are ten, and a drift of the score is not drowned by them.
    slow = [c for c in schema if c.role is Role.LATENCY and c.kind is Kind.NUMERIC]
    both = bool(features) and bool(answers or label or slow)
    run_length = rule.budget * (2 if both else 1)
    spare = _Spare(tolerance, tolerances or {})
    found: list[Monitor] = []
    if history:
        # Half of either is for the distances from the reference, half for what departs from its season.
        run_length *= 2
        still = [c for c in features if c.name not in schema.moving]
        found += [
            _seasonal(spare.of(columns, one), run_length, one, sum(map(followed, columns)))
            for columns in (still, answers)
            for one in spare.groups()
        ]
    turning = tuple(name for name, part in schema.calendar if history and every >= _TURNS.get(part, timedelta.max))
    found += _watched(features, run_length, spare, moving=schema.moving, turning=turning)
    rates = _names([*answers, *label], *_LEVELED)
    found += _watched(answers, run_length, spare, labels=label, latencies=slow, rates=rates, history=history)
    if len([c for c in features if c.kind is Kind.NUMERIC and c.name not in schema.moving]) > 1:
        # How features go together is told and not paged: it may change without harm to a model.
        # Rows of one window are near each other in time, so without the design effect nothing is known of chance.
        options = {"run_length": rule.budget, "tolerance": _CORRELATION, "known": float(history)}
        found.append(Monitor("correlation_change", "significance", (JOINT,), options=options, cause=Cause.JOINT_DRIFT))
    if label:
        found.extend(_harmful(schema, rule, every=every, history=history))
    return tuple(monitor for monitor in found if monitor.columns or monitor.cause is Cause.PERFORMANCE)


def _seasonal(columns: Sequence[Column], run_length: float, tolerance: float, series: int) -> Monitor:
    """Return the monitor of what departs from its season, whose statistics share one budget with others of their side.

    Parameters
    ----------
    series
        Columns that share it.
    """
    names = tuple(column.name for column in columns if followed(column))
    options = {"run_length": run_length, "series": float(max(1, MOST * series)), "tolerance": tolerance}
    return Monitor(DEPARTURE, "departure", names, options=options)


def _harmful(schema: Schema, rule: AlertRule, *, every: timedelta, history: bool) -> list[Monitor]:
    """Return the monitors of the metrics whose fall means harm."""
    names = (*schema.task.spec.harm, *_installed_metrics(schema))
    if not history:
        # One look at one value: the textbook's limits about that of the reference.
        single: dict[str, float | str] = {"min_rows": LEAST_LABELLED, "margin": 0.02}
        return [
            Monitor(name, "shewhart", options={"side": side_of(described(name)), **single}, cause=Cause.PERFORMANCE)
            for name in names
        ]
    return list(charted((Monitor(name, "", cause=Cause.PERFORMANCE) for name in names), names, rule, every))


def changed(defaults: Iterable[Monitor], own: Sequence[Monitor], label: str | None) -> tuple[Monitor, ...]:
    """Return default monitors and own ones; a default one gives up the columns for which an own one measures the same.

    An own monitor that names no columns takes all of them but the label, as it does when it judges. One of segments, of
    earlier windows or without a chart stands beside the default.
    """
    staying: list[Monitor] = []
    for monitor in defaults:
        same = [o for o in own if o.measure == monitor.measure and not o.against and ALL in o.segments and o.chart]
        everywhere = any(not one.columns for one in same)
        named = {name for one in same for name in one.columns}
        left = tuple(c for c in monitor.columns if c not in named and (c == label or not everywhere))
        if left or not (monitor.columns or same):
            staying.append(replace(monitor, columns=left))
    return (*staying, *own)


def charted(
    monitors: Iterable[Monitor], metrics: Collection[str], rule: AlertRule, every: timedelta
) -> tuple[Monitor, ...]:
    """Return the monitors, with the default chart for those of a metric that name none; their own options stand.

    Parameters
    ----------
    metrics
        What counts as a metric.
    every
        Length of a judged window.
    """
    listed = list(monitors)
    bare = [m for m in listed if not m.chart and m.measure in metrics]
    options = harm_options(rule, len(bare), every)
    return tuple(_with_chart(m, options) if not m.chart and m.measure in metrics else m for m in listed)


def _with_chart(monitor: Monitor, options: Mapping[str, float | str]) -> Monitor:
    """Return the monitor of a metric with the chart it names, told as far as that has options on which side harm is."""
    metric = described(monitor.measure)
    name, side = chart_of(metric), side_of(metric) if monitor.cause is Cause.PERFORMANCE else "both"
    chart = plugins("chart").get(name)
    if chart is None:
        known = near_miss(name, plugins("chart"))
        raise PluginError(f"the metric {monitor.measure!r} is to be judged by the chart {name!r}; {known}")
    highest = bounds_of(metric)[1]
    told: dict[str, float | str] = {
        **options, "side": side, "better": "higher" if side == "lower" else "lower",
        **({"best": highest} if isfinite(highest) else {}),
    }  # fmt: skip
    own = {option: value for option, value in told.items() if option in chart.defaults}
    return replace(monitor, chart=name, options={**own, **monitor.options})


def harm_options(rule: AlertRule, series: int, every: timedelta) -> dict[str, float | str]:
    """Return the options of the charts of ``series`` metrics: when they judge, and how rarely they are wrong.

    An alert takes ``k`` signals in ``n`` windows, whichever metric they come from. So a chart signals as rarely as
    keeps all of them together to half of the budget, the other half being for drift; and no more often by itself than
    the budget allows alerts, or than a chart at three sigma where the budget is larger than that. A fall of performance
    stays a fall: no chart takes it for the new level.
    """
    among = max(1, series)
    persistent = among * persistent_run_length(2 * rule.budget, rule.k, rule.n)
    # More than a week: who has seen no weekend takes the first one for harm.
    least = max(_LEAST_LEARNED, ceil(_WEEK / every) + 1)
    return {
        "run_length": max(persistent, min(rule.budget, _THREE_SIGMA)), "min_samples": float(least),
        "phase_one": float(max(_LEARNED, least)), "min_rows": LEAST_LABELLED, "rebase": "none",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spare:
    """What change does not matter, of all columns and of single ones."""

    usual: float
    own: Mapping[str, float]

    def groups(self) -> list[float]:
        """Return the tolerances there are, the usual one first."""
        return list(dict.fromkeys((self.usual, *self.own.values())))

    def of(self, columns: Iterable[Column], tolerance: float) -> list[Column]:
        """Return the columns that have a tolerance."""
        return [c for c in columns if self.own.get(c.name, self.usual) == tolerance]


def _watched(
    columns: list[Column],
    run_length: float,
    spare: _Spare,
    *,
    labels: Sequence[Column] = (),
    latencies: Sequence[Column] = (),
    moving: Collection[str] = (),
    turning: Collection[str] = (),
    rates: tuple[str, ...] = (),
    history: bool = False,
) -> list[Monitor]:
    """Return the monitors that share one budget over ``columns``, ``labels`` and ``latencies``.

    Parameters
    ----------
    moving
        Columns that move by themselves: only what is missing and what lies out of range is a fault there.
    turning
        Those of them that take all their values in each window, and so may be stuck.
    rates
        Columns whose rare levels are rates that matter.
    history
        Whether there are windows, which tell how much such a rate varies by itself.
    """
    still = [c for c in columns if c.name not in moving]
    numeric, leveled = _names(still, Kind.NUMERIC), _names(still, *_LEVELED)
    usable = [c for c in columns if is_countable(c)]
    spiked = _names(still, Kind.NUMERIC, Kind.TIME, Kind.CATEGORICAL)
    series = len(usable) + len(spiked) + 2 * len(numeric) + len(_names(columns, Kind.NUMERIC)) + 4 * len(leveled)
    series += len(turning)
    series += 5 * len(_names(columns, Kind.TEXT)) + len(_names(columns, Kind.VECTOR))
    series += len(_names(labels, Kind.NUMERIC)) + 2 * len(_names(labels, *_LEVELED)) + len(latencies) + len(rates)
    budget = {"run_length": run_length, "series": float(max(1, series))}
    found: list[Monitor] = []
    for tolerance in spare.groups():
        alike, true, slow = (spare.of(side, tolerance) for side in (columns, labels, latencies))
        found += _watched_alike(alike, true, slow, {**budget, "tolerance": tolerance}, moving, turning)
    changing = {**budget, "tolerance": _RATIO, "beside": _BESIDE, "known": float(history), "min_coverage": _COVERAGE}
    return [*found, Monitor("rate_change", "significance", rates, options=changing)]


def _watched_alike(
    columns: list[Column],
    labels: list[Column],
    latencies: list[Column],
    budget: dict[str, float],
    moving: Collection[str],
    among_moving: Collection[str],
) -> list[Monitor]:
    """Return the monitors of columns that have one tolerance."""
    still = [c for c in columns if c.name not in moving]
    units = tuple(c.name for c in still if c.kind is Kind.NUMERIC and c.role is Role.FEATURE)
    ranged = tuple(c.name for c in columns if c.kind is Kind.NUMERIC)
    turning = tuple(c.name for c in columns if c.name in among_moving)
    numeric, leveled = _names(still, Kind.NUMERIC), _names(still, *_LEVELED)
    usable, texts = tuple(c.name for c in columns if is_countable(c)), _names(columns, Kind.TEXT)
    single = tuple(c for c in usable if c in _names(columns, Kind.IDENTIFIER, Kind.TIME, Kind.UNUSABLE))
    vectors, tolerance = _names(columns, Kind.VECTOR), budget["tolerance"]
    measured, coded = _names(labels, Kind.NUMERIC), _names(labels, *_LEVELED)
    spiked = _names(still, Kind.NUMERIC, Kind.TIME, Kind.CATEGORICAL)
    late = {**budget, "min_coverage": _COVERAGE}
    rare, few = {**budget, "always": _RARE * tolerance}, {**budget, "least": _SHARE * tolerance}
    lasting = {**few, "pooled": 8.0}
    # Where the distance is not large enough for ks, no unit has changed, so this takes nothing from the budget.
    unit: dict[str, float | str] = {**budget, "lower": 0.99, "upper": 1.01, "distance": "before"}
    tail: dict[str, float | str] = {**budget, "tolerance": TOLERATED - BEYOND, "always": TOLERATED}
    return [
        Monitor("ks", "tolerance", numeric, options=budget),
        Monitor("l_infinity", "tolerance", leveled, options=budget),
        Monitor("level_rise", "tolerance", leveled, options=budget),
        Monitor("ks", "tolerance", measured, options=late),
        Monitor("l_infinity", "tolerance", coded, options=late),
        Monitor("null_rate", "tolerance", usable, options=lasting, cause=Cause.DATA_FAULT),
        Monitor("unseen_levels", "tolerance", leveled, options=rare, cause=Cause.DATA_FAULT),
        Monitor("unseen_levels", "tolerance", coded, options=rare, cause=Cause.LABEL_FAULT),
        # Its rows are rows of unseen levels too, so that it takes nothing from the budget.
        Monitor("encoding_change", "tolerance", leveled, options=rare, cause=Cause.DATA_FAULT),
        Monitor("silent_default", "tolerance", spiked, options=few, cause=Cause.DATA_FAULT),
        Monitor("out_of_range", "tolerance", ranged, options=lasting, cause=Cause.DATA_FAULT),
        Monitor("became_constant", "fixed", single, options={"upper": 0.5}, cause=Cause.DATA_FAULT),
        Monitor("vector_spread", "fixed", vectors, options={"lower": 0.8, "upper": 1.25}, cause=Cause.DATA_FAULT),
        Monitor("repeated_value", "tolerance", numeric + leveled + turning, options=lasting, cause=Cause.DATA_FAULT),
        *(Monitor(name, "tolerance", texts, options=budget) for name in _TEXT),
        # A small reference of texts that repeat themselves misses few words: new ones count from the tolerance on.
        Monitor("out_of_vocabulary", "tolerance", texts, options={**budget, "always": tolerance}),
        Monitor("encoding_damage", "tolerance", texts, options=rare, cause=Cause.DATA_FAULT),
        # A squared distance: the mean may move by δ of the root mean square distance of vectors from it.
        Monitor("mean_shift", "significance", vectors, options={**budget, "tolerance": tolerance**2}),
        Monitor("unit_change", "fixed", units, options=unit, cause=Cause.DATA_FAULT),
        Monitor("tail_rise", "tolerance", _names(latencies, Kind.NUMERIC), options=tail, cause=Cause.RUNTIME),
    ]


def installed(kind: str = "comparison") -> set[str]:
    """Return the plug-ins of a kind that come from other packages: who installs a comparison wants to see it."""
    own = f"{__name__.partition('.')[0]}."
    return {name for name, one in plugins(kind).items() if not type(one).__module__.startswith(own)}


def _installed_metrics(schema: Schema) -> list[str]:
    """Return the metrics of other packages that name their chart and know harm, as far as the log has their columns."""
    found = []
    for name in sorted(installed("metric")):
        metric = plugins("metric")[name]
        with suppress(Exception):  # one that cannot even say whether it applies is a failed measurement, and no monitor
            if isinstance(metric, Charted) and side_of(metric) != "both" and schema.task in metric.tasks:
                found += [name] if metric.applies(schema) else []
    return found


def kept(monitors: Iterable[Monitor]) -> tuple[str, ...]:
    """Return the optional statistics that the comparisons of monitors, and those of other packages, rest on."""
    known = plugins("comparison")
    names = {*(monitor.measure for monitor in monitors), *installed()}
    return tuple(sorted({need for name in names & known.keys() for need in needs_of(known[name])}))


def known_tolerances(tolerances: Mapping[str, float], schema: Schema, where: str) -> Mapping[str, float]:
    """Return the tolerances of single columns, if there are these columns.

    Raises
    ------
    UsageError
        When there is no such column; ``where`` begins the message.
    """
    for name in tolerances:
        if name not in schema:
            raise UsageError(f"{where}: there is no column {name!r}; {near_miss(name, (c.name for c in schema))}")
    return tolerances


def _names(columns: Iterable[Column], *kinds: Kind) -> tuple[str, ...]:
    return tuple(c.name for c in columns if c.kind in kinds)
