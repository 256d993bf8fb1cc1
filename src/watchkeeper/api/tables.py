"""Two tables compared, and rows judged as they arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.config.arguments import typed
from watchkeeper.config.check_options import CheckOptions
from watchkeeper.config.options import takes
from watchkeeper.core.alert import AlertState
from watchkeeper.core.errors import UsageError
from watchkeeper.core.schema import Role
from watchkeeper.schema.declared import Declared
from watchkeeper.views.effects import headline_of_alert
from watchkeeper.views.evidence import joined, key_of, shown_as
from watchkeeper.views.findings import Verdict
from watchkeeper.views.headline import headline_of_check
from watchkeeper.views.report import Report
from watchkeeper.words.roles import doubt_sentence, unnamed_sentence

if TYPE_CHECKING:
    from watchkeeper.run.check import CheckResult
    from watchkeeper.streams.stream import Stream

__all__ = ["check", "stream"]


@takes(CheckOptions)
def check(current: Any, reference: Any, options: CheckOptions) -> Report:
    """Compare current rows with reference rows and say what changed.

    Parameters
    ----------
    current, reference
        Parquet, CSV or Arrow files, folders or globs; or Polars, pandas or Arrow tables, dictionaries of arrays, or
        arrays of shape (n, columns). What follows is given by keyword.

    Raises
    ------
    SourceError
        When a table cannot be read.
    SchemaError
        When a named column does not exist in the reference.
    ConfigError
        When a rule is off, or names a column that does not exist, or a value names a class that does not exist.
    UsageError
        When there is no such option, or its value, a metric or a function of a metric is not valid.

    Examples
    --------
    >>> import polars as pl
    >>> before = pl.DataFrame({"age": range(1000), "plan": ["a", "b"] * 500})
    >>> after = pl.DataFrame({"age": range(500, 1500), "plan": ["a", "b"] * 500})
    >>> report = check(after, before)
    >>> report.verdict.value, report.alerts[0].columns
    ('alert', ('age',))
    """
    from watchkeeper.run.check import check_tables

    made = datetime.now(UTC)
    name = Path(current).name if isinstance(current, str | Path) else "current"
    if options.model is not None:
        current, reference, options = _answered(current, reference, options)
    elif options.y is not None or options.y_reference is not None:
        raise UsageError("y goes with model; without one, name the column that holds the labels: label='…'")
    return _of_check(check_tables(current, reference, options, now=made), made, name)


@typed
def stream(
    reference: Any,
    *,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    time: str | None = None,
    id: str | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    segments: Sequence[str] = (),
    positive: str | None = None,
    tolerance: float = 0.05,
    margin: float = 0.02,
    budget: str | float = 100_000.0,
    rows_per_day: float | None = None,
    every: int = 10,
    types: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
) -> Stream:
    """Return a stream that judges rows as they arrive.

    Parameters
    ----------
    reference
        Rows from a time when all was well: anything that ``check`` takes.
    label, prediction, score, time, id
        Columns by role; what is not named is inferred from the reference.
    features
        Columns to watch; None for every column without another role.
    ignore
        Columns to leave alone.
    segments
        Columns whose commonest values are watched each by itself as well; they share half of the budget.
    positive
        The class that ``score`` is the probability of.
    tolerance
        Change of a share that does not matter.
    margin
        Rise of the share of wrong answers that does not matter.
    budget
        Rows of unchanged data, on average, to a false alert; or words such as ``one false alert per model and year``.
    rows_per_day
        How many rows come, for a budget in words; None for as many as in the reference, where it has times.
    every
        Rows that are gathered before they are judged.
    types
        Types of columns, as ``check`` takes them.
    missing
        What stands for missing, in every column.

    Raises
    ------
    SourceError
        When the reference cannot be read.
    SchemaError
        When a named column does not exist in it.
    UsageError
        When no column can be watched, or a budget in words lacks the number of rows.

    Examples
    --------
    >>> import polars as pl
    >>> watch = stream(pl.DataFrame({"plan": ["a", "b"] * 500}))
    >>> step = watch.update({"plan": ["a", "a"] * 100})
    >>> step.alerts[0].columns
    ('plan',)
    """
    from watchkeeper.streams.reference import open_stream

    given = {
        Role.LABEL: label, Role.PREDICTION: prediction, Role.SCORE: score, Role.TIME: time, Role.ID: id,
    }  # fmt: skip
    return open_stream(
        reference, roles={role: name for role, name in given.items() if name is not None}, features=features,
        ignore=ignore, segments=segments, positive=positive, tolerance=tolerance, margin=margin, budget=budget,
        rows_per_day=rows_per_day, every=every, declared=Declared.of(types, missing),
    )  # fmt: skip


def _answered(current: Any, reference: Any, options: CheckOptions) -> tuple[Any, Any, CheckOptions]:
    """Return both tables with the answers of a model in them, and the options that name these columns."""
    from watchkeeper.ingest.scored_rows import score_rows

    named = {"prediction", "score", "label", "scores"} & {n for n, v in vars(options).items() if v is not None}
    if named:
        raise UsageError(f"model answers the rows, and y labels them: leave out {', '.join(sorted(named))}")
    before = score_rows(reference, options.model, options.y_reference, "reference")
    now = score_rows(current, options.model, options.y, "current")
    if options.y is not None and options.y_reference is None:
        before = before.unlabelled_as(now)
    told = {**now.options, **before.options}
    features = options.features if options.features is not None else told.pop("features")
    told.pop("features", None)
    if options.task is not None:
        told.pop("task", None)
    return now.frame, before.frame, replace(options, **told, features=features)


def _of_check(found: CheckResult, made: datetime, name: str) -> Report:
    shown = {key_of(m): m for m in found.measurements}
    unnamed, doubts = unnamed_sentence(found.unnamed), doubt_sentence(found.doubts)
    roles = tuple(filter(None, (doubts, unnamed)))
    report = Report(
        title="Current against reference",
        model=name,
        verdict=Verdict(found.verdict),
        made=made,
        headline=found.why or headline_of_check(found.verdict, found.alerts, found.rows, found.unjudged),
        alerts=tuple(joined(alert, shown) for alert in found.alerts),
        diagnoses=found.diagnoses,
        signals=tuple(shown_as(signal, shown) for signal in found.signals),
        measurements=found.measurements,
        reference=found.reference,
        current=found.current,
        schema=found.spec.schema,
        # An alert is what the first sentence of a report is about.
        notes=(*roles, *found.notes) if found.verdict == "alert" else found.notes,
        unnamed=unnamed,
        doubts=doubts,
    )
    firing = [alert for alert in report.worst_alerts if alert.state is AlertState.FIRING]
    if not firing:
        return report
    return replace(report, headline=headline_of_alert(firing[0], report, caused=True))
