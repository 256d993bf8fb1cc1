"""How many rows keep and break each quality rule, with examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any, ClassVar

import numpy as np
import polars as pl

from watchkeeper.core.columns import column_named, series_named
from watchkeeper.core.errors import SchemaError, WatchkeeperError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Looked, Rule, RuleKind
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import to_float
from watchkeeper.stats.rule_rows import RuleRows
from watchkeeper.stats.seen_values import Seen, hash_values

__all__ = [
    "EXAMPLES",
    "Example",
    "Examples",
    "RuleCounts",
    "RuleCountsPart",
    "Run",
    "Tally",
    "columns_read",
    "looked_at",
    "offenders",
]

EXAMPLES = 5
"""Offending rows that are kept as examples."""

_LOOKED_THROUGH = 4_096
_LONGEST = 60
_AT_ONCE = 64
"""Rules that are asked in one query: what it holds for each is a quarter of a megabyte for a million rows."""


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that followed one another.

    Attributes
    ----------
    window
        Start of their window, in seconds since 1970.
    start, end
        Where the first row stands among the rows of the window, and the row after the last one.
    rows
        Rows with a value; without any, ``first`` and ``last`` mean nothing.
    first, last
        The first and the last value.
    falls, rises, ties
        How often a value was less than, more than and equal to the one before.
    """

    window: float
    start: int
    end: int
    rows: int = 0
    first: float = 0.0
    last: float = 0.0
    falls: int = 0
    rises: int = 0
    ties: int = 0

    def then(self, other: Run) -> Run:
        """Return both runs as one."""
        if not self.rows or not other.rows:
            one = self if self.rows else other
            return replace(one, window=self.window, start=self.start, end=other.end)
        step = other.first - self.last
        return Run(
            self.window, self.start, other.end, self.rows + other.rows, self.first, other.last,
            self.falls + other.falls + (step < 0), self.rises + other.rises + (step > 0),
            self.ties + other.ties + (step == 0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted for one rule.

    Attributes
    ----------
    rule
        Digest of the rule.
    rows, checked, broken
        Rows seen, those that the rule speaks of, and of these the ones that break it.
    problem
        Why the rule could not be asked of some rows; empty when it could.
    seen
        For rules of distinct values.
    runs
        For rules of order, by place; rows that follow one another are one run.
    """

    rule: str
    rows: int = 0
    checked: int = 0
    broken: int = 0
    problem: str = ""
    seen: Seen | None = None
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An offending row in words, with the hash that decides whether it is kept."""

    rule: str
    hash: int
    words: str


@dataclass(frozen=True, slots=True)
class Examples:
    """The offending rows of each rule whose hashes are smallest, five at most; in the order of rule and hash.

    Of rules of distinct values and of order they are those that a batch shows by itself.
    """

    found: tuple[Example, ...] = ()

    def merge(self, other: Examples) -> Examples:
        """Keep the smallest hashes of both."""
        kept: dict[str, list[Example]] = {}
        every = {(one.rule, one.hash): one for one in (*self.found, *other.found)}
        for place in sorted(every):
            kept.setdefault(place[0], []).append(every[place])
        return Examples(tuple(one for rule in kept.values() for one in rule[:EXAMPLES]))


@dataclass(frozen=True, slots=True)
class RuleCountsPart:
    """Tallies in the order of their digests, and examples of offending rows."""

    tallies: tuple[Tally, ...] = ()
    examples: Examples = Examples()

    def of(self, rule: Rule) -> Tally | None:
        """Return the tally of a rule; None where it was not counted."""
        digest = rule.digest
        return next((tally for tally in self.tallies if tally.rule == digest), None)

    def words(self, rule: Rule) -> tuple[str, ...]:
        """Return examples of rows that break a rule."""
        digest = rule.digest
        return tuple(one.words for one in self.examples.found if one.rule == digest)


class _Work:
    def __init__(self) -> None:
        self.found = RuleCountsPart()

    def add(self, block: RuleRows) -> None:
        tallies, examples = _counted(block)
        ordered = tuple(sorted(tallies, key=lambda tally: tally.rule))
        self.found = RuleCounts().merge(self.found, RuleCountsPart(ordered, Examples().merge(Examples(examples))))

    def part(self) -> RuleCountsPart:
        return self.found


class RuleCounts:
    """Rows that each quality rule speaks of and those that break it, with up to five examples of the latter.

    Counts are exact. Rules of distinct values keep the values' hashes: exact to 1,048,576 distinct values, then for a
    sample of one in 2, 4, 8 … of them. Rules of order keep the ends of each run of rows that followed one another.
    Examples are the offending rows whose hashes are smallest.
    """

    plugin: ClassVar[str] = "statistic"
    name: ClassVar[str] = "rule_counts"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[type, ...]] = (RuleRows,)
    part_type: ClassVar[type] = RuleCountsPart
    optional: ClassVar[bool] = True

    def applies(self, column: Column) -> bool:
        """Whole rows only: never a single column."""
        return False

    def start(self, column: Column) -> _Work:
        """Return empty working memory."""
        return _Work()

    def merge(self, a: RuleCountsPart, b: RuleCountsPart) -> RuleCountsPart:
        """Add the counts of equal rules."""
        found = {tally.rule: tally for tally in a.tallies}
        for tally in b.tallies:
            found[tally.rule] = _merged(found[tally.rule], tally) if tally.rule in found else tally
        return RuleCountsPart(tuple(found[rule] for rule in sorted(found)), a.examples.merge(b.examples))

    def result(self, part: RuleCountsPart) -> dict[str, dict[str, int]]:
        """Return rows, checked rows and offending rows by the digest of each rule."""
        return {t.rule: {"rows": t.rows, "checked": t.checked, "broken": t.broken} for t in part.tallies}


def _merged(a: Tally, b: Tally) -> Tally:
    return Tally(
        a.rule, a.rows + b.rows, a.checked + b.checked, a.broken + b.broken,
        # Not the first one: which came first must not matter.
        min(filter(None, (a.problem, b.problem)), default=""),
        a.seen.merge(b.seen) if a.seen and b.seen else a.seen or b.seen,
        _joined(sorted((*a.runs, *b.runs), key=lambda run: (run.window, run.start, run.end))),
    )  # fmt: skip


def _joined(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Return runs by place, those that touch as one."""
    found: list[Run] = []
    for run in runs:
        if found and (found[-1].window, found[-1].end) == (run.window, run.start):
            found[-1] = found[-1].then(run)
        else:
            found.append(run)
    return tuple(found)


def _counted(block: RuleRows) -> tuple[list[Tally], tuple[Example, ...]]:
    frame, dtypes = block.frame, dict(block.frame.schema)
    looks: dict[int, Looked] = {}
    found: list[Tally] = []
    examples: list[Example] = []
    for place, rule in enumerate(block.rules):
        empty = Tally(rule.digest, frame.height)
        kind: RuleKind = plugin("rule", rule.kind)
        try:
            if rule.digest in block.settled:
                found.append(replace(empty, checked=block.settled[rule.digest]))
                continue
            if kind.work == "rows":
                looks[place] = looked_at(rule, dtypes)
                found.append(empty)
                continue
            tally, wrong = (_by_value if kind.work == "values" else _by_order)(empty, rule, block)
            found.append(tally)
            examples.extend(_in_words(wrong, rule, block.id))
        except (WatchkeeperError, pl.exceptions.PolarsError) as error:
            found.append(replace(empty, problem=_first_line(error)))
        except Exception as error:  # noqa: BLE001
            # A plug-in may fail in any way; it costs one rule and not the run.
            words = f"{type(kind).__name__} raised {type(error).__name__}: {_first_line(error)}"
            found.append(replace(empty, problem=words))
    for place, asked in _by_row(frame, looks):
        if isinstance(asked, str):
            found[place] = replace(found[place], problem=asked)
            continue
        spoken, offending = asked
        found[place] = replace(found[place], checked=int(spoken.sum()), broken=int(offending.sum()))
        if found[place].broken:
            few = _first_offenders(frame, block.rules[place], offending, block.id)
            examples.extend(_in_words(few, block.rules[place], block.id))
    return found, tuple(examples)


_Asked = tuple[pl.Series, pl.Series]


def _by_row(frame: pl.DataFrame, looks: Mapping[int, Looked]) -> Iterator[tuple[int, _Asked | str]]:
    """Yield of each rule the rows that it speaks of and those that break it, or what went wrong."""
    every = list(looks)
    for start in range(0, len(every), _AT_ONCE):
        places = every[start : start + _AT_ONCE]
        try:
            yield from _asked(frame, looks, places).items()
        except pl.exceptions.PolarsError:
            # One of them is at fault, and it must not cost the others.
            for place in places:
                try:
                    yield from _asked(frame, looks, [place]).items()
                except pl.exceptions.PolarsError as error:
                    yield place, _first_line(error)


def _asked(frame: pl.DataFrame, looks: Mapping[int, Looked], places: Sequence[int]) -> dict[int, _Asked]:
    wanted: list[pl.Expr] = []
    for i in places:
        look = looks[i]
        wanted += [look.checked.alias(f"c{i}"), (look.checked & look.broken).alias(f"b{i}")]
    rows = frame.lazy().select(wanted).collect()
    return {i: (rows[f"c{i}"], rows[f"b{i}"]) for i in places}


def looked_at(rule: Rule, dtypes: Mapping[str, pl.DataType]) -> Looked:
    """Return the expressions of a rule with its conditions, null-free.

    Raises
    ------
    SchemaError
        When a column is missing, or of a type that the rule cannot be asked of.
    """
    kind: RuleKind = plugin("rule", rule.kind)
    _present(kind.reads(rule), dtypes)
    if kind.work == "rows":
        own = kind.expression(rule, dtypes)
    else:
        known = [column_named(name).is_not_null() for name in rule.columns]
        own = Looked(reduce(and_, known, pl.repeat(True, pl.len())), pl.repeat(False, pl.len()))
    checked, broken = own.checked.fill_null(False), own.broken.fill_null(False)
    for condition in rule.when:
        other = looked_at(condition, dtypes)
        checked &= other.checked & ~other.broken
    return Looked(checked, broken)


def _present(columns: Sequence[str], dtypes: Mapping[str, pl.DataType]) -> None:
    for name in columns:
        if name not in dtypes:
            raise SchemaError(f"column {name!r} is missing")


def offenders(frame: pl.DataFrame, look: Looked) -> pl.DataFrame:
    """Return the rows that break a rule which is counted row by row."""
    return frame.filter(look.checked & look.broken)


def _first_offenders(frame: pl.DataFrame, rule: Rule, offending: pl.Series, id: str) -> pl.DataFrame:
    """Return the first offending rows, with the columns that the rule, its conditions and its words need."""
    needed = {id, *columns_read(rule)}
    narrow = frame[[name for name in frame.columns if name in needed]]
    return narrow.filter(offending).head(_LOOKED_THROUGH)


def columns_read(rule: Rule) -> tuple[str, ...]:
    """Return every column a rule looks at, with those of its conditions."""
    kind: RuleKind = plugin("rule", rule.kind)
    own = [*kind.reads(rule), *(name for condition in rule.when for name in columns_read(condition))]
    return tuple(dict.fromkeys(own))


def _in_words(rows: pl.DataFrame, rule: Rule, id: str) -> list[Example]:
    """Return the rows with the smallest hashes, in words."""
    kind: RuleKind = plugin("rule", rule.kind)
    names = [n for n in dict.fromkeys((id, *kind.reads(rule))) if n in rows.columns and not rows[n].dtype.is_nested()]
    if not names or not rows.height:
        return []
    chosen = rows[names].head(_LOOKED_THROUGH)
    hashes, first = np.unique(hash_values(chosen), return_index=True)
    return [
        Example(rule.digest, int(h), ", ".join(f"{k}: {_cut(v)}" for k, v in chosen.row(int(i), named=True).items()))
        for h, i in zip(hashes[:EXAMPLES], first[:EXAMPLES], strict=True)
    ]


def _cut(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _by_value(tally: Tally, rule: Rule, block: RuleRows) -> tuple[Tally, pl.DataFrame]:
    """Count distinct values; also return rows whose value comes again."""
    names = list(rule.columns) or list(block.frame.columns)
    rows = block.frame.filter(looked_at(rule, dict(block.frame.schema)).checked)
    hashes = hash_values(rows[names])
    seen = Seen.of(hashes)
    again = seen.repeated()[:EXAMPLES]
    first = np.sort([int(np.argmax(hashes == value)) for value in again]).astype(np.int64)
    return replace(tally, checked=rows.height, seen=seen), rows[first]


def _by_order(tally: Tally, rule: Rule, block: RuleRows) -> tuple[Tally, pl.DataFrame]:
    """Count steps; also return the rows that step the wrong way."""
    rows = block.frame.filter(looked_at(rule, dict(block.frame.schema)).checked)
    x = to_float(series_named(rows, rule.column)).to_numpy()
    finite = np.isfinite(x)
    if not finite.all():
        rows, x = rows.filter(pl.Series(finite)), x[finite]
    window, start = block.place
    empty = Run(window, start, start + block.frame.height)
    if not len(x):
        return replace(tally, runs=(empty,) if block.frame.height else ()), rows
    step = np.diff(x)
    falls, rises = step < 0, step > 0
    run = replace(
        empty, rows=len(x), first=float(x[0]), last=float(x[-1]), falls=int(falls.sum()), rises=int(rises.sum()),
        ties=int((step == 0).sum()),
    )  # fmt: skip
    wrong = rises if rule.options.get("direction") == "decreasing" else falls
    if rule.options.get("strictly"):
        wrong = wrong | (step == 0)
    return replace(tally, checked=len(x), runs=(run,)), rows.filter(pl.Series(np.append([False], wrong)))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
