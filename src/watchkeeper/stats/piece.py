"""The states of rows that belong to one version, window and segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from watchkeeper.core.errors import SchemaError
from watchkeeper.core.kinds import type_name
from watchkeeper.core.label_sets import canonical
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Column, Kind, Role, Schema, Task
from watchkeeper.core.state import JOINT, OUTCOME, ROWS, State, StateKey
from watchkeeper.stats.blocks import Levels, Numbers, NumberSource, Outcomes, Rows, count_levels
from watchkeeper.stats.joint import JOINT_COLUMN, Joint, joint_columns
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.row_identity import id_hashes, row_hashes
from watchkeeper.stats.statistic import Statistic
from watchkeeper.stats.texts import Texts
from watchkeeper.stats.vectors import Vectors

__all__ = ["fold_details", "fold_joint", "fold_piece", "problem_of", "with_plain_sets"]

_WHOLE = (Kind.TEXT, Kind.VECTOR)
"""Kinds of columns that have a form of their own."""

_UNWATCHED = (Role.ID, Role.VERSION, Role.IGNORED, Role.SEGMENT, Role.GROUP, Role.LABEL_TIME)


def fold_piece(
    frame: pl.DataFrame,
    schema: Schema,
    key: StateKey,
    keep: Sequence[str] = (),
    *,
    counted: dict[str, list[Levels]] | None = None,
) -> list[State]:
    """Return the states of each column, of the outcomes and of the rows.

    Parameters
    ----------
    counted
        Where the rows are one segment of several, the levels that are counted go here, and statistics of whole
        windows only are left out.
    """
    frame = with_plain_sets(frame, schema)
    chosen = _Chosen(keep, counted is not None)
    watched = [c for c in schema if c.role not in _UNWATCHED]
    problems = {c.name: problem_of(frame, c) for c in watched}
    usable = [c for c in watched if not problems[c.name]]
    leveled = [c.name for c in usable if not _numeric(c) and c.kind not in _WHOLE]
    plain = chosen.of(Numbers)
    numbers = {c.name: _fold(c, NumberSource(frame[c.name], c).blocks(), plain) for c in usable if _numeric(c)}
    for column in usable:
        if column.kind in _WHOLE:
            try:
                form, blocks = _whole(frame, column, schema)
                numbers[column.name] = _fold(column, blocks, chosen.of(form))
            except SchemaError as error:
                problems[column.name] = str(error)
    levels = count_levels(frame, leveled)
    if counted is not None:
        for name, block in levels.items():
            counted.setdefault(name, []).append(block)
    found = []
    for column in watched:
        parts = numbers.get(column.name) or (
            _fold(column, [levels[column.name]], chosen.of(Levels)) if column.name in levels else {}
        )
        found.append(State(_key(key, column.name), column, parts, problems[column.name]))
    return [*found, _fold_outcomes(frame, schema, key), _fold_rows(frame, schema, key)]


def with_plain_sets(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return labels and predictions that are lists of classes as texts, one for each set, that count as levels."""
    if schema.task is not Task.MULTILABEL:
        return frame
    plain = []
    for role in (Role.LABEL, Role.PREDICTION):
        name = schema.name_of(role)
        if name and name in frame.columns:
            try:
                plain.append(canonical(frame[name]))
            except SchemaError:
                # Whoever looks at the column says what is wrong with it.
                continue
    return frame.with_columns(plain)


def _whole(frame: pl.DataFrame, column: Column, schema: Schema) -> tuple[type, Iterable[Any]]:
    if column.kind is Kind.TEXT:
        return Texts, Texts.blocks(frame[column.name])
    return Vectors, [Vectors.of(_lists(frame[column.name], column), id_hashes(frame, schema))]


def _lists(series: pl.Series, column: Column) -> pl.Series:
    """Return vectors as lists; the log keeps them as JSON."""
    if series.dtype != pl.String:
        return series
    try:
        return series.str.json_decode(pl.List(pl.Float64))
    except pl.exceptions.PolarsError:
        raise SchemaError(_changed(column, series.dtype)) from None


def fold_joint(frame: pl.DataFrame, schema: Schema, key: StateKey, keep: Sequence[str]) -> list[State]:
    """Return the state of all numeric features together, if one of ``keep`` looks at them."""
    statistics = [s for s in _statistics(Joint, keep) if joint_columns(schema)]
    works = [(s.name, s.start(JOINT_COLUMN)) for s in statistics]
    if not works:
        return []
    for block in Joint.blocks(frame, schema):
        for _, work in works:
            work.add(block)
    return [State(_key(key, JOINT), JOINT_COLUMN, {name: work.part() for name, work in works})]


def _key(key: StateKey, column: str) -> StateKey:
    return StateKey(key.model, key.version, key.window, key.segment, column)


