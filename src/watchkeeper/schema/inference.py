"""The roles and kinds of a log's columns, inferred from a sample of the reference where they are not given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.class_scores import class_scores_of
from watchkeeper.schema.courses import calendar_part, counts_on, moment_of
from watchkeeper.schema.event_time import MOMENT, to_utc
from watchkeeper.schema.identifiers import is_saved_index
from watchkeeper.schema.kinds import as_text, is_probability, kind_of, map_of, type_name, unusable_reason
from watchkeeper.schema.label_sets import is_label_set, members
from watchkeeper.schema.outcome import Answer, answer_of, is_mistaken_score, not_classes, sorted_classes
from watchkeeper.schema.role_content import FITS
from watchkeeper.schema.role_names import SINGLE, Roles, check_names, find_role

__all__ = ["infer_schema"]

_SCORES = (Role.SCORE, Role.CLASS_SCORE)
_NUMBERS = (Role.LATENCY, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_SEGMENTS = 50


def infer_schema(
    frame: pl.DataFrame,
    *,
    roles: Mapping[Role, str] | None = None,
    features: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    segments: Sequence[str] = (),
    positive: str | None = None,
    task: Task | None = None,
    scores: Mapping[str, str] | None = None,
    quantiles: Mapping[float, str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Schema:
    """Return the schema of a log: what was given is kept, the rest is inferred, and each column says why.

    Parameters
    ----------
    frame
        A sample of the reference, spread over it.
    roles
        Column by role, for the id, time, prediction, score, label, label time, group, latency and version that are
        known.
    features
        The feature columns; None for every column that has no other role.
    ignore
        Columns to leave alone.
    segments
        Columns whose values split the rows; they stay features unless ``features`` leaves them out. The 50 commonest
        values in the sample become segments of their own, the rest are ``other``.
    positive
        The class that the score is the probability of.
    task
        What the model answers, where the labels alone mislead (such as grades 1 to 30).
    scores
        Column by class, of the probabilities that a classifier of three or more classes gives.
    quantiles
        Column by level, of the quantiles that a forecast gives.
    kinds
        Kind by column, where it is declared.

    Raises
    ------
    SchemaError
        When a named column does not exist, is named twice, or has a name or type its role cannot have.
    """
    given, levels = dict(roles or {}), dict(sorted((quantiles or {}).items()))
    more = [
        *((f"the score of the class {name!r}", column) for name, column in (scores or {}).items()),
        *((f"the quantile {level:g}", column) for level, column in levels.items()),
    ]
    check_names(frame.columns, given, features, ignore, segments, more)
    found = Roles(frame)
    for name in frame.columns:
        if name in ignore:
            found.give(name, Role.IGNORED, "ignored on request")
        elif not name.strip():
            found.give(name, Role.IGNORED, "has no name")
    for role, name in given.items():
        found.give(name, role, f"{role.value}: given")
    for name in features or ():
        found.give(name, Role.FEATURE, "feature: given")
    for level, name in levels.items():
        found.give(name, Role.QUANTILE, f"quantile {level:g}: given")
    for role in SINGLE:
        if role not in given:
            find_role(role, found)
    _mend_prediction(found, given)
    answer = _answer(found, positive, task)
    if levels and not answer.task.spec.quantiles:
        raise SchemaError(f"quantiles were given, but the task is {answer.task.value}; they belong to a regression")
    answer, pairs = class_scores_of(frame, answer, scores or {}, set(frame.columns) - set(found.of))
    for name, column in pairs:
        why = "given" if scores else f"named {column!r} and lies in [0, 1]"
        found.give(column, Role.CLASS_SCORE, f"score of the class {name!r}: {why}")
    for name in frame.columns:
        if name not in found.of:
            _give_rest(name, found, features, segments)
    _refuse_unusable(found)
    given_kinds = kinds or {}
    columns = tuple(
        _column(name, series_named(frame, name), found, answer, given_kinds.get(name)) for name in frame.columns
    )
    calendar, counters = _moving(frame, columns)
    return Schema(
        columns,
        answer.task,
        answer.classes,
        answer.positive,
        _segment_rules(frame, segments),
        pairs,
        tuple(levels.items()),
        calendar=calendar,
        counters=counters,
    )


def _moving(frame: pl.DataFrame, columns: Sequence[Column]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the features that are parts of the calendar, with the part, and those that count on."""
    time = moment_of(frame, {c.name: c.role for c in columns})
    features = [(c, series_named(frame, c.name)) for c in columns if c.role is Role.FEATURE]
    parts = {c.name: calendar_part(series, c.kind, time) for c, series in features}
    counters = [c.name for c, series in features if not parts[c.name] and counts_on(series, c.kind, time)]
    return tuple((name, part) for name, part in parts.items() if part), tuple(counters)


