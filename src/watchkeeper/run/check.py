"""One look at current rows against reference rows, without a store, a configuration or a history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from watchkeeper.charts.chart import ChartMemory
from watchkeeper.config.check_options import CheckOptions, Progress
from watchkeeper.config.metrics import Metrics
from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import series_named
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.errors import EmptyError, SchemaError, UsageError, near_miss
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.plugins import plugins
from watchkeeper.core.role_gaps import RoleDoubt, Unjudged, UnnamedRole
from watchkeeper.core.schema import ALL, Role, Schema, Task
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.state import OUTCOME, State, StateKey
from watchkeeper.core.user_code import search_in
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.pace import SAMPLE, pace, span, timed
from watchkeeper.ingest.possible_times import PossibleTimes, possible_times
from watchkeeper.ingest.rules import load_rules, looked_at_by
from watchkeeper.ingest.sources import Source, open_table, rows_beside
from watchkeeper.performance.assess import assess_performance
from watchkeeper.performance.association import turned_labels
from watchkeeper.performance.unjudged import unjudged
from watchkeeper.quality.rule_set import check_columns
from watchkeeper.run.check_history import dated, history_within, window_within
from watchkeeper.run.diagnoses import diagnosed
from watchkeeper.run.doubts import infinite_labels, role_doubts
from watchkeeper.run.notes import aside_note, notes
from watchkeeper.run.reach import blind_metrics_note, blind_note, room, rows
from watchkeeper.run.times_set_aside import times_set_aside
from watchkeeper.run.unnamed import likely_columns
from watchkeeper.schema.inference import infer_schema
from watchkeeper.schema.unnamed import unnamed_roles
from watchkeeper.stats.codec import merged
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.row_metrics import row_metric
from watchkeeper.steps.assess import assess
from watchkeeper.steps.bands import with_learned_bands
from watchkeeper.steps.chart_step import chart_key
from watchkeeper.steps.chosen_comparisons import with_comparisons
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.estimates import blocks_of_reference, kept_for_estimates
from watchkeeper.steps.judge import JudgeMemory, judge
from watchkeeper.steps.label_faults import settled_turn
from watchkeeper.steps.monitors import LEAST_LABELLED, default_monitors, kept, known_tolerances
from watchkeeper.steps.recent import recent_within
from watchkeeper.steps.reference import design_effects, rates_of_reference, reference_pieces
from watchkeeper.steps.sight import columns_seen

__all__ = ["CheckResult", "check_tables"]

_LEAST_VISIBLE = 0.5


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    verdict
        ``ok``, ``alert``, ``no_data``, ``blind`` or ``failed``.
    measurements, signals, alerts
        Of the current rows as a whole.
    diagnoses
        What the firing alerts come from.
    history
        Where the current rows have a time column: signals of the windows inside them, of the columns in an alert.
    reference, current
        States of both sides.
    notes
        How columns were taken, and what the number of rows allows to be seen.
    rows
        Number of reference and current rows.
    why
        Why there is nothing to compare; empty where there is something.
    unjudged
        What was there to be judged, and of which nothing could be measured.
    unnamed
        Roles that no column has.
    doubts
        Labels and scores that were probably meant in another way than they were taken.
    """

    verdict: str
    spec: Spec
    measurements: tuple[Measurement, ...] = ()
    signals: tuple[Signal, ...] = ()
    alerts: tuple[Alert, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    history: tuple[Signal, ...] = ()
    reference: Mapping[StateKey, State] = field(default_factory=dict)
    current: Mapping[StateKey, State] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: tuple[int, int] = (0, 0)
    why: str = ""
    unjudged: tuple[Unjudged, ...] = ()
    unnamed: tuple[UnnamedRole, ...] = ()
    doubts: tuple[RoleDoubt, ...] = ()


def check_tables(
    current: Any,
    reference: Any,
    options: CheckOptions | None = None,
    *,
    now: datetime | None = None,
    model: str = "check",
) -> CheckResult:
    """Compare current rows with reference rows.

    Parameters
    ----------
    current, reference
        Anything ``open_table`` reads: Parquet, CSV or Arrow files, folders and globs, Polars, pandas and Arrow tables.
    options
        What the check is asked; None for its defaults.
    now
        The moment of the check, for rules about freshness.
    model
        What to call what answered.

    Raises
    ------
    SourceError
        When a table cannot be read.
    SchemaError
        When a named column does not exist in the reference.
    ConfigError
        When a rule is off, or names a column that neither table has, or a value names a class that does not exist.
    UsageError
        When there is no such comparison, or a metric or a value is off.
    """
    options = options or CheckOptions()
    wanted, asked = load_rules(options.rules), _asked(options.measures)
    own = _own_metrics(options.metrics, options.value or {})
    try:
        schema, theirs, door = _reference(reference, current, options)
        ours = open_table(current, door=door)
    except EmptyError as error:
        return CheckResult("no_data", Spec(model, Schema(())), why=f"{error}.")
    schema = replace(schema, metrics=own.functions)
    _refuse_foreign(ours, schema)
    embedding, read = Embedding(options.embed or {}), schema
    schema = embedding.wide(read)
    check_columns(wanted, [*theirs.columns, *ours.columns], "either table")
    ours, theirs = timed(ours, schema), timed(theirs, schema)
    rule = AlertRule(k=1, n=1, budget=options.run_length)
    tolerances = known_tolerances(options.tolerances or {}, schema, "tolerances")
    monitors = default_monitors(schema, rule, history=False, tolerance=options.tolerance, tolerances=tolerances)
    monitors = with_comparisons(monitors, options.comparisons or {}, schema) + asked
    late = _mostly_unlabelled(ours, schema)
    sampled, learnt_from = kept_for_estimates(schema, options.estimate, labelled=not late)
    worth = own.by_label(schema)
    spec = Spec(
        model, schema, None, None, monitors, rule, keep=(*kept(monitors), *sampled),
        reference_keep=(*kept(monitors), *learnt_from),
        value=worth, fairness=tuple(options.fairness), estimate=options.estimate,
    )  # fmt: skip
    spread = replace(spec, windows=pace(theirs, schema), keep=spec.reference_keep)
    batches = _batches(theirs, read, tuple(embedding.embedders))
    whole = reference_pieces(batches, spread, embedding, progress=_told(options.progress, "reference", theirs))
    before = merged(whole.values(), None, model)
    effects, rates = design_effects(whole, spread), rates_of_reference(whole, spread)
    grain = window_within(ours, schema)
    spec = replace(spec, rules=wanted)
    spec_in_time = replace(spec, windows=grain)
    possible = possible_times(ours, schema, now or datetime.now(UTC), span(theirs, schema))
    batches = _batches(ours, read, (*looked_at_by(wanted), *embedding.embedders), possible)
    pieces = embedding.summarise(batches, spec_in_time, progress=_told(options.progress, "current", ours))
    states = merged(pieces.values(), None, model)
    between = blocks_of_reference(whole, spec) if late or _waits(states, schema) else {}
    recent = recent_within(pieces, before) if grain else {}
    measurements = assess(
        states, before, spec, effects=effects, rates=rates, recent=recent, now=now, between=between, learns=False
    )
    measurements, _ = with_learned_bands(measurements, {}, between)
    measurements += settled_turn(turned_labels(before, states, schema), measurements)
    measurements = [*measurements, *times_set_aside(model, possible, before, states, schema)]
    baseline = _baseline(before, spec)
    judged = judge(measurements, spec, baseline, None)
    history = history_within(pieces, (before, effects, rates), spec, baseline, judged.alerts) if grain else ()
    alerts = tuple(dated(alert, history) for alert in judged.alerts)
    n0, n = rows(before), rows(states)
    lost = unjudged(
        measurements, schema, options.roles(), labels=_labels(states, schema) + infinite_labels(states, schema)
    )
    if not n0 or not n:
        alerts = ()
    diagnoses = tuple(
        diagnosed(
            alert,
            spec,
            before,
            states,
            effects=effects,
            rates=rates,
            attributed=options.attributed or alert.cause is Cause.PERFORMANCE,
        )
        for alert in alerts
        if alert.state is AlertState.FIRING
    )
    return CheckResult(
        _verdict(alerts, measurements, (n0, n), spec, lost, blind=_too_blind(judged.signals, options)),
        spec,
        tuple(measurements),
        judged.signals,
        alerts,
        diagnoses,
        history,
        {s.key: s for s in before.values()},
        {s.key: s for s in states.values()},
        (
            *aside_note(ours, possible),
            *blind_note(judged.signals, _length(span(theirs, schema)), windows=False),
            *blind_metrics_note(judged.signals, windows=False),
            *notes(ours, theirs, states, before, replace(spec, schema=read), effects),
        ),
        (n0, n),
        "" if monitors or wanted else "No column is left to compare.",
        lost,
        unnamed_roles(read, **likely_columns(before)),
        role_doubts(read, before, states),
    )


def _reference(reference: Any, current: Any, options: CheckOptions) -> tuple[Schema, Source, Door]:
    """Return the schema of the reference, its rows, and the door through which the current ones come."""
    door = Door(options.declared, answers=options.answers, beside=rows_beside(current))
    theirs = open_table(reference, door=door)
    schema = infer_schema(
        theirs.sample(SAMPLE),
        roles=options.roles(),
        features=options.features,
        ignore=options.ignore,
        segments=options.split_by,
        positive=options.positive,
        task=Task(options.task) if options.task else None,
        scores=options.scores,
        quantiles=options.quantiles,
        kinds=options.kinds,
    )
    return schema, theirs, replace(door, beside=None).expecting(schema, theirs.first_readings)


def _batches(
    source: Source, schema: Schema, also: Sequence[str] = (), kept: PossibleTimes | None = None
) -> Iterator[Batch]:
    label = schema.name_of(Role.LABEL)
    wanted = [*(c.name for c in schema if c.role is not Role.IGNORED), *(r.column for r in schema.segments), *also]
    columns = [name for name in dict.fromkeys(wanted) if name in source.schema]
    frames = source.batches(columns=columns)
    for frame in frames if kept is None else kept.among(frames):
        if label and label not in frame.columns:
            # Labels come late: a table that has none yet is not at fault.
            yield Batch(frame.with_columns(pl.lit(None).alias(label)), schema)
        else:
            yield Batch(frame, schema)


def _mostly_unlabelled(source: Source, schema: Schema) -> bool:
    """Return whether most labels are still to come, by rows from all over the table."""
    label = schema.name_of(Role.LABEL)
    if label is None or label not in source.columns:
        return True
    held = series_named(source.sample(SAMPLE, [label]), label)
    known = held.drop_nans() if held.dtype.is_float() else held
    return 2 * (len(known) - known.null_count()) < len(held)


def _labels(states: Mapping[tuple[str, str], State], schema: Schema) -> int:
    """Return the rows whose label is in."""
    state = states.get((ALL, schema.name_of(Role.LABEL) or ""))
    count = state.parts.get("count") if state else None
    return count.valid if isinstance(count, CountPart) else 0


def _waits(states: Mapping[tuple[str, str], State], schema: Schema) -> bool:
    """Return whether a label is still to come."""
    held = states.get((ALL, schema.name_of(Role.LABEL) or ""))
    count = held.parts.get("count") if held else None
    return isinstance(count, CountPart) and count.valid < count.rows


def _asked(measures: Sequence[str]) -> tuple[Monitor, ...]:
    """Return monitors without a chart, whose comparisons are made and not judged."""
    known = plugins("comparison")
    for name in measures:
        if name not in known:
            raise UsageError(f"there is no comparison {name!r}; {near_miss(name, known)}")
    return tuple(Monitor(name, "") for name in dict.fromkeys(measures))


def _own_metrics(functions: Sequence[str], value: Mapping[str, float | Mapping[str, float]]) -> Metrics:
    """Return the user's own metrics; functions are looked for in the working folder too, and are there."""
    try:
        own = Metrics.model_validate({"functions": list(functions), "value": value})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{where}: {str(first['msg']).removeprefix('Value error, ').removeprefix('Input ')}") from None
    if own.functions:
        search_in(Path.cwd())
    for place in own.functions:
        try:
            row_metric(place)
        except Exception as error:
            words = str(error) if isinstance(error, SchemaError) else f"{place} cannot be imported: {error}"
            raise UsageError(words) from error
    return own


def _refuse_foreign(source: Source, schema: Schema) -> None:
    known = [c.name for c in schema if c.role is not Role.IGNORED]
    if known and not any(name in source.schema for name in known):
        told = " and ".join(
            f"{side} has {', '.join(map(repr, names[:8]))}"
            for side, names in (("current", source.columns), ("the reference", known))
        )
        raise SchemaError(f"current and reference share no column: {told}. Is the line that names the columns there?")


def _told(progress: Progress | None, name: str, source: Source) -> Callable[[int], None] | None:
    if progress is None:
        return None
    total = source.rows
    return lambda rows: progress(name, rows, total)


def _baseline(before: Mapping[tuple[str, str], State], spec: Spec) -> JudgeMemory:
    """Make the reference's own metrics the centre of their charts, with their own sampling variance."""
    charts: dict[str, ChartMemory] = {}
    outcomes = [state for (_, column), state in before.items() if column == OUTCOME]
    for m in (m for state in outcomes for m in assess_performance(state, spec.schema)):
        if m.status is Status.OK and m.value is not None and m.error is not None and m.n >= LEAST_LABELLED:
            numbers = {"centre": m.value, "between": (m.error or 0.0) ** 2, "used": 0.0}
            for family in (Family.METRIC, Family.ESTIMATE):
                charts[chart_key("shewhart", replace(m, family=family))] = ChartMemory(numbers)
    return JudgeMemory(charts)


def _length(ends: tuple[datetime, datetime] | None) -> timedelta | None:
    return None if ends is None else ends[1] - ends[0]


def _too_blind(signals: Sequence[Signal], options: CheckOptions) -> bool:
    """Return whether the label or the score that was named is blind, or more than half of the columns are."""
    seen = columns_seen(signals)
    named = {options.label, options.score, *(options.scores or {}).values()}
    return 2 * len(seen.blind) > len(seen.columns) or any(column in named for column in seen.blind)


def _verdict(
    alerts: Sequence[Alert],
    measurements: Sequence[Measurement],
    rows: tuple[int, int],
    spec: Spec,
    lost: Sequence[Unjudged],
    *,
    blind: bool,
) -> str:
    n0, n = rows
    if not n0 or not n:
        return "no_data"
    if any(alert.state is AlertState.FIRING for alert in alerts):
        return "alert"
    compared = [m for m in measurements if m.family is not Family.QUALITY]
    if compared and all(m.status is Status.FAILED for m in compared):
        return "failed"
    if lost or room(n0, n, spec) > _LEAST_VISIBLE or not any(m.status is Status.OK for m in compared):
        return "no_data"
    return "blind" if blind else "ok"
