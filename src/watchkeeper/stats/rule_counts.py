"""How many rows keep and break each quality rule, with examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.errors import SchemaError, WatchkeeperError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Looked, Rule, RuleKind
from watchkeeper.core.schema import Column
from watchkeeper.stats.blocks import to_float
from watchkeeper.stats.rule_rows import RuleRows
from watchkeeper.stats.seen_values import Seen, hash_values

__all__ = ["EXAMPLES", "RuleCounts", "RuleCountsPart", "Run", "Tally", "looked_at", "offenders"]

EXAMPLES = 5
"""Offending rows that are kept as examples."""

_RUNS = 4_096
_LONGEST = 60
_BROKEN = "__watchkeeper_broken__"


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that followed one another: where they began, their first and last value, and what broke the order."""

    place: tuple[float, int]
    first: float
    last: float
    rows: int
    falls: int = 0
    rises: int = 0
    ties: int = 0


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
    hashes, examples
        The offending rows with the smallest hashes, uint64 increasing, shape (k,), k ≤ 5, and their words.
    seen
        For rules of distinct values.
    runs
        For rules of order, by place.
    """

    rule: str
    rows: int = 0
    checked: int = 0
    broken: int = 0
    problem: str = ""
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    examples: tuple[str, ...] = ()
    seen: Seen | None = None
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleCountsPart:
    """Tallies in the order of their digests."""

    tallies: tuple[Tally, ...] = ()

    def of(self, rule: Rule) -> Tally | None:
        """Return the tally of a rule; None where it was not counted."""
        digest = rule.digest
        return next((tally for tally in self.tallies if tally.rule == digest), None)


class _Work:
    def __init__(self) -> None:
        self.found = RuleCountsPart()

    def add(self, block: RuleRows) -> None:
        tallies = tuple(sorted(_tallies(block), key=lambda tally: tally.rule))
        self.found = RuleCounts().merge(self.found, RuleCountsPart(tallies))

    def part(self) -> RuleCountsPart:
        return self.found


class RuleCounts:
    """Rows that each quality rule speaks of and those that break it, with up to five examples of the latter.

    Counts are exact. Rules of distinct values keep the values' hashes: exact to 1,048,576 distinct values, then for a
    sample of one in 2, 4, 8 … of them. Rules of order keep the ends of each run of rows, of 4,096 runs at most;
    beyond that neighbouring runs are joined. Examples are the offending rows whose hashes are smallest.
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
        return RuleCountsPart(tuple(found[rule] for rule in sorted(found)))

    def result(self, part: RuleCountsPart) -> dict[str, dict[str, int]]:
        """Return rows, checked rows and offending rows by the digest of each rule."""
        return {t.rule: {"rows": t.rows, "checked": t.checked, "broken": t.broken} for t in part.tallies}


def _merged(a: Tally, b: Tally) -> Tally:
    hashes, first = np.unique(np.concatenate([a.hashes, b.hashes]), return_index=True)
    words = (*a.examples, *b.examples)
    return Tally(
        a.rule, a.rows + b.rows, a.checked + b.checked, a.broken + b.broken,
        # Not the first one: which came first must not matter.
        min(filter(None, (a.problem, b.problem)), default=""),
        hashes[:EXAMPLES], tuple(words[i] for i in first[:EXAMPLES]),
        a.seen.merge(b.seen) if a.seen and b.seen else a.seen or b.seen,
        _joined(tuple(sorted((*a.runs, *b.runs), key=lambda run: run.place))),
    )  # fmt: skip


