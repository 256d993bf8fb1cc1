"""The states of rows that belong to one version and window, in one piece or segment by segment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.columns import has_column, series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema, is_countable
from watchkeeper.core.state import JOINT, OUTCOME, ROWS, State, StateKey, missing_column
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.kinds import type_name, unusable_reason
from watchkeeper.schema.label_sets import canonical
from watchkeeper.schema.names import without
from watchkeeper.stats.blocks import Levels, Numbers, NumberSource, Outcomes, Rows, nested_text
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.joint import JOINT_COLUMN, Joint, joint_columns
from watchkeeper.stats.level_index import levels_by_piece
from watchkeeper.stats.outcomes import outcomes
from watchkeeper.stats.partitions import Partitions, permute
from watchkeeper.stats.row_identity import id_hashes, row_hashes
from watchkeeper.stats.statistic import Statistic, fold, fold_each, is_optional, is_whole_only
from watchkeeper.stats.texts import Texts
from watchkeeper.stats.vectors import Vectors

__all__ = ["fold_joint", "fold_pieces", "problem_of", "with_plain_sets"]

Parts = Mapping[str, Any]

_WHOLE = (Kind.TEXT, Kind.VECTOR)
"""Kinds of columns that have a form of their own."""

_UNWATCHED = (Role.ID, Role.VERSION, Role.IGNORED, Role.SEGMENT, Role.GROUP, Role.LABEL_TIME)


def fold_pieces(
    frame: pl.DataFrame,
    schema: Schema,
    key: StateKey,
    pieces: Partitions,
    keep: Sequence[str] = (),
    *,
    whole: bool = False,
    row_numbers: NDArray[np.int64] | None = None,
    only: Collection[str] | None = None,
) -> list[State]:
    """Return the states of each column, of the outcomes and of the rows, for each piece.

    Parameters
    ----------
    pieces
        The segments that the rows are cut into.
    whole
        Whether to return the states of all rows too, as segment ``all``.
    row_numbers
        What tells rows without an id apart, see ``row_hashes``.
    only
        Columns to return states of, beside those of the rows; None for all, and the outcomes.
    """
    frame = with_plain_sets(frame, schema)
    cut = pieces.codes is not None
    found: list[State] = []
    for column in (c for c in schema if c.role not in _UNWATCHED and (only is None or c.name in only)):
        problem = problem_of(frame, column)
        parts: Sequence[Parts] = [{}] * len(pieces)
        more: Parts = {}
        if not problem:
            try:
                parts, more = _fold_column(frame, column, schema, pieces, _Chosen(keep, cut, cut and whole))
            except SchemaError as error:
                problem = str(error)
        states = _states(key, column.name, column, pieces, parts, problem)
        found.extend([*states, *_together(states, more)] if whole else states)
    for states in (
        _fold_outcomes(frame, schema, key, pieces) if only is None else [],
        _fold_rows(frame, schema, key, pieces, row_numbers),
    ):
        found.extend([*states, *_together(states, {})] if whole else states)
    return found


def _states(
    key: StateKey, name: str, column: Column | None, pieces: Partitions, parts: Iterable[Parts], problem: str = ""
) -> list[State]:
    return [
        State(StateKey(key.model, key.version, key.window, segment, name), column, held, problem)
        for segment, held in zip(pieces.names, parts, strict=True)
    ]


def _together(states: Sequence[State], more: Parts) -> list[State]:
    """Return the state of all rows, from those of the pieces and the parts that are kept of all rows alone."""
    if not states:
        return []
    one = merge_states(*states)
    return [replace(one, key=replace(one.key, segment=ALL), parts={**one.parts, **more})]


def _fold_column(
    frame: pl.DataFrame, column: Column, schema: Schema, pieces: Partitions, chosen: _Chosen
) -> tuple[Sequence[Parts], Parts]:
    """Return the parts of each piece, and those that are kept of all rows alone.

    Raises
    ------
    SchemaError
        When the column cannot be read.
    """
    series = series_named(frame, column.name)
    if column.kind is Kind.UNUSABLE:
        # Values that cannot be compared can still be missing, empty or always the same.
        series, column = nested_text(series), replace(column, kind=Kind.IDENTIFIER)
    if column.kind in _WHOLE:
        return _fold_whole(frame, column, schema, pieces, chosen), {}
    form: type = Numbers if _numeric(column) else Levels
    details = [(s.name, s.start(column)) for s in chosen.details(form) if s.applies(column)]
    statistics = [s for s in chosen.of(form) if s.applies(column)]
    source = NumberSource(series, column, pieces.positions, pieces.room) if _numeric(column) else None
    # Classes become floats where some of them are missing, and what is missing is no class.
    levels = [] if source else levels_by_piece(series.fill_nan(None) if series.dtype.is_float() else series, pieces)
    found = []
    for place, (start, stop) in enumerate(pieces.spans()):
        works = [(s.name, s.start(column)) for s in statistics]
        blocks: Iterable[Any] = source.blocks(start, stop) if source else [levels[place]]
        for block in blocks:
            for _, work in (*works, *details):
                work.add(block)
        found.append({name: work.part() for name, work in works})
    return found, {name: work.part() for name, work in details}


def with_plain_sets(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return labels and predictions that are lists of classes as texts, one for each set, that count as levels."""
    if schema.task.spec.labels is not Labels.SET:
        return frame
    plain = []
    for role in (Role.LABEL, Role.PREDICTION):
        name = schema.name_of(role)
        if name and name in frame.columns:
            try:
                plain.append(canonical(series_named(frame, name)).alias(name))
            except SchemaError:
                # Whoever looks at the column says what is wrong with it.
                continue
    return frame.with_columns(plain)


