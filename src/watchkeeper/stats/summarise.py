"""The first of the four steps: rows in, states out, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from watchkeeper.core.batch import Batch
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.kinds import type_name
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import ALL, Column, Kind, Role, Schema, SegmentRule, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import OUTCOME, ROWS, State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.stats.blocks import Levels, Numbers, NumberSource, Outcomes, Rows, count_levels, to_text
from watchkeeper.stats.codec import merge_states
from watchkeeper.stats.hashing import hash_numbers, hash_texts
from watchkeeper.stats.statistic import Statistic

__all__ = ["outcomes", "summarise", "summarise_rows"]

_PARALLEL_ROWS = 50_000
_GATHERED_ROWS = 1 << 20
_GATHERED_BYTES = 1 << 27
_GROUP = "__watchkeeper_group_"


def summarise(
    batches: Iterable[Batch], spec: Spec, *, progress: Callable[[int], None] | None = None
) -> dict[StateKey, State]:
    """Fold batches into one state per version, stored window, segment and column.

    Parameters
    ----------
    batches
        Rows in any order and any chunking; memory holds about a million rows, fewer where they are wide.
    spec
        Gives the model, the columns with their maps, the segments and the length of a stored window.
    progress
        Called with the number of rows of each batch once it is folded.

    Returns
    -------
    dict
        States by key. A column that is missing or of an unusable type is a state with a ``problem``.
    """
    states: dict[StateKey, State] = {}
    with ThreadPoolExecutor(max_workers=1) as aside:
        for group in _gathered(batches):
            for state in _fold_batch(_joined(group), spec, aside):
                known = states.get(state.key)
                states[state.key] = merge_states(known, state) if known else state
            lengths = [len(batch) for batch in group]
            group.clear()  # or these rows would stay in memory while the next ones are read
            if progress:
                for length in lengths:
                    progress(length)
    return states


def _fold_batch(batch: Batch, spec: Spec, aside: ThreadPoolExecutor) -> list[State]:
    pieces = _split(batch, spec.windows)
    return [
        state
        for version, window, frame in pieces
        for state in summarise_rows(frame, batch.schema, spec.model, version, window, aside)
    ]


def _gathered(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Group batches up to a size at which starting and merging states costs little beside folding rows."""
    waiting: list[Batch] = []
    rows = size = 0
    for batch in batches:
        frame, first = batch.frame, waiting[0] if waiting else batch
        alike = (batch.schema, batch.window, frame.schema) == (first.schema, first.window, first.frame.schema)
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
    aside: ThreadPoolExecutor | None = None,
) -> list[State]:
    """Return the states of rows that belong to one version and window: of all rows, and of every segment."""
    key = StateKey(model, version, window)
    if not schema.segments:
        return _fold_all(frame, schema, key, aside)
    found: list[State] = []
    for number, rule in enumerate(schema.segments):
        whole: dict[str, State] = {}
        for name, piece in _by_segment(frame, rule):
            folded = _fold_all(piece, schema, StateKey(model, version, window, name), aside)
            found.extend(folded)
            if number == 0:
                for state in folded:
                    column = state.key.column
                    moved = State(StateKey(model, version, window, ALL, column), state.spec, state.parts, state.problem)
                    whole[column] = merge_states(whole[column], moved) if column in whole else moved
        found.extend(whole.values())
    return found


def _by_segment(frame: pl.DataFrame, rule: SegmentRule) -> Iterator[tuple[str, pl.DataFrame]]:
    if rule.column not in frame.columns:
        yield f"{rule.column}=null", frame
        return
    text = to_text(frame[rule.column])
    if rule.values:
        listed = text.is_in(list(rule.values)) | text.is_null()
        text = text.zip_with(listed, pl.Series([f"{_OTHER}"]))
    named = frame.with_columns(text.alias(_GROUP))
    for (value,), piece in named.partition_by(_GROUP, as_dict=True, include_key=False).items():
        name = "null" if value is None else "other" if value == _OTHER else value
        yield f"{rule.column}={name}", piece


