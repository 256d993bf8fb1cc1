"""What a proof replays: the log of a model, or the last part of a table against the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from watchkeeper.config.check_options import CheckOptions
from watchkeeper.config.model import Model
from watchkeeper.core.batch import Batch
from watchkeeper.core.columns import column_named, series_named
from watchkeeper.core.errors import SourceError, UsageError
from watchkeeper.core.schema import Role, Task
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.ingest.door import Door
from watchkeeper.ingest.pace import SAMPLE, timed
from watchkeeper.ingest.sources import Source, open_table
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.run.judging import Judging
from watchkeeper.run.project import Project
from watchkeeper.run.prove import LEARNED, ProofGround
from watchkeeper.run.records import Records
from watchkeeper.run.watched import monitored
from watchkeeper.schema.inference import infer_schema
from watchkeeper.steps.embedding import Embedding
from watchkeeper.steps.reference import summarise_reference
from watchkeeper.store.memory import MemoryStore
from watchkeeper.store.rehearsal import RehearsalStore

__all__ = ["MOST_WINDOWS", "ground_of_project", "ground_of_table"]

MOST_WINDOWS = 60
"""Windows that are replayed unless more are asked for."""

_HELD_OUT = 3
"""Of a reference that is all there is, one of so many parts is replayed against the others."""

_FEWEST = 3 * (LEARNED + 1)
"""Windows that a table must be cut into, so that a third of it can be replayed."""

_LENGTHS = tuple(
    timedelta(minutes=minutes) for minutes in (10_080, 1_440, 360, 60, 10, 1)
)  # a week, a day, six hours, an hour, ten minutes, a minute

Progress = Callable[[str, int, int | None], None]


def ground_of_project(
    records: Records, name: str, *, most: int = MOST_WINDOWS, progress: Progress | None = None
) -> ProofGround:
    """Return the newest windows of a model's log, judged as its runs judge them; or of its reference, where it has few.

    Nothing is written.

    Parameters
    ----------
    most
        Windows to replay at most.

    Raises
    ------
    UsageError
        When the model has neither a log nor a reference with times to replay.
    """
    shown = Project(records.config, records.folder, RehearsalStore(records.store))  # type: ignore[arg-type]
    spec = shown.spec(name)
    embedding, rule = shown.embedding(spec), spec.windows or WindowRule()
    wide = replace(spec, schema=embedding.wide(spec.schema))
    place = Checkpoint.load(shown.store, name)
    windows = [w for w in sorted(place.filled) if not (spec.reference and w.start < spec.reference.end)]
    if len(windows) <= LEARNED:
        return _of_reference(shown, name, spec, embedding, most, progress)
    windows = windows[-most:]
    judging = Judging.of(wide, shown.store, rule)

    def rows(window: Window) -> pl.DataFrame:
        found = [batch.frame for batch in shown.store.read(name, spec.schema, window)]
        return pl.concat(found, how="diagonal_relaxed")

    sample = rows(windows[0]) if spec.reference is None else _joined(shown, name, spec, spec.reference)
    return ProofGround(
        judging, spec.schema, embedding, tuple(windows), rows, sample, "history", spec.reference,
        sum(rows(w).height for w in windows), judging.memory_before(windows[0], place),
    )  # fmt: skip


def _joined(project: Project, name: str, spec: Spec, window: Window) -> pl.DataFrame:
    found = [batch.frame for batch in project.store.read(name, spec.schema, window)]
    return pl.concat(found, how="diagonal_relaxed").head(SAMPLE) if found else pl.DataFrame()


def _of_reference(
    project: Project, name: str, spec: Spec, embedding: Embedding, most: int, progress: Progress | None
) -> ProofGround:
    """Return the last part of a model's reference, to be replayed against the rest of it."""
    reference = project.config.model(name).reference
    if reference is not None and reference.source is not None:
        place = reference.source
        door = project.door(name)
        path = place if "://" in place else str(project.folder / place)
        source = open_table(path, door=door.expecting(spec.schema, door.known))
    elif spec.reference is not None and (rows := _joined(project, name, spec, spec.reference)).height:
        source = open_table(rows)
    else:
        raise UsageError(
            f"there is nothing of {name!r} to replay: no {LEARNED + 1} windows were judged after its reference, and it "
            f"has no reference with times; set models.{name}.reference, or run watchkeeper run first"
        )
    return _held_out(timed(source, spec.schema), spec, embedding, most, progress)