def _answer(found: Roles, positive: str | None, task: Task | None) -> Answer:
    """Return what the model answers: as it is given, as its columns demand, or as labels and predictions show."""
    label, prediction = found.series(Role.LABEL), found.series(Role.PREDICTION)
    if task in (None, Task.MULTILABEL):
        sets = [s for s in (label, prediction) if s is not None and is_label_set(s)]
        if sets:
            return Answer(
                Task.MULTILABEL, sorted_classes(members(sets)), why="labels or predictions are lists of classes"
            )
        if task is Task.MULTILABEL:
            raise SchemaError(
                "the task is given as multilabel, but neither labels nor predictions hold lists of classes"
            )
    for role, series in ((Role.LABEL, label), (Role.PREDICTION, prediction)):
        _single(role, series)
    if task is None and found.series(Role.GROUP) is not None:
        task = Task.RANKING
    if task is not None and task.spec.labels in (Labels.NUMBER, Labels.NOTHING):
        return Answer(task, why="given" if task is not Task.RANKING else "rows are ranked by group")
    answer = answer_of(label, prediction, found.series(Role.SCORE), positive)
    return answer if task is None or task is answer.task else _overruled(task, found)


def _single(role: Role, series: pl.Series | None) -> None:
    if series is None:
        return
    kind, reason = kind_of(series)
    if kind in (Kind.UNUSABLE, Kind.VECTOR):
        told = f"holds {type_name(series.dtype)}, which has no single values" if kind is Kind.VECTOR else reason
        raise SchemaError(f"the {role.value} column {series.name!r} {told}; name another column")


def _mend_prediction(found: Roles, given: Mapping[Role, str]) -> None:
    """Make a column that was taken for the prediction, but holds probabilities, the score.

    Raises
    ------
    SchemaError
        When numbers with fractions were named as predictions of classes, and cannot be the score.
    """
    prediction, label = found.series(Role.PREDICTION), found.series(Role.LABEL)
    if prediction is None or label is None:
        return
    name, other = (next(n for n, r in found.of.items() if r is role) for role in (Role.PREDICTION, Role.LABEL))
    named = "given as the prediction" if Role.PREDICTION in given else f"named {name!r}"
    score = next((n for n, role in found.of.items() if role is Role.SCORE), None)
    probable = is_mistaken_score(prediction, label)
    if probable and score is None:
        found.give(name, Role.SCORE, f"score: {named}, but holds probabilities of one of two classes")
    elif probable or not_classes(prediction, label):
        what = "probabilities" if probable else "numbers with fractions"
        if Role.PREDICTION in given:
            remedy = f"the score is {score!r}" if probable else "probabilities of classes are named with --scores"
            raise SchemaError(
                f"the prediction column {name!r} holds {what}, but the labels in {other!r} are classes, so that no "
                f"prediction could be right; name the column of predicted classes, or leave it out: {remedy}"
            )
        found.give(name, Role.IGNORED, f"ignored: {named}, but holds {what}, where the labels are classes")


def _give_rest(name: str, found: Roles, features: Sequence[str] | None, segments: Sequence[str]) -> None:
    noted = found.why.get(name, "")
    if features is None and name not in segments and is_saved_index(series_named(found.frame, name)):
        found.give(name, Role.IGNORED, "ignored: an index that was saved with the table, which counts its rows")
    elif features is None:
        found.give(name, Role.FEATURE, f"feature: {noted}" if noted else "feature: has no other role")
    elif name in segments:
        found.give(name, Role.SEGMENT, "segment: given, and not among the features")
    else:
        found.give(name, Role.IGNORED, "ignored: not among the features given")


def _overruled(task: Task, found: Roles) -> Answer:
    texts = [
        as_text(series).unique().drop_nulls()
        for role in (Role.LABEL, Role.PREDICTION)
        if (series := found.series(role)) is not None
    ]
    classes = sorted({name for series in texts for name in series.to_list()})
    if task.spec.two_classes:
        raise SchemaError(f"the task is given as binary, but labels and predictions hold {len(classes)} classes")
    if all(name.lstrip("-").isdigit() for name in classes):
        classes.sort(key=int)
    return Answer(task, tuple(classes), why="given")


