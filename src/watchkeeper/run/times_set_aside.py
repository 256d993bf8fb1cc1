"""Rows of a check whose time cannot be, or cannot be read, as a measurement."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.core.intake import Refusal
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.schema import ALL, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.ingest.possible_times import PossibleTimes
from watchkeeper.run.reach import rows
from watchkeeper.stats.count import CountPart
from watchkeeper.steps.set_aside import set_aside

__all__ = ["times_set_aside"]

States = Mapping[tuple[str, str], State]

_UNDATED = 0.01
"""Share of rows without a time from which on rows without one are usual."""


def times_set_aside(
    model: str, possible: PossibleTimes, before: States, now: States, schema: Schema
) -> list[Measurement]:
    """Return the share of rows whose time cannot be or, where those of the reference can, cannot be read."""
    undated = _undated(before, now, schema)
    codes = {**possible.codes, **({Refusal.TIME.value: undated} if undated else {})}
    return [set_aside(model, None, codes, rows(now) - undated)] if codes else []


def _undated(before: States, now: States, schema: Schema) -> int:
    """Return how many rows have no time that can be read; 0 where those of the reference have none either."""
    time = schema.name_of(Role.TIME) or ""
    theirs, ours = (side[ALL, time].parts.get("count") if (ALL, time) in side else None for side in (before, now))
    if not isinstance(theirs, CountPart) or not isinstance(ours, CountPart):
        return 0
    return ours.missing if theirs.missing <= _UNDATED * theirs.rows else 0
