"""What a reader must know to trust a check: what the rows can show, how columns were taken, what was odd about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import inf, log, sqrt

from watchkeeper.compare.design_effect import RANKS
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import JOINT, ROWS, State
from watchkeeper.core.tasks import Labels
from watchkeeper.ingest.rules import looked_at_by
from watchkeeper.ingest.sources import Source
from watchkeeper.performance.assess_estimates import estimators_for
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.row_sample import RowSamplePart

__all__ = ["against_note", "effects_note", "notes", "reach", "room", "rows"]

_MANY, _MOST = 50, 6
_STRONG = 2.0
_SINGLE = (
    Role.ID, Role.TIME, Role.PREDICTION, Role.SCORE, Role.LABEL, Role.LABEL_TIME, Role.GROUP, Role.LATENCY,
    Role.VERSION,
)  # fmt: skip

States = Mapping[tuple[str, str], State]


def rows(states: States) -> int:
    """Return the number of rows the states were made of."""
    sample = _sample(states)
    return sample.rows if sample else 0


def room(n0: int, n: int, spec: Spec) -> float:
    """Return by how much a distance must exceed the tolerance to be seen."""
    size = n0 * n / (n0 + n) if n0 and n else 0.0
    budgets = (float(m.options.get("series", 1.0)) * float(m.options.get("run_length", 1.0)) for m in spec.monitors)
    return sqrt(log(2 * max(budgets, default=spec.alerts.budget)) / (2 * size)) if size else inf


def notes(
    current: Source, reference: Source, now: States, before: States, spec: Spec, effects: Mapping[str, float]
) -> tuple[str, ...]:
    """Return the notes of a check, the most important first."""
    found: list[str] = []
    for source, states in ((current, now), (reference, before)):
        found += _odd(source)
        found += _undated(source, states, spec.schema)
        found += _repeated(source, states)
    found += _missing(current, spec)
    found += _further(current, spec)
    found += _blank(before, spec.schema)
    found += reach(rows(before), rows(now), spec)
    found += effects_note(effects)
    found += [_columns(spec.schema), *_segments(spec.schema)]
    return tuple(dict.fromkeys(found))


def _sample(states: States) -> RowSamplePart | None:
    state = states.get((ALL, ROWS))
    part = state.parts.get("row_sample") if state else None
    return part if isinstance(part, RowSamplePart) else None


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


def _repeated(source: Source, states: States) -> list[str]:
    sample = _sample(states)
    if sample is None or not sample.doubled:
        return []
    return [
        f"{source.name}: {sample.doubled:,} of {sample.rows:,} rows repeat an id that came before; all were counted"
    ]


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
    return [f"If {_listed(absent)} is the label, which comes late, name it with --label."]


def _further(source: Source, spec: Spec) -> list[str]:
    ruled = looked_at_by(spec.rules)
    further = [name for name in source.columns if name not in spec.schema and name not in ruled]
    if not further:
        return []
    verb = "is" if len(further) == 1 else "are"
    return [f"{source.name}: {_listed(further)} {verb} not in the reference and not looked at."]


def _blank(before: States, schema: Schema) -> list[str]:
    watched = [c.name for c in schema if c.role in (Role.FEATURE, Role.SCORE, Role.CLASS_SCORE, Role.PREDICTION)]
    states = [(name, before.get((ALL, name))) for name in watched]
    counts = [(name, state.parts.get("count")) for name, state in states if state is not None]
    blank = [name for name, part in counts if isinstance(part, CountPart) and part.rows and not part.valid]
    if not blank:
        return []
    return [f"The reference has no values of {_listed(blank)}: nothing can be said about that."]


def reach(n0: int, n: int, spec: Spec) -> list[str]:
    """Say what change so many rows can show at the budget, and how many rows it takes to show twice the tolerance."""
    tolerance = next((float(m.options["tolerance"]) for m in spec.monitors if "tolerance" in m.options), None)
    if tolerance is None or not n0 or not n:
        return []
    needed = room(n0, n, spec)
    told = (
        f"{n0:,} reference and {n:,} current rows show a change of a distribution of {min(1.0, tolerance + needed):.3f}"
    )
    if not tolerance:
        return [f"{told} or more."]
    least = needed**2 * 2 * n0 * n / (n0 + n) / tolerance**2
    return [f"{told} or more; one of twice the tolerance of {tolerance:g} takes {least:,.0f} rows on each side."]


def effects_note(effects: Mapping[str, float]) -> list[str]:
    """Say where rows of the reference are not independent, and what that costs."""
    single = {column: effect for column, effect in effects.items() if column != JOINT and RANKS not in column}
    strong = sorted((column for column, effect in single.items() if effect > _STRONG), key=lambda c: -effects[c])
    if not strong:
        return []
    shown = _listed([f"{column} ({effects[column]:.1f})" for column in strong])
    told = f"Windows of the reference differ by more than independent rows would in {shown}"
    return [f"{told}: rows there count as so many times fewer, and smaller changes go unseen."]


def against_note(spec: Spec) -> list[str]:
    """Say what monitors that compare with earlier windows do not know."""
    named = sorted({monitor.measure for monitor in spec.monitors if monitor.against})
    if not named:
        return []
    told = "rows count as independent, as the design effect of those is unknown"
    return [
        f"{_listed(named)} against earlier windows: {told}; clusters of rows alarm more often than the budget says."
    ]


def _columns(schema: Schema) -> str:
    """Say in one line which column was taken for what; the reasons stand in the report's table of columns."""
    roles = [(role, schema.of(role)) for role in _SINGLE]
    told = [f"{role.value.replace('_', ' ')} {column.name}" for role, column in roles if column is not None]
    if schema.task.spec.labels is not Labels.NOTHING:
        positive = f", positive class {schema.positive}" if schema.positive is not None else ""
        told.append(f"task {schema.task.value}{positive}")
    if schema.class_scores:
        told.append(f"scores {_listed([column for _, column in schema.class_scores])}")
    told.append(f"features {_listed([c.name for c in schema.features])}")
    ignored = [c.name for c in schema if c.role is Role.IGNORED]
    if ignored:
        told.append(f"ignored {_listed(ignored)}")
    return f"Columns as taken: {'; '.join(told)}. The report (--html, --json) gives the reasons."


def _segments(schema: Schema) -> list[str]:
    return [
        f"{rule.column} has many values: the commonest {_MANY} are segments, the others together are one."
        for rule in schema.segments
        if len(rule.values) >= _MANY
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in names[:_MOST])
    return (shown or "none") + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
