"""What a reader must know to trust a check: what the rows can show, how columns were taken, what was odd about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from watchkeeper.core.intake import Refusal, TimeLimits
from watchkeeper.core.schema import ALL, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.tasks import Labels
from watchkeeper.ingest.possible_times import PossibleTimes
from watchkeeper.ingest.rules import looked_at_by
from watchkeeper.ingest.sources import Source
from watchkeeper.performance.assess_estimates import estimators_for
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.run.reach import effects_note, listed, moving_note, reach, rows, rows_sampled
from watchkeeper.schema.kinds import ROUNDING
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.moments import MomentsPart
from watchkeeper.words.change import moment
from watchkeeper.words.values import value_sentences

__all__ = ["aside_note", "notes"]

_MANY = 50
_SINGLE = (
    Role.ID, Role.TIME, Role.PREDICTION, Role.SCORE, Role.LABEL, Role.LABEL_TIME, Role.GROUP, Role.LATENCY,
    Role.VERSION,
)  # fmt: skip

States = Mapping[tuple[str, str], State]


def notes(
    current: Source, reference: Source, now: States, before: States, spec: Spec, effects: Mapping[str, float]
) -> tuple[str, ...]:
    """Return the notes of a check, the most important first."""
    found: list[str] = []
    for source, states in ((current, now), (reference, before)):
        found += [f"{source.name}: {told}." for note in source.value_notes for told in value_sentences(note)]
        found += _odd(source)
        found += _undated(source, states, spec.schema)
        found += _impossible(source, states, spec.schema) if source is reference else []
        found += _repeated(source, states, spec.schema)
        found += _rounded(source, states, spec.schema)
    found += _missing(current, spec)
    found += _further(current, spec)
    found += _blank(before, spec.schema)
    found += reach(rows(before), rows(now), spec)
    found += effects_note(effects)
    found += moving_note(spec.schema)
    found += [_columns(spec.schema), *_segments(spec.schema)]
    return tuple(dict.fromkeys(found))


def _odd(source: Source) -> list[str]:
    """Return the problems of reading, of those that differ in their numbers and examples alone the first."""
    alike = {re.sub(r"[\d,]+|such as .*", "", problem): problem for problem in reversed(source.problems)}
    return [f"{source.name}: {problem}." for problem in reversed(alike.values())]


def _undated(source: Source, states: States, schema: Schema) -> list[str]:
    time = schema.name_of(Role.TIME)
    if time is None:
        return []
    if time not in source.columns:
        return [f"{source.name} has no time column {time}, so nothing in it is dated."]
    state = states.get((ALL, time))
    part = state.parts.get("count") if state else None
    if not isinstance(part, CountPart) or not part.missing:
        return []
    return [f"{source.name}: {part.missing:,} of {part.rows:,} rows have no time in {time} that can be read."]


def aside_note(source: Source, possible: PossibleTimes) -> list[str]:
    """Say how many rows were set aside for their time, and why."""
    limits = possible.limits
    reasons = {
        Refusal.EARLY: f"before {limits.earliest:%Y-%m-%d}: an empty clock, or seconds taken for milliseconds",
        Refusal.AHEAD: f"after {limits.latest:%Y-%m-%d %H:%M} UTC, which is yet to come" if limits.latest else "",
        Refusal.APART: "years from the rest",
    }
    listed = [f"{count:,} with {possible.time} {reasons[Refusal(code)]}" for code, count in possible.codes.items()]
    many = possible.codes.total()
    return (
        [f"{source.name}: {many:,} row{'s were' if many > 1 else ' was'} set aside: {'; '.join(listed)}."]
        if many
        else []
    )


def _impossible(source: Source, states: States, schema: Schema) -> list[str]:
    """Say that times reach to where none can be; they date no alert, and a run would set their rows aside."""
    time = schema.name_of(Role.TIME)
    state = states.get((ALL, time)) if time else None
    part = state.parts.get("moments") if state else None
    if not isinstance(part, MomentsPart) or not part.n:
        return []
    earliest, latest = TimeLimits().earliest, datetime.now(UTC) + timedelta(days=1)
    odd = []
    if part.smallest < earliest.timestamp():
        odd.append(f"from {moment(part.smallest)}, before {earliest:%Y-%m-%d}")
    if part.largest > latest.timestamp():
        odd.append(f"to {moment(part.largest)}, which is yet to come")
    return [f"{source.name}: times in {time} reach {' and '.join(odd)}; such times cannot be."] if odd else []


def _repeated(source: Source, states: States, schema: Schema) -> list[str]:
    sample = rows_sampled(states)
    if sample is None or not sample.doubled:
        return []
    if sample.doubled == sample.rows - 1:
        told = f"the id {schema.name_of(Role.ID)} holds one value in all {sample.rows:,} rows"
        return [f"{source.name}: {told}, so that no row can be told from another."]
    return [
        f"{source.name}: {sample.doubled:,} of {sample.rows:,} rows repeat an id that came before; all were counted"
    ]


def _rounded(source: Source, states: States, schema: Schema) -> list[str]:
    """Say where probabilities left [0, 1] by an error of rounding."""
    found = []
    for column in schema:
        state = states.get((ALL, column.name)) if column.role in (Role.SCORE, Role.CLASS_SCORE) else None
        part = state.parts.get("moments") if state else None
        if schema.task.spec.labels is not Labels.CLASS or not isinstance(part, MomentsPart) or not part.n:
            continue
        off = max(part.largest - 1.0, -part.smallest)
        if 0 < off <= ROUNDING:
            worst = part.largest if off == part.largest - 1.0 else part.smallest
            told = f"{column.name} leaves [0, 1] by an error of rounding, as {worst:.9g} does"
            found.append(f"{source.name}: {told}; such scores are taken as 0 or 1.")
    return found


def _missing(source: Source, spec: Spec) -> list[str]:
    schema = spec.schema
    label = schema.name_of(Role.LABEL)
    if label is not None:
        told = f"{source.name} has no labels ({label}) yet, so performance is not measured."
        if spec.estimate != "never" and estimators_for(schema):
            told = f"{told[:-1]} but estimated, as if {ASSUMES}."
        return [] if label in source.columns else [told]
    absent = [c.name for c in schema.features if c.name not in source.columns]
    if not absent:
        return []
    return [f"If {listed(absent)} is the label, which comes late, name it with --label."]


def _further(source: Source, spec: Spec) -> list[str]:
    ruled = looked_at_by(spec.rules)
    further = [name for name in source.columns if name not in spec.schema and name not in ruled]
    if not further:
        return []
    verb = "is" if len(further) == 1 else "are"
    return [f"{source.name}: {listed(further)} {verb} not in the reference and not looked at."]


def _blank(before: States, schema: Schema) -> list[str]:
    watched = [c.name for c in schema if c.role in (Role.FEATURE, Role.SCORE, Role.CLASS_SCORE, Role.PREDICTION)]
    states = [(name, before.get((ALL, name))) for name in watched]
    counts = [(name, state.parts.get("count")) for name, state in states if state is not None]
    blank = [name for name, part in counts if isinstance(part, CountPart) and part.rows and not part.valid]
    if not blank:
        return []
    return [f"The reference has no values of {listed(blank)}: nothing can be said about that."]


def _columns(schema: Schema) -> str:
    """Say in one line which column was taken for what; the reasons stand in the report's table of columns."""
    roles = [(role, schema.of(role)) for role in _SINGLE]
    told = [f"{role.value.replace('_', ' ')} {column.name}" for role, column in roles if column is not None]
    if schema.task.spec.labels is not Labels.NOTHING:
        positive = f", positive class {schema.positive}" if schema.positive is not None else ""
        told.append(f"task {schema.task.value}{positive}")
    if schema.class_scores:
        told.append(f"scores {listed([column for _, column in schema.class_scores])}")
    things = [c.name for c in schema.features if c.kind is Kind.IDENTIFIER]
    told.append(f"features {listed([c.name for c in schema.features if c.kind is not Kind.IDENTIFIER])}")
    told += [f"identifiers {listed(things)}"] if things else []
    ignored = [c.name for c in schema if c.role is Role.IGNORED]
    if ignored:
        told.append(f"ignored {listed(ignored)}")
    return f"Columns as taken: {'; '.join(told)}. The report (--html, --json) gives the reasons."


def _segments(schema: Schema) -> list[str]:
    return [
        f"{rule.column} has many values: the commonest {_MANY} are segments, the others together are one."
        for rule in schema.segments
        if len(rule.values) >= _MANY
    ]