def _statistics(block: type, keep: Sequence[str] = ()) -> list[Statistic]:
    found = [s for s in plugins("statistic").values() if block in s.reads]
    return [s for s in found if not getattr(s, "optional", False) or s.name in keep]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which statistics are folded."""

    keep: Sequence[str]
    segment: bool

    def of(self, block: type) -> list[Statistic]:
        found = _statistics(block, self.keep)
        return [s for s in found if not getattr(s, "whole_only", False)] if self.segment else found


def fold_details(
    frame: pl.DataFrame, schema: Schema, counted: Mapping[str, Sequence[Levels]]
) -> dict[str, dict[str, Any]]:
    """Return, by column, the parts of the statistics that are kept of whole windows only.

    Parameters
    ----------
    counted
        The levels of categorical columns, counted in one or more parts.
    """
    found: dict[str, dict[str, Any]] = {}
    for column in schema:
        if column.role in _UNWATCHED or column.kind in _WHOLE or problem_of(frame, column):
            continue
        form = Numbers if _numeric(column) else Levels
        statistics = [s for s in _statistics(form) if getattr(s, "whole_only", False) and s.applies(column)]
        if statistics:
            blocks: Iterable[Any] = (
                NumberSource(frame[column.name], column).blocks() if _numeric(column) else counted.get(column.name, ())
            )
            found[column.name] = _fold(column, blocks, statistics)
    return found


def _numeric(column: Column) -> bool:
    return column.kind in (Kind.NUMERIC, Kind.TIME)


def _fold(column: Column, blocks: Iterable[Any], statistics: Iterable[Statistic]) -> dict[str, Any]:
    works = [(s.name, s.start(column)) for s in statistics if s.applies(column)]
    for block in blocks:
        for _, work in works:
            work.add(block)
    return {name: work.part() for name, work in works}


def problem_of(frame: pl.DataFrame, column: Column) -> str:
    """Say why a column cannot be summarised; empty when it can."""
    if column.name not in frame.columns:
        return f"column {column.name!r} is missing"
    dtype = frame[column.name].dtype
    if column.kind is Kind.VECTOR and (_holds_numbers(dtype) or dtype == pl.String):
        return ""
    if column.kind is Kind.UNUSABLE or dtype.is_nested() or dtype == pl.Object:
        return f"column {column.name!r} holds {type_name(dtype)}, which cannot be summarised"
    if not column.dtype and _numeric(column) and dtype != pl.Null and _family(dtype) == "text":
        return f"column {column.name!r} holds {type_name(dtype)}, where numbers were expected"
    if dtype == pl.Null or not column.dtype or _family(dtype) == _family_of(column.dtype):
        return ""
    return _changed(column, dtype)


def _changed(column: Column, dtype: pl.DataType) -> str:
    names = type_name(column.dtype), type_name(dtype)
    return f"column {column.name!r} changed its type: the reference holds {names[0]}, this holds {names[1]}"


def _holds_numbers(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.List, pl.Array)) and dtype.inner.is_numeric()


def _family(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numbers"
    if dtype.is_temporal():
        return "times"
    if dtype == pl.Boolean:
        return "booleans"
    return "nested values" if dtype.is_nested() else "text"


def _family_of(name: str) -> str:
    if name.startswith(("Int", "UInt", "Float", "Decimal")):
        return "numbers"
    if name.startswith(("Date", "Time", "Duration")):
        return "times"
    if name.startswith(("List", "Array", "Struct")):
        return "nested values"
    return "booleans" if name == "Boolean" else "text"


def _fold_outcomes(frame: pl.DataFrame, schema: Schema, key: StateKey) -> State:
    own = _key(key, OUTCOME)
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError) as error:
        return State(own, None, {}, str(error))
    score = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
    parts = {}
    for statistic in _statistics(Outcomes):
        work = statistic.start(score)
        work.add(block)
        parts[statistic.name] = work.part()
    return State(own, None, parts)


def _fold_rows(frame: pl.DataFrame, schema: Schema, key: StateKey) -> State:
    own = _key(key, ROWS)
    name = schema.name_of(Role.ID)
    doubled = 0
    if name and name in frame.columns:
        known = frame[name].drop_nulls()
        doubled = len(known) - known.n_unique()
    # A thousand embeddings would weigh more than all other states together.
    rest = frame.drop([column.name for column in schema if column.kind is Kind.VECTOR], strict=False)
    block = Rows(rest if rest.width else frame, row_hashes(frame, schema), doubled)
    parts = {}
    for statistic in _statistics(Rows):
        work = statistic.start(Column("", Role.ID, Kind.IDENTIFIER))
        work.add(block)
        parts[statistic.name] = work.part()
    return State(own, None, parts)
