"""Rules suggested from a reference table, in two bounded passes over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SourceError
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Role
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.sources import open_table
from watchkeeper.quality.suggest import LEAST_ROWS, confirmed, suggest
from watchkeeper.schema.declared import NOTHING_DECLARED, Declared
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise

__all__ = ["suggest_rules"]

_SAMPLE = 50_000


def suggest_rules(
    reference: Any,
    *,
    roles: Mapping[Role, str] | None = None,
    ignore: Sequence[str] = (),
    declared: Declared = NOTHING_DECLARED,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> tuple[Rule, ...]:
    """Return rules that the rows of a reference keep, and that others of its kind would.

    Parameters
    ----------
    reference
        Anything ``open_table`` reads.
    roles
        Columns by role; the others are inferred.
    ignore
        Columns to say nothing of.
    declared
        What is declared of the values, as in the check that asks the rules.

    Raises
    ------
    SourceError
        When the table cannot be read or is too small to learn from.
    SchemaError
        When a named column does not exist.
    """
    source = open_table(reference, door=Door(declared))
    schema = infer_schema(source.sample(_SAMPLE), roles=roles or {}, ignore=ignore, kinds=declared.kinds)
    time = schema.name_of(Role.TIME)
    timed = replace(source, time=time) if time and time in source.columns else source
    sample = timed.sample(_SAMPLE)
    if sample.height < LEAST_ROWS:
        raise SourceError(f"{source.name} has {sample.height} rows; rules are suggested from {LEAST_ROWS} and more")
    spec = Spec("rules", schema)

    def states(of: Spec) -> dict[str, State]:
        told = None if progress is None else (lambda rows: progress("reference", rows, None))
        found = summarise((Batch(frame, schema) for frame in timed.batches()), of, progress=told)
        return {column: state for (_, column), state in merged(found.values(), None, of.model).items()}

    plain = states(spec)
    candidates = suggest(schema, plain, sample)
    return confirmed(candidates, plain | states(replace(spec, rules=candidates)), schema)