def ground_of_table(
    table: Any,
    options: CheckOptions | None = None,
    *,
    every: timedelta | None = None,
    most: int = MOST_WINDOWS,
    progress: Progress | None = None,
) -> ProofGround:
    """Return the last third of a table, to be replayed against the rest as a model that ``init`` has written would be.

    Parameters
    ----------
    options
        Which column is what; None to infer all.
    every
        Length of a window; None for a day, or for less where that gives too few windows.

    Raises
    ------
    SourceError
        When the table cannot be read.
    UsageError
        When it has no column of times.
    """
    options = options or CheckOptions()
    source = open_table(table, door=Door(options.declared, answers=options.answers))
    schema = infer_schema(
        source.sample(SAMPLE), roles=options.roles(), features=options.features, ignore=options.ignore,
        segments=options.split_by, positive=options.positive, scores=options.scores, quantiles=options.quantiles,
        task=Task(options.task) if options.task else None, kinds=options.kinds,
    )  # fmt: skip
    if schema.of(Role.TIME) is None:
        raise UsageError("windows of time are replayed, and no column of times was recognised: name it with --time")
    read = timed(source, schema)
    length = every or _length(read, schema.name_of(Role.TIME) or "")
    model = Model.model_validate({"windows": {"every": length, "grain": length}, "segments": list(options.split_by)})
    return _held_out(read, monitored(model.spec("table", schema), Embedding()), Embedding(), most, progress)


def _length(source: Source, time: str) -> timedelta:
    """Choose windows of a day, or shorter ones where that makes too few."""
    times = source.sample(SAMPLE, [time])[time].drop_nulls()
    first, last = times.min(), times.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return _LENGTHS[1]
    return next((one for one in _LENGTHS[1:] if (last - first) / one >= _FEWEST), _LENGTHS[-1])


def _held_out(source: Source, spec: Spec, embedding: Embedding, most: int, progress: Progress | None) -> ProofGround:
    rule, time = spec.windows or WindowRule(), spec.schema.name_of(Role.TIME) or ""
    if time not in source.columns:
        raise SourceError(f"{source.name} has no times (column {time!r}), and windows of time are replayed")
    counts = _windows_of(source, time, rule)
    # The first and the last may have begun before the table does, or go on after it.
    ordered = sorted(counts)[1:-1] if len(counts) > _HELD_OUT else sorted(counts)
    cut = len(ordered) - max(1, len(ordered) // _HELD_OUT)
    windows = tuple(ordered[cut:][:most])
    wide = replace(spec, schema=embedding.wide(spec.schema), reference=None)
    store = MemoryStore()
    before = Window(ordered[0].start, windows[0].start)
    summarise_reference(wide, store, _batches(source, spec, before, progress), "held out", embedding)
    replayed = Window(windows[0].start, windows[-1].end)
    by_window: dict[Window | None, list[State]] = {grain: [] for w in windows for grain in rule.grains(w)}
    for key, state in embedding.summarise(_batches(source, spec, replayed, progress), wide).items():
        if key.window in by_window:
            by_window[key.window].append(state)
    store.put_states(spec.model, by_window)
    sample = [batch.frame for batch in _batches(source, spec, before, None, most=SAMPLE)]

    return ProofGround(
        Judging.of(wide, store, rule), spec.schema, embedding, windows, _Rows(source, spec, replayed),
        pl.concat(sample), "held_out", before, sum(counts[w] for w in windows),
    )  # fmt: skip


class _Rows:
    """The rows of windows of a table, which is read once."""

    def __init__(self, source: Source, spec: Spec, span: Window) -> None:
        self._source, self._spec, self._span = source, spec, span
        self._held: pl.DataFrame | None = None

    def __call__(self, window: Window) -> pl.DataFrame:
        if self._held is None:
            self._held = pl.concat([b.frame for b in _batches(self._source, self._spec, self._span, None)])
        return self._held.filter(_within(self._spec, window))


def _within(spec: Spec, window: Window) -> pl.Expr:
    time = spec.schema.name_of(Role.TIME) or ""
    return column_named(time).is_between(window.start, window.end, closed="left")


def _windows_of(source: Source, time: str, rule: WindowRule) -> dict[Window, int]:
    """Return the judged windows that a table has rows of, with their number."""
    counts: dict[Window, int] = {}
    for frame in source.batches(columns=[time]):
        # Windows start at whole seconds at the least.
        starts = series_named(frame, time).drop_nulls().dt.truncate("1m" if rule.every >= _LENGTHS[-2] else "1s")
        for moment, count in starts.alias("start").value_counts().iter_rows():
            window = rule.window_of(moment)
            counts[window] = counts.get(window, 0) + count
    if not counts:
        raise SourceError(f"{source.name} has no rows with a time")
    return counts


def _batches(
    source: Source, spec: Spec, window: Window, progress: Progress | None, *, most: int | None = None
) -> Iterator[Batch]:
    """Yield the rows of a time in the order of the table."""
    split = (rule.column for rule in spec.schema.segments)
    names = dict.fromkeys((*(c.name for c in spec.schema if c.role is not Role.IGNORED), *split, *spec.embed))
    columns = [name for name in names if name in source.columns]
    done = 0
    for frame in source.batches(columns=columns):
        if progress:
            progress("reading", done, source.rows)
        held = frame.filter(_within(spec, window))
        done += frame.height
        if held.height:
            yield Batch(held if most is None else held.head(most), spec.schema)