_OTHER = "\x00other"


def _split(batch: Batch, rule: WindowRule | None) -> Iterator[tuple[str, Window | None, pl.DataFrame]]:
    """Cut a batch by version and stored window."""
    frame, schema = batch.frame, batch.schema
    version, time = schema.name_of(Role.VERSION), schema.name_of(Role.TIME)
    keys: dict[str, pl.Series] = {}
    if version in frame.columns and version:
        keys["version"] = to_text(frame[version]).fill_null("").alias(f"{_GROUP}version")
    if batch.window is None and rule is not None and time in frame.columns and time:
        origin = int((rule.origin - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
        length = int(rule.grain / timedelta(microseconds=1))
        keys["grain"] = ((_epoch_us(frame[time]) - origin) // length).alias(f"{_GROUP}grain")
    pieces: list[tuple[tuple[Any, ...], pl.DataFrame]] = []
    if all(_constant(series) for series in keys.values()):
        pieces = [(tuple(series[0] for series in keys.values()), frame)] if frame.height else []
    else:
        marked = frame.with_columns(keys.values())
        named = [series.name for series in keys.values()]
        pieces = [*marked.partition_by(named, as_dict=True, include_key=False).items()]
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


def _fold_all(frame: pl.DataFrame, schema: Schema, key: StateKey, aside: ThreadPoolExecutor | None) -> list[State]:
    watched = [c for c in schema if c.role not in (Role.ID, Role.VERSION, Role.IGNORED, Role.SEGMENT)]
    problems = {c.name: _problem(frame, c) for c in watched}
    usable = [c for c in watched if not problems[c.name]]
    leveled = [c.name for c in usable if not _numeric(c)]

    def others() -> tuple[dict[str, Levels], State, State]:
        return count_levels(frame, leveled), _fold_outcomes(frame, schema, key), _fold_rows(frame, schema, key)

    # Two threads: counting levels and whole-row work seldom hold the interpreter lock, folding numbers often does.
    waiting = aside.submit(others) if aside is not None and frame.height >= _PARALLEL_ROWS else None
    numbers = {c.name: _fold(c, NumberSource(frame[c.name], c).blocks(), Numbers) for c in usable if _numeric(c)}
    counted, outcome, rows = waiting.result() if waiting else others()
    found = []
    for column in watched:
        parts = numbers.get(column.name) or (
            _fold(column, [counted[column.name]], Levels) if column.name in counted else {}
        )
        found.append(State(_key(key, column.name), column, parts, problems[column.name]))
    return [*found, outcome, rows]


def _key(key: StateKey, column: str) -> StateKey:
    return StateKey(key.model, key.version, key.window, key.segment, column)


def _statistics(block: type) -> list[Statistic]:
    return [s for s in plugins("statistic").values() if block in s.reads]


def _numeric(column: Column) -> bool:
    return column.kind in (Kind.NUMERIC, Kind.TIME)


def _fold(column: Column, blocks: Iterable[Numbers | Levels], kind: type) -> dict[str, Any]:
    works = [(s.name, s.start(column)) for s in _statistics(kind) if s.applies(column)]
    for block in blocks:
        for _, work in works:
            work.add(block)
    return {name: work.part() for name, work in works}


def _problem(frame: pl.DataFrame, column: Column) -> str:
    """Say why a column cannot be summarised; empty when it can."""
    if column.name not in frame.columns:
        return f"column {column.name!r} is missing"
    dtype = frame[column.name].dtype
    if column.kind is Kind.UNUSABLE or dtype.is_nested() or dtype == pl.Object:
        return f"column {column.name!r} holds {type_name(dtype)}, which cannot be summarised"
    if not column.dtype and _numeric(column) and dtype != pl.Null and _family(dtype) == "text":
        return f"column {column.name!r} holds {type_name(dtype)}, where numbers were expected"
    if dtype == pl.Null or not column.dtype or _family(dtype) == _family_of(column.dtype):
        return ""
    names = type_name(column.dtype), type_name(dtype)
    return f"column {column.name!r} changed its type: the reference holds {names[0]}, this holds {names[1]}"


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
    return "booleans" if name == "Boolean" else "text"


def outcomes(frame: pl.DataFrame, schema: Schema) -> Outcomes:
    """Return label, prediction and score of the rows in the terms of the schema.

    Raises
    ------
    SchemaError
        When one of the columns cannot be read as its role asks.
    """

    def present(role: Role) -> pl.Series | None:
        name = schema.name_of(role)
        return frame[name] if name and name in frame.columns else None

    label, prediction, score = present(Role.LABEL), present(Role.PREDICTION), present(Role.SCORE)
    scores = None if score is None else _floats(score)
    if schema.task is Task.REGRESSION:
        return Outcomes(
            frame.height,
            None if label is None else _floats(label),
            None if prediction is None else _floats(prediction),
            scores,
        )
    positive = schema.classes.index(schema.positive) if schema.positive in schema.classes else None
    return Outcomes(
        frame.height,
        None if label is None else _codes(label, schema.classes),
        None if prediction is None else _codes(prediction, schema.classes),
        scores,
        schema.classes,
        positive,
    )


def _floats(series: pl.Series) -> NDArray[np.float64]:
    if not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise SchemaError(f"column {series.name!r} holds {type_name(series.dtype)}, where numbers were expected")
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _codes(series: pl.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Map values to the codes of their classes: -1 for null, -2 for a class that is not known."""
    if series.dtype.is_integer() and all(c.lstrip("-").isdigit() for c in classes):
        if classes == tuple(map(str, range(len(classes)))) and _within(series, len(classes)):
            return series.cast(pl.Int64).to_numpy()
        values = series.fill_null(-1).cast(pl.Int64).to_numpy()
        codes = np.full(len(values), -2, np.int64)
        for code, name in enumerate(classes):
            codes[values == int(name)] = code
        if series.null_count():
            codes[series.is_null().to_numpy()] = -1
        return codes
    mapping = {name: code for code, name in enumerate(classes)}
    text = to_text(series)
    if series.dtype.is_float():
        text = text.set(series.is_nan().fill_null(False), None)
    coded = text.replace_strict(mapping, default=-2, return_dtype=pl.Int64)
    return coded.set(text.is_null(), -1).to_numpy()


def _within(series: pl.Series, end: int) -> bool:
    """Return whether every value is known and in [0, end)."""
    smallest, largest = series.min(), series.max()
    if series.null_count() or not isinstance(smallest, int) or not isinstance(largest, int):
        return False
    return smallest >= 0 and largest < end


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
        ids = frame[name]
        if ids.dtype.is_integer():
            hashes = hash_numbers(ids.fill_null(0).cast(pl.Int64, wrap_numerical=True).to_numpy())
        else:
            hashes = hash_texts(to_text(ids).fill_null(""))
        known = ids.drop_nulls()
        doubled = len(known) - known.n_unique()
    else:
        hashes = _row_hashes(frame, schema)
    block = Rows(frame, hashes, doubled)
    parts = {}
    for statistic in _statistics(Rows):
        work = statistic.start(Column("", Role.ID, Kind.IDENTIFIER))
        work.add(block)
        parts[statistic.name] = work.part()
    return State(own, None, parts)


def _row_hashes(frame: pl.DataFrame, schema: Schema) -> NDArray[np.uint64]:
    """Hash the place and the first number of each row, for a log without ids."""
    place = np.arange(frame.height, dtype=np.int64)
    for column in schema:
        if column.kind is Kind.NUMERIC and column.name in frame.columns and frame[column.name].dtype.is_numeric():
            place ^= frame[column.name].cast(pl.Float64).fill_null(0.0).to_numpy().view(np.int64)
            break
    return hash_numbers(place)
