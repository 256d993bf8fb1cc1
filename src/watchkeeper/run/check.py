"""One look at current rows against reference rows, without a store, a configuration or a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log, sqrt
from typing import Any

from watchkeeper.charts.chart import Memory
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.inference import infer_schema
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Spec
from watchkeeper.core.state import ROWS, State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.monitors import default_monitors
from watchkeeper.run.sources import Source, normalise_time, open_table
from watchkeeper.run.steps import Watch, assess, judge, merged
from watchkeeper.stats.row_sample import RowSamplePart
from watchkeeper.stats.summarise import summarise

__all__ = ["Checked", "check_tables"]

_SAMPLE = 50_000
_LEAST_VISIBLE = 0.5
_GRAINS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(weeks=1), timedelta(weeks=4))

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes
    ----------
    verdict
        ``ok``, ``alert``, ``no_data`` or ``failed``.
    measurements, signals, alerts
        Of the current rows as a whole.
    history
        Signals of the windows inside the current rows, where they have a time column.
    reference, current
        States of both sides.
    notes
        How columns were taken, and what the number of rows allows to be seen.
    rows
        Number of reference and current rows.
    """

    verdict: str
    spec: Spec
    measurements: tuple[Measurement, ...] = ()
    signals: tuple[Signal, ...] = ()
    alerts: tuple[Alert, ...] = ()
    history: tuple[Signal, ...] = ()
    reference: Mapping[StateKey, State] = field(default_factory=dict)
    current: Mapping[StateKey, State] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: tuple[int, int] = (0, 0)


def check_tables(
    current: Any,
    reference: Any,
    *,
    roles: Mapping[Role, str] | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    segments: Sequence[str] = (),
    positive: str | None = None,
    tolerance: float = 0.05,
    run_length: float = 1_000.0,
    model: str = "check",
    progress: Progress | None = None,
) -> Checked:
    """Compare current rows with reference rows.

    Parameters
    ----------
    current, reference
        Anything ``open_table`` reads: Parquet, CSV or Arrow files, folders and globs, Polars, pandas and Arrow tables.
    roles
        Columns by role; what is not given is inferred from the reference, and the inference is among the notes.
    tolerance
        Change of a distribution, as a distance between distribution functions, that does not matter.
    run_length
        Checks of unchanged data, on average, to a false alarm.

    Raises
    ------
    SourceError
        When a table cannot be read.
    SchemaError
        When a named column does not exist in the reference.
    """
    ours, theirs = open_table(current), open_table(reference)
    schema = infer_schema(
        theirs.sample(_SAMPLE),
        roles=roles or {},
        features=features,
        ignore=ignore,
        segments=segments,
        positive=positive,
    )
    _refuse_foreign(ours, schema)
    rule = AlertRule(k=1, n=1, budget=run_length)
    monitors = default_monitors(schema, rule, history=False, tolerance=tolerance)
    spec = Spec(model, schema, None, None, monitors, rule)
    whole = summarise(_batches(theirs, schema), spec, progress=_told(progress, "reference", theirs))
    before = merged(whole.values(), None, model)
    grain = _grain(ours, schema)
    spec_in_time = Spec(model, schema, grain, None, monitors, rule)
    pieces = summarise(_batches(ours, schema), spec_in_time, progress=_told(progress, "current", ours))
    now = merged(pieces.values(), None, model)
    measurements = assess(now, before, spec)
    baseline = _baseline(assess(before, before, spec))
    judged = judge(measurements, spec, baseline, None)
    history = _history(pieces, before, spec, baseline) if grain else ()
    alerts = tuple(_dated(alert, history) for alert in judged.alerts)
    n0, n = _rows(before), _rows(now)
    return Checked(
        _verdict(alerts, measurements, n0, n, spec),
        spec,
        tuple(measurements),
        judged.signals,
        alerts,
        history,
        {s.key: s for s in before.values()},
        {s.key: s for s in now.values()},
        (*_reach(n0, n, spec), *_missing(ours, schema), *_explain(schema)),
        (n0, n),
    )


def _batches(source: Source, schema: Schema) -> Any:
    time = schema.name_of(Role.TIME)
    wanted = [c.name for c in schema if c.role is not Role.IGNORED] + [r.column for r in schema.segments]
    columns = [name for name in dict.fromkeys(wanted) if name in source.columns]
    for frame in source.batches(columns=columns):
        yield Batch(normalise_time(frame, time)[0] if time and time in frame.columns else frame, schema)


def _refuse_foreign(source: Source, schema: Schema) -> None:
    known = [c.name for c in schema if c.role is not Role.IGNORED]
    if not any(name in source.columns for name in known):
        shown = ", ".join(map(repr, list(source.columns)[:8]))
        raise SchemaError(f"current and reference share no column. Current has {shown}; the reference has {known[:8]}")


