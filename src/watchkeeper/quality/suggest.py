"""Rules that a reference keeps and that rows like it would keep too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import ceil, floor, isfinite, log10, sqrt
from typing import Any

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.rule import Rule
from watchkeeper.core.schema import Column, Kind, Role, Schema
from watchkeeper.core.state import State
from watchkeeper.quality.assess import assess_rules, judge_rules
from watchkeeper.quality.shape import shape_of
from watchkeeper.stats.atoms import AtomsPart
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["LEAST_ROWS", "confirmed", "suggest"]

LEAST_ROWS = 100
"""Rows of a reference below which nothing is suggested."""

_ALPHA = 0.0001
_MORE = 5
_MOST_LEVELS, _MOST_PAIRED, _MOST_PAIRS = 100, 40, 12
_PAIRED_ROWS = 1_000
_NEARLY_CONSTANT = 0.9
_ROUND = 1e-9
_WATCHED = (
    Role.FEATURE, Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE, Role.LABEL, Role.TIME, Role.ID,
)  # fmt: skip


def suggest(schema: Schema, states: Mapping[str, State], sample: pl.DataFrame) -> tuple[Rule, ...]:
    """Return candidates for the rules of a model; ``confirmed`` drops those that the reference itself breaks.

    A rule that k of n rows of the reference break allows the share (k + 4√k + 5)/n, at a significance level of .0001,
    so that other rows of the same kind keep it: what the reference does not hold once may still occur. Ranges are a
    tenth of their width wider than what was seen; those of whole numbers end at whole numbers, those of shares at 1. Of
    text columns the set of levels is suggested where at most one row in a hundred holds a level that came once (Good
    and Turing's estimate of what was not seen), else their form.

    Parameters
    ----------
    schema
        The columns.
    states
        Of the reference, by column.
    sample
        Rows of the reference, for forms of texts and for pairs of columns.

    References
    ----------
    Good (1953), The population frequencies of species, doi:10.1093/biomet/40.3-4.237.
    """
    found: list[Rule] = []
    for column in schema:
        if column.role in _WATCHED and column.name in sample.columns and sample.height >= LEAST_ROWS:
            found.extend(_of_column(column, states.get(column.name), series_named(sample, column.name)))
    return (*found, *_pairs(schema, sample))


_STILL = ("in_range", "in_set", "varies")
"""Rules about what a column keeps to, which one that moves by itself does not."""


def confirmed(
    rules: Iterable[Rule], states: Mapping[str, State], schema: Schema, now: datetime | None = None
) -> tuple[Rule, ...]:
    """Return the rules that the states keep; those that they say nothing of are dropped too."""
    given = tuple(rules)
    kept = {
        (signal.measurement.name, signal.measurement.column)
        for _, signal in judge_rules(assess_rules(given, states, schema, now), given, schema)
        if signal.measurement.value is not None and not signal.fired
    }
    return tuple(rule for rule in given if (rule.name, rule.column) in kept)


def _rule(kind: str, column: str, n: int, broken: int = 0, name: str = "", **options: Any) -> Rule:
    """Return a rule about rows that allows what chance may bring."""
    allowed = (broken + 4 * sqrt(broken) + _MORE) / max(n, 1)
    digits = max(2, ceil(-log10(allowed)) + 1)
    mostly = floor((1 - allowed) * 10**digits) / 10**digits
    return Rule(kind, (column,), options, name or kind, max(mostly, 0.0), _ALPHA)


def _of_column(column: Column, state: State | None, sample: pl.Series) -> Iterator[Rule]:
    kind = _type(sample.dtype)
    if kind:
        yield Rule("has_type", (column.name,), {"type": kind}, "has_type")
    count = state.parts.get("count") if state is not None else None
    if isinstance(count, CountPart):
        rows, lost = count.rows, count.missing
    else:
        rows, lost = sample.len(), sample.null_count()
    # Labels come late, so their nulls say nothing.
    if column.role is not Role.LABEL and rows >= LEAST_ROWS and lost < rows / 2:
        yield _rule("not_null", column.name, rows, lost)
    if column.role is Role.TIME:
        yield _rule("ordered", column.name, rows, direction="increasing", strictly=False)
    if column.role is Role.ID:
        yield _rule("unique", column.name, rows)
    if (column.role is Role.ID or column.kind in (Kind.IDENTIFIER, Kind.TEXT)) and sample.dtype == pl.String:
        shape = shape_of(sample)
        if shape:
            yield _rule("matches", column.name, len(sample), pattern=shape)
    if state is not None and not state.problem and column.role is not Role.ID:
        yield from _range(column, state)
        yield from _set(column, state)
        if column.role is Role.FEATURE and _varies(state):
            yield Rule("varies", (column.name,), {"min_samples": LEAST_ROWS}, "varies")


def _type(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Date:
        return "date"
    if dtype in (pl.Datetime, pl.Time):
        return "time"
    if dtype == pl.Duration:
        return "duration"
    return "boolean" if dtype == pl.Boolean else "text" if dtype in (pl.String, pl.Categorical, pl.Enum) else ""


def _range(column: Column, state: State) -> Iterator[Rule]:
    part = state.parts.get("moments")
    if column.kind is not Kind.NUMERIC or not isinstance(part, MomentsPart) or part.n < LEAST_ROWS:
        return
    low, high = part.smallest, part.largest
    width = high - low
    if not isfinite(width) or width <= 0:
        return
    unit = 10.0 ** (floor(log10(width)) - 2)
    lower, upper = floor((low - 0.1 * width) / unit + _ROUND) * unit, ceil((high + 0.1 * width) / unit - _ROUND) * unit
    # What is never negative seldom becomes so by chance.
    lower = 0.0 if low >= 0 > lower else lower
    upper = 0.0 if high <= 0 < upper else upper
    if column.role in (Role.SCORE, Role.CLASS_SCORE) and low >= 0 and high <= 1:
        lower, upper = 0.0, 1.0
    # A share ends at 1, and a count or an age in years is whole.
    upper = 1.0 if low >= 0 and high <= 1 < upper else upper
    if column.dtype.startswith(("Int", "UInt")):
        lower, upper = floor(lower), ceil(upper)
    yield _rule("in_range", column.name, part.n, lower=_tidy(lower), upper=_tidy(upper), strictly=False)


def _tidy(number: float) -> float | int:
    short = float(f"{number:.12g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def _set(column: Column, state: State) -> Iterator[Rule]:
    part = state.parts.get("levels")
    if column.kind is not Kind.CATEGORICAL or not isinstance(part, LevelsPart) or part.other:
        return
    once = int((part.counts == 1).sum())
    if part.n >= LEAST_ROWS and len(part.names) <= _MOST_LEVELS and once <= 0.01 * part.n:
        yield _rule("in_set", column.name, part.n, once, values=part.names)


def _varies(state: State) -> bool:
    levels, atoms = state.parts.get("levels"), state.parts.get("atoms")
    if isinstance(levels, LevelsPart):
        n, most = levels.n, int(levels.counts.max(initial=0))
    elif isinstance(atoms, AtomsPart):
        n, most = atoms.n, int(atoms.counts.max(initial=0))
    else:
        return False
    return n >= LEAST_ROWS and most < _NEARLY_CONSTANT * n


def _pairs(schema: Schema, sample: pl.DataFrame) -> list[Rule]:
    """Return columns one of which is never above the other though their values overlap."""
    kinds = (Kind.NUMERIC, Kind.TIME)
    names = [c.name for c in schema.features if c.kind in kinds and c.name in sample.columns][:_MOST_PAIRED]
    rows = sample[names].select(pl.all().to_physical().cast(pl.Float64, strict=False).fill_nan(None))
    found: list[tuple[float, Rule]] = []
    for a in names:
        for b in names:
            if a == b or sample[a].dtype.is_temporal() != sample[b].dtype.is_temporal():
                continue
            both = rows[[a, b]].drop_nulls()
            if both.height < _PAIRED_ROWS or not (both[a] <= both[b]).all() or (both[a] == both[b]).all():
                continue
            overlap = _overlap(both[a], both[b])
            if overlap > 0:
                options = {"relation": "at_most", "other": b, "room": 0}
                found.append((overlap, _rule("compares", a, both.height, 0, f"{a} at most {b}", **options)))
    found.sort(key=lambda pair: -pair[0])
    return [rule for _, rule in found[:_MOST_PAIRS]]


def _overlap(a: pl.Series, b: pl.Series) -> float:
    """Return how far the upper quarter of a reaches above the lower quarter of b, in terms of the spread of b."""
    high, low = a.quantile(0.75), b.quantile(0.25)
    spread = b.std()
    if not (isinstance(high, float) and isinstance(low, float) and isinstance(spread, float) and spread > 0):
        return 0.0
    return (high - low) / spread
