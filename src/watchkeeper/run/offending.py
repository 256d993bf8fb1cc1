"""The rows that break rules, listed in a second pass in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, UsageError, WatchkeeperError, near_miss
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Spec
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.pace import SAMPLE
from watchkeeper.ingest.sources import Source, normalise_time, open_table, rows_beside
from watchkeeper.quality.notation import asked
from watchkeeper.schema.declared import NOTHING_DECLARED, Declared
from watchkeeper.schema.inference import infer_schema
from watchkeeper.stats.blocks import to_float
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.rule_counts import RuleCountsPart, columns_read, looked_at, offenders
from watchkeeper.stats.rule_fold import fold_rules
from watchkeeper.stats.seen_values import hash_values

__all__ = ["Offending", "offending_rows"]

_ROW = "row"
_EMPTY = np.empty(0, np.uint64)


@dataclass(frozen=True)
class Offending:
    """The rows that break one rule.

    Attributes
    ----------
    rule, column, asked
        The rule, in words.
    checked, broken
        Rows it speaks of, and those that break it; every row of a repeated value counts.
    rows
        The first of them, with their place in the table counted from 0, and the columns that the rule looks at.
    problem
        Why the rule could not be asked; empty when it could.
    """

    rule: str
    column: str
    asked: str
    checked: int = 0
    broken: int = 0
    rows: tuple[dict[str, Any], ...] = ()
    problem: str = ""


def offending_rows(
    current: Any,
    rules: Sequence[Rule],
    *,
    name: str | None = None,
    limit: int = 20,
    id: str | None = None,
    reference: Any = None,
    declared: Declared = NOTHING_DECLARED,
) -> tuple[Offending, ...]:
    """Return the first rows that break each rule about rows.

    Parameters
    ----------
    current
        Anything ``open_table`` reads.
    name
        The rule, by its name or kind; None for all.
    limit
        Rows listed for each rule.
    id
        A column that is shown with each row.
    reference
        The table that the rows are compared with in a check: they are then read as they are there. None to read them
        by themselves.
    declared
        What is declared of the values.

    Raises
    ------
    SourceError
        When the table cannot be read.
    UsageError
        When there is no such rule, or it is not about rows.
    """
    source = open_table(current, door=_door(current, reference, declared))
    chosen = _chosen(rules, name)
    shown = [id] if id else []
    if id and id not in source.columns:
        raise UsageError(f"{source.name} has no column {id!r}; {near_miss(id, source.columns)}")
    repeated = _repeated(source, [rule for rule in chosen if plugin("rule", rule.kind).work == "values"])
    works = [_Work(rule, limit, shown, repeated.get(rule.digest, _EMPTY)) for rule in chosen]
    for work in works:
        gone = next((name for name in columns_read(work.rule) if name not in source.columns), None)
        if gone is not None:
            work.problem = f"{source.name} has no column {gone!r}; {near_miss(gone, source.columns)}"
    before = 0
    times = _written_times(chosen, source)
    for frame in source.batches():
        numbered = _read(frame, times).with_row_index(_row_name(frame), offset=before)
        for work in works:
            work.add(numbered)
        before += frame.height
    return tuple(work.found() for work in works)


def _door(current: Any, reference: Any, declared: Declared) -> Door:
    """Return the door through which the rows come."""
    door = Door(declared)
    if reference is None:
        return door
    theirs = open_table(reference, door=replace(door, beside=rows_beside(current)))
    schema = infer_schema(theirs.sample(SAMPLE), kinds=declared.kinds)
    return door.expecting(schema, theirs.first_readings)


def _chosen(rules: Sequence[Rule], name: str | None) -> list[Rule]:
    about_rows = [rule for rule in rules if plugin("rule", rule.kind).work != "states"]
    if name is None:
        return about_rows
    found = [rule for rule in about_rows if name in (rule.name, rule.kind)]
    if found:
        return found
    names = {rule.name for rule in about_rows} | {rule.kind for rule in about_rows}
    if any(name in (rule.name, rule.kind) for rule in rules):
        raise UsageError(f"{name} is about a statistic and no row breaks it; {near_miss(name, names)}")
    raise UsageError(f"there is no rule {name!r}; {near_miss(name, names)}")


def _written_times(rules: Sequence[Rule], source: Source) -> list[str]:
    """Return the columns of text that rules take for times, as a check reads its time column."""
    asked_for = [rule.column for rule in rules if rule.kind == "ordered" or rule.options.get("type") == "time"]
    return [name for name in dict.fromkeys(asked_for) if source.schema.get(name) == pl.String]


def _read(frame: pl.DataFrame, times: Sequence[str]) -> pl.DataFrame:
    for name in times:
        # A text that is no time is an offending row, and no reason to stop.
        with suppress(SchemaError):
            frame = normalise_time(frame, name)[0]
    return frame


def _row_name(frame: pl.DataFrame) -> str:
    """Return what the place of a row is called: ``row``, unless a column is called so."""
    name = _ROW
    while name in frame.columns:
        name = f"{name}_"
    return name


def _repeated(source: Source, rules: Sequence[Rule]) -> dict[str, Any]:
    """Return the hashes of the values that come more than once, by the digest of each rule."""
    if not rules:
        return {}
    spec, state, before = Spec("", Schema(()), rules=tuple(rules)), None, 0
    for frame in source.batches():
        for found in fold_rules(Batch(frame, spec.schema), spec, before):
            state = found if state is None else merge_states(state, found)
        before += frame.height
    part = state.part("rule_counts", RuleCountsPart) if state is not None else RuleCountsPart()
    return {tally.rule: tally.seen.repeated() for tally in part.tallies if tally.seen is not None}


class _Work:
    """The rows of one rule, batch by batch."""

    def __init__(self, rule: Rule, limit: int, shown: Sequence[str], repeated: Any) -> None:
        self.rule, self.limit, self.repeated = rule, limit, repeated
        self.work = plugin("rule", rule.kind).work
        self.shown = list(shown)
        self.last: float | None = None
        self.checked = self.broken = 0
        self.rows: list[dict[str, Any]] = []
        self.problem = ""

    def add(self, frame: pl.DataFrame) -> None:
        if self.problem:
            return
        place, own = frame.columns[0], frame[frame.columns[1:]]
        try:
            look = looked_at(self.rule, dict(own.schema))
            asked_of = frame.filter(look.checked)
            self.checked += asked_of.height
            if self.work == "rows":
                wrong = offenders(frame, look)
            elif self.work == "values":
                names = list(self.rule.columns) or own.columns
                wrong = asked_of.filter(pl.Series(np.isin(hash_values(asked_of[names]), self.repeated)))
            else:
                wrong = self._steps(asked_of)
        except (WatchkeeperError, pl.exceptions.PolarsError) as error:
            self.problem = str(error).split("\n", 1)[0]
            return
        self.broken += wrong.height
        columns = [c for c in dict.fromkeys((place, *self.shown, *columns_read(self.rule))) if c in wrong.columns]
        if self.work == "values" and not self.rule.columns:
            columns = wrong.columns
        self.rows += wrong[columns].head(self.limit - len(self.rows)).to_dicts()

    def _steps(self, frame: pl.DataFrame) -> pl.DataFrame:
        x = to_float(series_named(frame, self.rule.column)).to_numpy()
        finite = np.isfinite(x)
        frame, x = frame.filter(pl.Series(finite)), x[finite]
        if not len(x):
            return frame
        step = np.diff(x, prepend=x[0] if self.last is None else self.last)
        wrong = step > 0 if self.rule.options.get("direction") == "decreasing" else step < 0
        if self.rule.options.get("strictly"):
            wrong |= step == 0
            wrong[0] &= self.last is not None
        self.last = float(x[-1])
        return frame.filter(pl.Series(wrong))

    def found(self) -> Offending:
        rule = self.rule
        return Offending(
            rule.name, ", ".join(rule.columns), asked(rule), self.checked, self.broken, tuple(self.rows), self.problem
        )
