"""Rules about single values that the states of a batch show to be kept, so that its rows need not be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from watchkeeper.core.errors import WatchkeeperError
from watchkeeper.core.plugins import plugin
from watchkeeper.core.rule import Extent, Looked, Rule, RuleKind, Settles
from watchkeeper.core.schema import ALL
from watchkeeper.core.state import State
from watchkeeper.stats.count import CountPart
from watchkeeper.stats.levels import LevelsPart
from watchkeeper.stats.moments import MomentsPart

__all__ = ["settled_rules"]

_WHOLE_NUMBERS = 2.0**53
_ROWS = "__watchkeeper_rows__"


def settled_rules(rules: Iterable[Rule], states: Iterable[State], frame: pl.DataFrame) -> dict[str, int]:
    """Return, by digest, the rows that a rule speaks of, for rules that surely no row breaks.

    A kind of rule that ``Settles`` is asked what the ``Extent`` of a column shows. Of a column whose levels were
    counted one by one each level is asked once. A rule with conditions, or one that is broken, is not settled.

    Parameters
    ----------
    states
        Of all columns, in any number of windows and versions; a column whose states are of other rows settles nothing.
    frame
        The rows.
    """
    held: dict[str, list[State]] = {}
    dtypes = dict(frame.schema)
    for state in states:
        if state.key.segment == ALL:
            held.setdefault(state.key.column, []).append(state)
    found: dict[str, int] = {}
    for rule in rules:
        own = held.get(rule.column, []) if _asks_one_column(rule) else []
        if not own or rule.column not in dtypes or not _are_of(own, frame.height):
            continue
        dtype = dtypes[rule.column]
        kept = _by_extent(rule, own, dtype)
        kept = _by_levels(rule, own, dtype) if kept is None else kept
        if kept is not None:
            found[rule.digest] = kept
    return found


def _asks_one_column(rule: Rule) -> bool:
    kind: RuleKind = plugin("rule", rule.kind)
    return kind.work == "rows" and not rule.when and tuple(kind.reads(rule)) == rule.columns == (rule.column,)


def _are_of(states: Sequence[State], rows: int) -> bool:
    """Return whether states are of so many rows, none of which had a problem."""
    counts = [state.parts.get("count") for state in states if not state.problem]
    return len(counts) == len(states) and rows == sum(c.rows if isinstance(c, CountPart) else -1 for c in counts)


def _by_extent(rule: Rule, states: Sequence[State], dtype: pl.DataType) -> int | None:
    """Return the rows that the rule speaks of where their number and extremes show that none breaks it."""
    kind: RuleKind = plugin("rule", rule.kind)
    if not isinstance(kind, Settles):
        return None
    rows = 0
    for state in states:
        count, moments = state.parts.get("count"), state.parts.get("moments")
        if not isinstance(count, CountPart):
            return None
        extremes = None
        if isinstance(moments, MomentsPart) and (dtype == pl.Float64 or dtype.is_integer()):
            far = max(abs(moments.smallest), abs(moments.largest)) if moments.n else 0.0
            infinite = count.positive or count.negative
            known = moments.n and not infinite and (dtype == pl.Float64 or far < _WHOLE_NUMBERS)
            extremes = (moments.smallest, moments.largest) if known else None
        kept = kind.settled(rule, Extent(dtype, count.rows, count.nulls, count.nans, extremes))
        if kept is None:
            return None
        rows += kept
    return rows


def _by_levels(rule: Rule, states: Sequence[State], dtype: pl.DataType) -> int | None:
    """Return the rows that the rule speaks of where none of the levels breaks it."""
    if not (dtype in (pl.String, pl.Boolean) or dtype.is_integer()):
        return None
    counts: dict[str | None, int] = {}
    for state in states:
        levels, count = state.parts.get("levels"), state.parts.get("count")
        if not isinstance(levels, LevelsPart) or not isinstance(count, CountPart) or levels.other:
            return None
        counts[None] = counts.get(None, 0) + count.nulls
        for name, rows in zip(levels.names, levels.counts.tolist(), strict=True):
            counts[name] = counts.get(name, 0) + rows
    names = pl.Series(list(counts), dtype=pl.String)
    try:
        values = names == "true" if dtype == pl.Boolean else names.cast(dtype)
        once = pl.DataFrame({rule.column: values, _ROWS: list(counts.values())})
        look: Looked = plugin("rule", rule.kind).expression(rule, {rule.column: dtype})
        asked = once.select(look.checked.fill_null(False).alias("c"), look.broken.fill_null(False).alias("b"), _ROWS)
    except (WatchkeeperError, pl.exceptions.PolarsError):
        return None
    spoken = asked.filter("c")
    return None if spoken["b"].any() else int(spoken[_ROWS].sum())
