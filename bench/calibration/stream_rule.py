"""Watchkeeper's stream rule on one feature: states of small batches, their shares, the e-detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

import numpy as np
import polars as pl

from bench.calibration.streams import (
    CHANGE,
    FIRST,
    LEVELED,
    REFERENCE_WINDOWS,
    ROWS,
    WINDOWS,
    Stream,
    Values,
    column,
    reference,
    shifted,
)
from bench.calibration.tally import Tally
from bench.calibration.window_rule import DAY, MODEL, START, TIME, frame
from watchkeeper.core.batch import Batch
from watchkeeper.core.inference import infer_schema
from watchkeeper.core.schema import Role, Schema
from watchkeeper.core.spec import AlertRule, Monitor, Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.run.monitors import kept
from watchkeeper.run.reference import design_effects
from watchkeeper.run.steps import Watch, assess, judge, merged
from watchkeeper.stats.summarise import summarise

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
    """One feature whose reference is known, and a detector for each tolerance."""

    def __init__(self, columns: Mapping[str, Values], rules: Mapping[str, float] = RULES) -> None:
        table = frame(columns, -REFERENCE_WINDOWS)
        schema = infer_schema(table, roles={Role.TIME: TIME})
        names = tuple(columns)
        self.specs = {name: self._spec(schema, names, delta) for name, delta in rules.items()}
        spec = next(iter(self.specs.values()))
        pieces = summarise([Batch(table, schema)], spec)
        self.reference = merged(pieces.values(), None, MODEL)
        self.effects = design_effects(pieces, spec)
        # A batch has no times here: it is judged as it arrives.
        self.schema = Schema(tuple(c for c in schema if c.role is Role.FEATURE))

    @staticmethod
    def _spec(schema: Schema, names: tuple[str, ...], delta: float) -> Spec:
        options: dict[str, float | str] = {"tolerance": delta, "run_length": RUN_LENGTH}
        monitors = (Monitor("shares", "e_detector", names, options=options),)
        rule = AlertRule(1, 1)
        return Spec(MODEL, schema, WindowRule(DAY, DAY, START), None, monitors, rule, keep=kept(monitors))

    def alarms(self, batch: Mapping[str, Values], watches: dict[str, Watch]) -> set[str]:
        """Take a batch in; return the rules that alarm, and go on in ``watches``."""
        some = next(iter(self.specs.values()))
        rows = pl.DataFrame({name: pl.Series(values) for name, values in batch.items()})
        states = merged(summarise([Batch(rows, self.schema)], some).values(), None, MODEL)
        measured = assess(states, self.reference, some, only={"shares"}, effects=self.effects)
        found = set()
        for rule, spec in self.specs.items():
            judged = judge(measured, spec, Watch(watches[rule].charts), None)
            watches[rule] = judged.watch
            if any(signal.fired for signal in judged.signals):
                found.add(rule)
        return found


def _batches(stream: Stream, repetition: int, name: str, first: int, last: int) -> Batches:
    """Yield the rows seen after each batch, and the batch, of the windows from ``first`` to before ``last``."""
    for number in range(first, last):
        values = column(stream, repetition, number, name)
        for start in range(0, ROWS, BATCH):
            yield (number - first) * ROWS + start + BATCH, {name: values[start : start + BATCH]}


def clean(
    stream: Stream, repetition: int, changes: Iterable[Stream] = (), numbers: range = range(WINDOWS)
) -> list[Tally]:
    """Judge every row of a clean stream, and go on from its middle with each change."""
    watched = Watched(reference(stream, repetition, (FIRST,)))
    found = {rule: Tally("rows", rule, stream.name, 1, len(numbers) * ROWS) for rule in RULES}
    watches = dict.fromkeys(RULES, Watch())
    middle = dict(watches)
    for rows, batch in _batches(stream, repetition, FIRST, numbers.start, numbers.stop):
        for rule in watched.alarms(batch, watches):
            found[rule].alarms += 1
        if rows == (CHANGE - numbers.start) * ROWS:
            middle = dict(watches)
    after = [t for change in changes for t in _after(change, repetition, watched, middle, FIRST)]
    return [*found.values(), *after]


def _after(change: Stream, repetition: int, watched: Watched, middle: dict[str, Watch], name: str) -> list[Tally]:
    delays, watches = dict.fromkeys(RULES, inf), dict(middle)
    for rows, batch in _batches(change, repetition, name, CHANGE, CHANGE + HORIZON):
        for rule in watched.alarms(batch, watches):
            delays[rule] = min(delays[rule], float(rows))
        if max(delays.values()) < inf:
            break
    return [Tally("rows", rule, change.name, 1, delays=[delay]) for rule, delay in delays.items()]


def appearing(change: Stream, repetition: int) -> list[Tally]:
    """Judge a categorical feature, at first clean, in which a level appears."""
    watched = Watched(reference(change, repetition, (LEVELED,)))
    watches = dict.fromkeys(RULES, Watch())
    for _, batch in _batches(change, repetition, LEVELED, CHANGE - _WARM, CHANGE):
        watched.alarms(batch, watches)
    return _after(change, repetition, watched, watches, LEVELED)


def million(repetition: int, rows: int = 1_000_000, shift: float = 0.02, batch: int = 1_000) -> int:
    """Return how often the default rule alarms in ``rows`` rows of one feature that is shifted a little."""
    default = dict(list(RULES.items())[-1:])
    watched = Watched(reference(Stream("clean"), repetition, (FIRST,)), default)
    watches, alarms = dict.fromkeys(default, Watch()), 0
    values = np.asarray(shifted(repetition, 0, rows, shift, (FIRST,))[FIRST])
    for start in range(0, rows, batch):
        alarms += len(watched.alarms({FIRST: values[start : start + batch]}, watches))
    return alarms
