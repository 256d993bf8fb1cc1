"""The first of the four steps: rows in, states out, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import columns_named, series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import ALL, Role, Schema, SegmentRule
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.schema.kinds import type_name
from watchkeeper.schema.names import NUL, plain_name
from watchkeeper.stats.blocks import to_text
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.level_index import level_codes
from watchkeeper.stats.partitions import Partitions
from watchkeeper.stats.piece import fold_joint, fold_pieces
from watchkeeper.stats.rule_fold import fold_rules

__all__ = ["gathered", "summarise", "summarise_rows"]

_GATHERED_ROWS = 1 << 20
_GATHERED_BYTES = 1 << 27
_GROUP = "__watchkeeper_group_"
_ROW = "__watchkeeper_row"


def summarise(
    batches: Iterable[Batch],
    spec: Spec,
    *,
    progress: Callable[[int], None] | None = None,
    only: Collection[str] | None = None,
) -> dict[StateKey, State]:
    """Fold batches into one state per version, stored window, segment and column.

    Parameters
    ----------
    batches
        Rows in any chunking; memory holds about a million rows, fewer where they are wide. A batch that says where in
        its table it begins (``first_row``) may come from any part of it: parts of a table that are summarised apart and
        merged in their order give what the whole gives.
    spec
        Gives the model, the columns with their maps, the segments and the length of a stored window.
    progress
        Called with the number of rows of each batch once it is folded.
    only
        Columns to fold, beside the rows and all features together; None to fold all, and what is answered and true too.

    Returns
    -------
    dict
        States by key. A column that is missing or of an unusable type is a state with a ``problem``.
    """
    states: dict[StateKey, State] = {}
    done = 0
    for group in gathered(batches):
        whole = _joined(group)
        done = done if whole.first_row is None else whole.first_row
        folded = _fold_batch(whole, spec, done, only)
        for state in (*folded, *fold_rules(whole, spec, done, folded)):
            known = states.get(state.key)
            states[state.key] = merge_states(known, state) if known else state
        lengths = [len(batch) for batch in group]
        done += len(whole)
        del whole
        group.clear()  # or these rows would stay in memory while the next ones are read
        if progress:
            for length in lengths:
                progress(length)
    return states


def _fold_batch(batch: Batch, spec: Spec, first_row: int, only: Collection[str] | None) -> list[State]:
    frame, id_column = batch.frame, batch.schema.name_of(Role.ID)
    if id_column not in frame.columns:
        row = pl.int_range(first_row, first_row + frame.height, dtype=pl.Int64, eager=True).alias(_ROW)
        batch = replace(batch, frame=frame.with_columns(row))
    states: list[State] = []
    for version, window, part in _split(batch, spec.windows):
        row_numbers = part[_ROW].to_numpy() if _ROW in part.columns else None
        rows = part.drop(_ROW, strict=False)
        states.extend(
            summarise_rows(rows, batch.schema, spec.model, version, window, spec.keep, row_numbers, only=only)
        )
    return states


def gathered(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Group batches up to a size at which starting and merging states costs little beside folding rows."""
    waiting: list[Batch] = []
    rows = size = 0
    for batch in batches:
        frame, first = batch.frame, waiting[0] if waiting else batch
        next_row = first.first_row if first.first_row is None else first.first_row + rows
        own = (batch.schema, batch.window, frame.schema, batch.first_row)
        alike = own == (first.schema, first.window, first.frame.schema, next_row)
        if waiting and (not alike or rows + len(batch) > _GATHERED_ROWS):
            yield waiting
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows += len(batch)
        size += int(frame.estimated_size())
        if size >= _GATHERED_BYTES:
            yield waiting
            waiting, rows, size = [], 0, 0
    if waiting:
        yield waiting


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return replace(batches[0], frame=pl.concat([batch.frame for batch in batches]))