def _joined(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Return the runs, each two neighbours as one when there are too many."""
    if len(runs) <= _RUNS:
        return runs
    return tuple(_pair(a, b) for a, b in zip(runs[::2], runs[1::2], strict=False)) + runs[len(runs) // 2 * 2 :]


def _pair(a: Run, b: Run) -> Run:
    return Run(
        a.place, a.first, b.last, a.rows + b.rows,
        a.falls + b.falls + (b.first < a.last), a.rises + b.rises + (b.first > a.last), a.ties + b.ties
        + (b.first == a.last),
    )  # fmt: skip


def _tallies(block: RuleRows) -> list[Tally]:
    frame, dtypes = block.frame, dict(block.frame.schema)
    looks: dict[int, Looked] = {}
    found: list[Tally] = []
    for place, rule in enumerate(block.rules):
        empty = Tally(rule.digest, frame.height)
        kind: RuleKind = plugin("rule", rule.kind)
        try:
            if kind.work == "rows":
                looks[place] = looked_at(rule, dtypes)
                found.append(empty)
            else:
                found.append(_by_value(empty, rule, block) if kind.work == "values" else _by_order(empty, rule, block))
        except (WatchkeeperError, pl.exceptions.PolarsError) as error:
            found.append(replace(empty, problem=_first_line(error)))
    for place, counts in _counted(frame, looks).items():
        tally = found[place]
        if isinstance(counts, str):
            found[place] = replace(tally, problem=counts)
            continue
        found[place] = replace(tally, checked=counts[0], broken=counts[1])
        if counts[1]:
            rows = offenders(frame, looks[place])
            found[place] = _with_examples(found[place], rows, block.rules[place], block.id)
    return found


def _counted(frame: pl.DataFrame, looks: Mapping[int, Looked]) -> dict[int, tuple[int, int] | str]:
    """Return (checked, broken) of each rule, or what went wrong."""

    def count(places: Sequence[int]) -> dict[int, tuple[int, int] | str]:
        wanted = [
            e
            for i in places
            for e in (looks[i].checked.sum().alias(f"c{i}"), (looks[i].checked & looks[i].broken).sum().alias(f"b{i}"))
        ]
        row = frame.lazy().select(wanted).collect().row(0, named=True) if wanted else {}
        return {i: (int(row[f"c{i}"] or 0), int(row[f"b{i}"] or 0)) for i in places}

    try:
        return count(list(looks))
    except pl.exceptions.PolarsError:
        # One of them is at fault, and it must not cost the others.
        found: dict[int, tuple[int, int] | str] = {}
        for place in looks:
            try:
                found |= count([place])
            except pl.exceptions.PolarsError as error:
                found[place] = _first_line(error)
        return found


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
        known = [pl.col(name).is_not_null() for name in rule.columns]
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


def _with_examples(tally: Tally, rows: pl.DataFrame, rule: Rule, id: str) -> Tally:
    """Keep the rows with the smallest hashes, in words."""
    kind: RuleKind = plugin("rule", rule.kind)
    names = [n for n in dict.fromkeys((id, *kind.reads(rule))) if n in rows.columns and not rows[n].dtype.is_nested()]
    if not names:
        return tally
    chosen = rows.select(names).head(64 * 1_024)
    hashes, first = np.unique(hash_values(chosen), return_index=True)
    hashes, first = hashes[:EXAMPLES], first[:EXAMPLES]
    told = [", ".join(f"{k}: {_cut(v)}" for k, v in chosen.row(int(i), named=True).items()) for i in first]
    return replace(tally, hashes=hashes, examples=tuple(told))


def _cut(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _by_value(tally: Tally, rule: Rule, block: RuleRows) -> Tally:
    names = list(rule.columns) or list(block.frame.columns)
    rows = block.frame.filter(looked_at(rule, dict(block.frame.schema)).checked)
    hashes = hash_values(rows.select(names))
    seen = Seen.of(hashes)
    counted = replace(tally, checked=rows.height, seen=seen)
    again = seen.repeated()
    if not len(again):
        return counted
    offending = rows.filter(pl.Series(np.isin(hashes, again[:EXAMPLES])))
    return _with_examples(counted, offending.unique(names, maintain_order=True), rule, block.id)


def _by_order(tally: Tally, rule: Rule, block: RuleRows) -> Tally:
    column = rule.column
    look = looked_at(rule, dict(block.frame.schema))
    rows = block.frame.filter(look.checked)
    x = to_float(rows[column]).to_numpy()
    if not len(x):
        return tally
    step = np.diff(x)
    run = Run(
        block.place, float(x[0]), float(x[-1]), len(x),
        int((step < 0).sum()), int((step > 0).sum()), int((step == 0).sum()),
    )  # fmt: skip
    counted = replace(tally, checked=len(x), runs=(run,))
    wrong = step > 0 if rule.options.get("direction") == "decreasing" else step < 0
    if rule.options.get("strictly"):
        wrong |= step == 0
    if not wrong.any():
        return counted
    return _with_examples(counted, rows.filter(pl.Series(np.append([False], wrong))), rule, block.id)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]