def _fold_whole(
    frame: pl.DataFrame, column: Column, schema: Schema, pieces: Partitions, chosen: _Chosen
) -> list[Parts]:
    """Return the parts of a column of texts or vectors."""
    series, hashes = series_named(frame, column.name), None
    vectors = column.kind is Kind.VECTOR
    if vectors:
        series, hashes = _lists(series, column), id_hashes(frame, schema)
    if pieces.order is not None:
        series = series[pieces.order]
        hashes = None if hashes is None else hashes[pieces.order]
    statistics = chosen.of(Vectors if vectors else Texts)
    found: list[Parts] = []
    for start, stop in pieces.spans():
        piece = series.slice(start, stop - start)
        known = None if hashes is None else hashes[start:stop]
        blocks: Iterable[Any] = [Vectors.of(piece, known)] if vectors else Texts.blocks(piece)
        found.append(_fold(column, blocks, statistics))
    return found


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
    return [s for s in found if not is_optional(s) or s.name in keep]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which statistics are folded: some are kept of all rows alone."""

    keep: Sequence[str]
    cut: bool
    whole: bool

    def of(self, block: type) -> list[Statistic]:
        found = _statistics(block, self.keep)
        return [s for s in found if not is_whole_only(s)] if self.cut else found

    def details(self, block: type) -> list[Statistic]:
        found = _statistics(block, self.keep) if self.whole else []
        return [s for s in found if is_whole_only(s)]


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
    if not has_column(frame, column.name):
        return missing_column(column.name)
    dtype = frame[column.name].dtype
    if column.kind is Kind.VECTOR and (_holds_numbers(dtype) or dtype == pl.String):
        return ""
    if (reason := unusable_reason(dtype)) is not None:
        return f"column {column.name!r} holds {reason}"
    if column.kind is Kind.UNUSABLE and dtype.is_nested() and is_countable(column):
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
    if dtype.is_numeric() or dtype in (pl.Duration, pl.Time):
        return "numbers"
    if dtype.is_temporal():
        return "times"
    if dtype == pl.Boolean:
        return "booleans"
    return "nested values" if dtype.is_nested() else "text"


def _family_of(name: str) -> str:
    if name.startswith(("Int", "UInt", "Float", "Decimal", "Duration", "Time")):
        return "numbers"
    if name.startswith("Date"):
        return "times"
    if name.startswith(("List", "Array", "Struct")):
        return "nested values"
    return "booleans" if name == "Boolean" else "text"


def _fold_outcomes(frame: pl.DataFrame, schema: Schema, key: StateKey, pieces: Partitions) -> list[State]:
    try:
        block = outcomes(frame, schema)
    except (SchemaError, pl.exceptions.PolarsError) as error:
        return _states(key, OUTCOME, None, pieces, [{}] * len(pieces), str(error))
    score = schema.of(Role.SCORE) or Column("", Role.SCORE, Kind.NUMERIC)
    ordered = block if pieces.positions is None else block.permute(pieces.positions)
    statistics = _statistics(Outcomes)
    found = []
    for start, stop in pieces.spans():
        piece = ordered if pieces.positions is None else ordered.between(start, stop)
        found.append({s.name: fold(s, score, [piece]) for s in statistics})
    return _states(key, OUTCOME, None, pieces, found)


def _fold_rows(
    frame: pl.DataFrame, schema: Schema, key: StateKey, pieces: Partitions, row_numbers: NDArray[np.int64] | None
) -> list[State]:
    name = schema.name_of(Role.ID)
    ids = series_named(frame, name) if name and name in frame.columns else None
    # A thousand embeddings would weigh more than all other states together.
    vectors = [column.name for column in schema if column.kind is Kind.VECTOR and has_column(frame, column.name)]
    rest = without(frame, vectors) if 0 < len(vectors) < frame.width else frame
    hashes = row_hashes(frame, schema, row_numbers)
    hashes = hashes if pieces.positions is None else permute(hashes, pieces.positions)
    whole = Column("", Role.ID, Kind.IDENTIFIER)
    blocks = []
    for start, stop in pieces.spans():
        places = None if pieces.order is None else pieces.order[start:stop]
        known = None if ids is None else (ids if places is None else ids[places]).drop_nulls()
        doubled = 0 if known is None else len(known) - known.n_unique()
        blocks.append(Rows(rest, hashes[start:stop], doubled, places))
    parts = {s.name: fold_each(s, whole, blocks) for s in _statistics(Rows)}
    found = [{name: each[place] for name, each in parts.items()} for place in range(len(pieces))]
    return _states(key, ROWS, None, pieces, found)