def summarise_rows(
    frame: pl.DataFrame,
    schema: Schema,
    model: str = "",
    version: str = "",
    window: Window | None = None,
    keep: Sequence[str] = (),
    row_numbers: NDArray[np.int64] | None = None,
    *,
    only: Collection[str] | None = None,
) -> list[State]:
    """Return the states of rows that belong to one version and window: of all rows, and of every segment.

    Parameters
    ----------
    keep
        Optional statistics to keep.
    row_numbers
        Rows of the table before each of these, which tells rows without an id apart; None where these are the table.
    only
        Columns to fold, see ``summarise``.
    """
    key = StateKey(model, version, window)
    together = fold_joint(frame, schema, key, keep)
    if not schema.segments or not frame.height:
        return [
            *fold_pieces(
                frame, schema, key, Partitions.one(ALL, frame.height), keep, row_numbers=row_numbers, only=only
            ),
            *together,
        ]
    found: list[State] = together
    for number, rule in enumerate(schema.segments):
        found.extend(
            fold_pieces(
                frame, schema, key, _segments(frame, rule), keep, whole=not number, row_numbers=row_numbers, only=only
            )
        )
    return found


def _segments(frame: pl.DataFrame, rule: SegmentRule) -> Partitions:
    dtype = frame.schema.get(rule.column)
    if dtype is None or dtype.is_nested() or dtype == pl.Object:
        # The state of the column itself says what is wrong with it.
        return Partitions.of((f"{rule.column}=null",), np.zeros(frame.height, np.intp))
    values, codes = level_codes(series_named(frame, rule.column))
    names = ["null" if v is None else v if not rule.values or v in rule.values else "other" for v in to_text(values)]
    segments = [plain_name(f"{rule.column}={name}") for name in names]
    distinct = {name: place for place, name in enumerate(dict.fromkeys(segments))}
    if len(distinct) < len(segments):
        codes = np.array([distinct[name] for name in segments], np.intp)[codes]
    return Partitions.of(tuple(distinct), codes)


def _split(batch: Batch, rule: WindowRule | None) -> Iterator[tuple[str, Window | None, pl.DataFrame]]:
    """Cut a batch by version and stored window."""
    frame, schema = batch.frame, batch.schema
    version, time = schema.name_of(Role.VERSION), schema.name_of(Role.TIME)
    keys: dict[str, pl.Series] = {}
    if version in frame.columns and version:
        versions = to_text(series_named(frame, version)).fill_null("").str.replace_all("\0", NUL, literal=True)
        keys["version"] = versions.alias(f"{_GROUP}version")
    if batch.window is None and rule is not None and time in frame.columns and time:
        origin = int((rule.origin - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        length = int(rule.grain / timedelta(microseconds=1))
        keys["grain"] = ((_epoch_us(series_named(frame, time)) - origin) // length).alias(f"{_GROUP}grain")
    pieces: list[tuple[tuple[Any, ...], pl.DataFrame]] = []
    if all(_constant(series) for series in keys.values()):
        pieces = [(tuple(series[0] for series in keys.values()), frame)] if frame.height else []
    else:
        marked = frame.with_columns(keys.values())
        named = [series.name for series in keys.values()]
        pieces = [*marked.partition_by(columns_named(named), as_dict=True, include_key=False).items()]
    for values, piece in pieces:
        found = dict(zip(keys, values, strict=True))
        window, grain = batch.window, found.get("grain")
        if rule is not None and grain is not None:
            start = rule.origin + grain * rule.grain
            window = Window(start, start + rule.grain)
        yield found.get("version", ""), window, piece


def _constant(series: pl.Series) -> bool:
    """Return whether all values are equal, or all are null."""
    return series.null_count() in (0, len(series)) and series.min() == series.max()


def _epoch_us(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Datetime) or series.dtype == pl.Date:
        return series.cast(pl.Datetime("us")).dt.epoch("us")
    raise SchemaError(f"time column {series.name!r} holds {type_name(series.dtype)}: no dates with times")