def _refuse_unusable(found: Roles) -> None:
    """Raise where a column that has a role cannot be used at all; a feature costs itself."""
    types = found.frame.schema
    for name, role in found.of.items():
        reason = unusable_reason(types[name])
        if reason is not None and role not in (Role.FEATURE, Role.IGNORED, Role.SEGMENT):
            raise SchemaError(
                f"the {role.value} column {name!r} holds {reason}. Declare its type, in the configuration under "
                f"columns.types or with --type, such as --type '{name}=time %m/%d/%Y'"
            )


def _column(name: str, series: pl.Series, found: Roles, answer: Answer, declared: Kind | None = None) -> Column:
    role, why = found.of[name], found.why[name]
    # An all-null column has no type to hold later rows to.
    dtype = "" if series.dtype == pl.Null else str(series.dtype)
    kind, reason = kind_of(series)
    if declared is not None and kind is not Kind.UNUSABLE:
        kind, reason = _as_declared(series, declared, kind)
    if role is Role.TIME:
        if FITS[Role.TIME](series) is None and series.null_count() < len(series):
            raise SchemaError(
                f"the time column {name!r} holds {type_name(series.dtype)} that is no time. "
                "Valid: datetimes, dates, ISO 8601 text, seconds since 1970"
            )
        kind, dtype, reason = Kind.TIME, str(MOMENT), "read as UTC"
        series = to_utc(series)
    elif role in (Role.LABEL, Role.PREDICTION) and answer.task.spec.labels is not Labels.NOTHING:
        reason = f"{answer.task.value}: {answer.why}"
        if answer.task.spec.labels is Labels.SET:
            kind, dtype = Kind.CATEGORICAL, "String"
        elif answer.task.spec.labels is not Labels.NUMBER and kind is not Kind.BOOLEAN:
            kind = Kind.CATEGORICAL
    elif role is Role.ID:
        kind, reason = Kind.IDENTIFIER, "tells rows apart"
    elif role is Role.GROUP:
        kind, reason = Kind.IDENTIFIER, "tells rows apart that are ranked together"
    elif role is Role.LABEL_TIME:
        kind, reason = Kind.TIME, "read as UTC"
    elif role is Role.VERSION:
        kind, reason = Kind.CATEGORICAL, "names versions"
    elif role in _NUMBERS and kind is not Kind.NUMERIC:
        raise SchemaError(
            f"the {role.value} column {name!r} holds {type_name(series.dtype)}, where numbers were expected"
        )
    return Column(name, role, kind, dtype, _map(series, role, kind), f"{why}; {kind.value}: {reason}")


def _as_declared(series: pl.Series, declared: Kind, kind: Kind) -> tuple[Kind, str]:
    """Return the declared kind, where the values that were read can be of it."""
    numbers = series.dtype.is_numeric() or series.dtype.is_temporal() or series.dtype == pl.Boolean
    fits = {
        Kind.NUMERIC: numbers or series.dtype == pl.Null,
        Kind.TIME: series.dtype in (pl.Date, pl.Datetime),
        Kind.BOOLEAN: series.dtype == pl.Boolean,
        Kind.VECTOR: series.dtype.is_nested(),
    }
    if not fits.get(declared, not series.dtype.is_nested()):
        raise SchemaError(
            f"column {series.name!r} is declared as {declared.value}, but holds {type_name(series.dtype)}"
        )
    return declared, "declared" if declared is not kind or kind is not Kind.NUMERIC else "declared, numbers"


def _map(series: pl.Series, role: Role, kind: Kind) -> NumericMap:
    if kind not in (Kind.NUMERIC, Kind.TIME) or role is Role.IGNORED:
        return NumericMap()
    if role is Role.LATENCY or (role in _SCORES and is_probability(series)):
        return NumericMap(0.0, 1.0)
    return map_of(series)


def _segment_rules(frame: pl.DataFrame, segments: Sequence[str]) -> tuple[SegmentRule, ...]:
    rules = []
    for name in segments:
        series = series_named(frame, name)
        if series.dtype.is_nested() or series.dtype == pl.Object:
            raise SchemaError(
                f"the segment column {name!r} holds {type_name(series.dtype)}, which has no single values"
            )
        counted = as_text(series).drop_nulls().alias("value").value_counts(name="count")
        commonest = counted.sort(["count", "value"], descending=[True, False]).head(_SEGMENTS)
        rules.append(SegmentRule(name, tuple(sorted(commonest["value"].to_list()))))
    return tuple(rules)
