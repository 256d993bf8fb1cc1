"""Watchkeeper's stream rule on one feature, through ``watchkeeper.Stream`` in small batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

import numpy as np

from bench.calibration.streams import (
    CHANGE,
    FIRST,
    LEVELED,
    REFERENCE_WINDOWS,
    ROWS,
    WINDOWS,
    Values,
    column,
    reference,
    shifted,
)
from bench.calibration.streams import Stream as Changes
from bench.calibration.tally import Tally
from bench.calibration.window_rule import DAY, MODEL, START, TIME, frame
from watchkeeper import Stream
from watchkeeper.core.batch import Batch
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.codec import merged
from watchkeeper.stats.summarise import summarise
from watchkeeper.steps.reference import design_effects

RUN_LENGTH = 1e5
"""Rows to a false alarm."""

BATCH = 10
"""Rows of a micro-batch."""

HORIZON = 20
"""Windows after a change in which it is waited for."""

_WARM = 5
Batches = Iterator[tuple[int, Mapping[str, Values]]]

RULES = {f"Watchkeeper, stream rule, δ = {delta:g}".replace("0.", "."): delta for delta in (0.006, 0.05)}


class Watched:
    """Features whose reference is known, and a stream for each tolerance."""

    def __init__(self, columns: Mapping[str, Values], rules: Mapping[str, float] = RULES) -> None:
        table = frame(columns, -REFERENCE_WINDOWS)
        schema = infer_schema(table, roles={Role.TIME: TIME})
        spec = Spec(MODEL, schema, WindowRule(DAY, DAY, START))
        pieces = summarise([Batch(table, schema)], spec)
        reference, effects = merged(pieces.values(), None, MODEL), design_effects(pieces, spec)
        # A batch has no times here: it is judged as it arrives.
        features = Schema(tuple(c for c in schema if c.role is Role.FEATURE))
        self.streams = {
            name: Stream(reference, features, tolerance=delta, run_length=RUN_LENGTH, every=1, effects=effects)
            for name, delta in rules.items()
        }

    def alarms(self, batch: Mapping[str, Values]) -> set[str]:
        """Take a batch in; return the rules that alarm."""
        return {rule for rule, stream in self.streams.items() if stream.update(batch).signals}

    def save(self) -> dict[str, bytes]:
        """Return where all streams stand."""
        return {rule: stream.save() for rule, stream in self.streams.items()}

    def restore(self, saved: Mapping[str, bytes]) -> None:
        """Go on from where all streams stood."""
        self.streams = {rule: Stream.restore(data) for rule, data in saved.items()}


def _batches(stream: Changes, repetition: int, name: str, first: int, last: int) -> Batches:
    """Yield the rows seen after each batch, and the batch, of the windows from ``first`` to before ``last``."""
    for number in range(first, last):
        values = column(stream, repetition, number, name)
        for start in range(0, ROWS, BATCH):
            yield (number - first) * ROWS + start + BATCH, {name: values[start : start + BATCH]}


def clean(
    stream: Changes, repetition: int, changes: Iterable[Changes] = (), numbers: range = range(WINDOWS)
) -> list[Tally]:
    """Judge every row of a clean stream, and go on from its middle with each change."""
    watched = Watched(reference(stream, repetition, (FIRST,)))
    found = {rule: Tally("rows", rule, stream.name, 1, len(numbers) * ROWS) for rule in RULES}
    middle = watched.save()
    for rows, batch in _batches(stream, repetition, FIRST, numbers.start, numbers.stop):
        for rule in watched.alarms(batch):
            found[rule].alarms += 1
        if rows == (CHANGE - numbers.start) * ROWS:
            middle = watched.save()
    after = [t for change in changes for t in _after(change, repetition, watched, middle, FIRST)]
    return [*found.values(), *after]


def _after(change: Changes, repetition: int, watched: Watched, middle: Mapping[str, bytes], name: str) -> list[Tally]:
    delays = dict.fromkeys(RULES, inf)
    watched.restore(middle)
    for rows, batch in _batches(change, repetition, name, CHANGE, CHANGE + HORIZON):
        for rule in watched.alarms(batch):
            delays[rule] = min(delays[rule], float(rows))
        if max(delays.values()) < inf:
            break
    return [Tally("rows", rule, change.name, 1, delays=[delay]) for rule, delay in delays.items()]


def appearing(change: Changes, repetition: int) -> list[Tally]:
    """Judge a categorical feature, at first clean, in which a level appears."""
    watched = Watched(reference(change, repetition, (LEVELED,)))
    for _, batch in _batches(change, repetition, LEVELED, CHANGE - _WARM, CHANGE):
        watched.alarms(batch)
    return _after(change, repetition, watched, watched.save(), LEVELED)


def million(repetition: int, rows: int = 1_000_000, shift: float = 0.02, batch: int = 1_000) -> int:
    """Return how often the default rule alarms in ``rows`` rows of one feature that is shifted a little."""
    watched = Watched(reference(Changes("clean"), repetition, (FIRST,)), dict(list(RULES.items())[-1:]))
    values = np.asarray(shifted(repetition, 0, rows, shift, (FIRST,))[FIRST])
    return sum(len(watched.alarms({FIRST: values[start : start + batch]})) for start in range(0, rows, batch))
