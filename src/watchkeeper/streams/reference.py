"""A stream from the rows of a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from watchkeeper.charts.evidence import tolerated
from watchkeeper.compare.design_effect import LEAST_WINDOWS
from watchkeeper.config.budget import parse_budget
from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import RANKS
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.pace import SAMPLE, pace, span, timed
from watchkeeper.ingest.sources import Source, open_table
from watchkeeper.schema.declared import NOTHING_DECLARED, Declared
from watchkeeper.schema.inference import infer_schema
from watchkeeper.schema.kinds import map_of
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.reference import design_effects
from watchkeeper.streams.arrivals import ERROR, errors_of
from watchkeeper.streams.stream import Stream

__all__ = ["open_stream"]

_MINUTE = timedelta(minutes=1)
_A_DAY = timedelta(days=1)


def open_stream(
    reference: Any,
    *,
    roles: Mapping[Role, str] | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    segments: Sequence[str] = (),
    positive: str | None = None,
    tolerance: float = 0.05,
    margin: float = 0.02,
    budget: str | float = 100_000.0,
    rows_per_day: float | None = None,
    every: int = 10,
    declared: Declared = NOTHING_DECLARED,
    model: str = "stream",
) -> Stream:
    """Return a stream that compares rows with those of a reference.

    Parameters
    ----------
    reference
        Anything ``open_table`` reads; read in batches.
    roles
        Columns by role; what is not given is inferred.
    segments
        Columns whose commonest values are watched each by itself as well.
    tolerance
        Change of a share that does not matter.
    margin
        Rise of the share of wrong answers that does not matter.
    budget
        Rows of unchanged data, on average, to a false alert; or words such as ``one false alert per model and year``,
        for which rows are counted at ``rows_per_day``, or as they come in the reference.
    every
        Rows that are gathered before they are judged.
    declared
        What is declared of the values, here and in the rows that arrive.

    Raises
    ------
    SourceError
        When the reference cannot be read.
    SchemaError
        When a named column does not exist in it.
    UsageError
        When words are given as budget and nothing tells how many rows come in a day, or no column can be watched.
    """
    door = Door(declared)
    source = open_table(reference, door=door)
    known = source.first_readings
    sample = source.sample(SAMPLE)
    schema = infer_schema(
        sample,
        roles=roles or {},
        features=features,
        ignore=ignore,
        segments=segments,
        positive=positive,
        kinds=declared.kinds,
    )
    source = timed(source, schema)
    run_length = _rows(budget, rows_per_day, source, schema)
    inside, label = schema, schema.of(Role.LABEL)
    if label is not None:
        errors = errors_of(sample, schema)
        inside = schema.with_columns((*schema, Column(ERROR, Role.FEATURE, Kind.NUMERIC, "Float64", map_of(errors))))
    spec = replace(Spec(model, inside), windows=pace(source, schema))
    pieces = summarise(_batches(source, inside, schema), spec)
    effects = design_effects(pieces, spec)
    return Stream(
        merged(pieces.values(), None, model), schema, tolerance=tolerance, margin=margin, run_length=run_length,
        every=every, effects=effects, notes=_notes(source, effects, tolerance, spec), model=model,
        door=replace(door, known=known),
    )  # fmt: skip


def _batches(source: Source, inside: Schema, schema: Schema) -> Iterator[Batch]:
    wanted = [c.name for c in schema if c.role is not Role.IGNORED]
    columns = list(dict.fromkeys([*wanted, *(rule.column for rule in schema.segments)]))
    for frame in source.batches(columns=columns):
        yield Batch(frame.with_columns(errors_of(frame, schema)) if ERROR in inside else frame, inside)


def _rows(budget: str | float, rows_per_day: float | None, source: Source, schema: Schema) -> float:
    """Return the rows to a false alert that a budget stands for."""
    if isinstance(budget, (int, float)):
        return float(budget)
    minutes = parse_budget(budget, _MINUTE)
    if rows_per_day is None:
        ends = span(source, schema)
        days = (ends[1] - ends[0]) / _A_DAY if ends else 0.0
        rows_per_day = source.rows / days if days else None
    if rows_per_day is None or rows_per_day <= 0:
        raise UsageError(
            f"the budget {budget!r} is in time, and nothing tells how many rows come in a day: give rows_per_day, name "
            "the time column of the reference, or give the budget as a number of rows"
        )
    return minutes * (_MINUTE / _A_DAY) * rows_per_day


def _notes(source: Source, effects: Mapping[str, float], tolerance: float, spec: Spec) -> list[str]:
    found = [f"{problem}." for problem in source.problems]
    known = tolerated(0.0, source.rows, 1.0)
    if known > tolerance:
        found.append(
            f"The reference's {source.rows:,} rows know their own shares to within {known:.3g}, which takes the place "
            f"of the tolerance {tolerance:g}."
        )
    strong = {name: effect for name, effect in effects.items() if effect >= 2 and RANKS not in name}
    if strong:
        told = ", ".join(f"{name.removeprefix('@')} {effect:.3g}" for name, effect in list(strong.items())[:6])
        found.append(f"Rows of these columns count for fewer, by the design effect of the reference: {told}.")
    if not effects:
        why = "it has no time column" if spec.windows is None else f"it has fewer than {LEAST_WINDOWS} windows"
        found.append(f"Rows count as independent: the reference does not tell its design effect, as {why}.")
    return found