def _told(progress: Progress | None, name: str, source: Source) -> Callable[[int], None] | None:
    if progress is None:
        return None
    total = source.rows
    return lambda rows: progress(name, rows, total)


def _grain(source: Source, schema: Schema) -> WindowRule | None:
    """Choose the length of a window so that the current rows fill about a dozen to forty."""
    time = schema.name_of(Role.TIME)
    if time is None or time not in source.columns:
        return None
    sample, _ = normalise_time(source.sample(_SAMPLE).select(time), time)
    first, last = sample[time].min(), sample[time].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    for grain in _GRAINS:
        if (last - first) / grain <= 40:
            return WindowRule(grain, grain) if (last - first) >= 2 * grain else None
    return WindowRule(_GRAINS[-1], _GRAINS[-1])


def _baseline(measured: Sequence[Measurement]) -> Watch:
    """Make the reference's own metrics the centre of their charts, with their own sampling variance."""
    charts: dict[str, Memory] = {}
    for m in measured:
        if m.family is Family.METRIC and m.status is Status.OK and m.value is not None:
            numbers = {"centre": m.value, "between": (m.error or 0.0) ** 2, "used": 0.0}
            charts["\x1f".join(("shewhart", *m.series))] = Memory(numbers)
    return Watch(charts)


def _history(
    pieces: Mapping[StateKey, State], before: Mapping[tuple[str, str], State], spec: Spec, baseline: Watch
) -> tuple[Signal, ...]:
    windows = sorted({key.window for key in pieces if key.window is not None})
    found: list[Signal] = []
    for window in windows:
        states = [s for s in pieces.values() if s.key.window == window and s.key.segment == ALL]
        found.extend(judge(assess(merged(states, window, spec.model), before, spec), spec, baseline, window).signals)
    return tuple(found)


def _dated(alert: Alert, history: Sequence[Signal]) -> Alert:
    """Date an alert by the first window in which one of its series signalled."""
    series = {signal.measurement.series for signal in alert.evidence}
    windows = [s.measurement.window for s in history if s.fired and s.measurement.series in series]
    known = [w for w in windows if isinstance(w, Window)]
    if not known:
        return alert
    return replace(alert, since=min(known).start, last=max(known).end)


def _rows(states: Mapping[tuple[str, str], State]) -> int:
    state = states.get((ALL, ROWS))
    sample = state.parts.get("row_sample") if state else None
    return sample.rows if isinstance(sample, RowSamplePart) else 0


def _room(n0: int, n: int, spec: Spec) -> float:
    """Return by how much a distance must exceed the tolerance to be seen."""
    size = n0 * n / (n0 + n) if n0 and n else 0.0
    series = max((float(m.options.get("series", 1.0)) for m in spec.monitors), default=1.0)
    return sqrt(log(2 * series * spec.alerts.budget) / (2 * size)) if size else float("inf")


def _verdict(alerts: Sequence[Alert], measurements: Sequence[Measurement], n0: int, n: int, spec: Spec) -> str:
    if not n0 or not n:
        return "no_data"
    if any(alert.state is AlertState.FIRING for alert in alerts):
        return "alert"
    compared = [m for m in measurements if m.family is not Family.QUALITY]
    if compared and all(m.status is Status.FAILED for m in compared):
        return "failed"
    if _room(n0, n, spec) > _LEAST_VISIBLE or not any(m.status is Status.OK for m in compared):
        return "no_data"
    return "ok"


def _explain(schema: Schema) -> list[str]:
    return [f"{c.name}: {c.role.value}, {c.kind.value} ({c.why})" for c in schema if c.why]


def _missing(source: Source, schema: Schema) -> list[str]:
    return [
        f"{c.name} is missing from the current rows. If it is the label, which comes late, name it as the label."
        for c in schema.features
        if c.name not in source.columns
    ]


def _reach(n0: int, n: int, spec: Spec) -> list[str]:
    tolerance = next((float(m.options["tolerance"]) for m in spec.monitors if "tolerance" in m.options), 0.05)
    room = _room(n0, n, spec)
    if room == float("inf"):
        return [f"{n0} reference rows and {n} current rows: there is nothing to compare."]
    seen = (
        f"{n0:,} reference and {n:,} current rows show a change of a distribution of {min(1.0, tolerance + room):.3f}"
    )
    if not tolerance:
        return [f"{seen} or more."]
    needed = room**2 * 2 * n0 * n / (n0 + n) / tolerance**2
    return [f"{seen} or more; one of twice the tolerance of {tolerance:g} takes {needed:,.0f} rows on each side."]
