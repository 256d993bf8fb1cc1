"""The roles and kinds of a log's columns, inferred from a sample of the reference where they are not given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from watchkeeper.core.columns import series_named
from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.schema import Column, Kind, NumericMap, Role, Schema, SegmentRule, Task
from watchkeeper.core.state import JOINT, OUTCOME, ROWS, RULES
from watchkeeper.core.tasks import Labels
from watchkeeper.schema.class_scores import class_scores_of
from watchkeeper.schema.courses import calendar_part, counts_on, moment_of
from watchkeeper.schema.event_time import MOMENT, is_moment_text, to_utc
from watchkeeper.schema.identifiers import is_saved_index
from watchkeeper.schema.kinds import as_text, is_probability, kind_of, map_of, type_name, unusable_reason
from watchkeeper.schema.label_sets import is_label_set, members
from watchkeeper.schema.names import words_of
from watchkeeper.schema.outcome import Answer, answer_of, is_mistaken_score, not_classes, sorted_classes
from watchkeeper.schema.role_content import FITS

__all__ = ["NAMES", "infer_schema"]

NAMES: Mapping[Role, tuple[str, ...]] = {
    Role.LABEL_TIME: ("label_time", "label_timestamp", "labelled_at", "labeled_at"),
    Role.ID: ("prediction_id", "id", "request_id", "event_id", "row_id", "uuid", "guid", "identifier"),
    Role.TIME: (
        "timestamp", "time", "event_time", "predicted_at", "prediction_time", "datetime", "created_at", "ts", "date",
        "time_hour",
    ),
    Role.PREDICTION: (
        "prediction", "y_pred", "predicted", "pred", "y_hat", "yhat", "predicted_label", "predicted_class",
    ),
    Role.SCORE: (
        "score", "y_pred_proba", "y_score", "probability", "proba", "prob", "y_proba", "y_prob", "prediction_score",
        "prediction_proba", "predicted_probability",
    ),
    Role.LABEL: ("label", "target", "y_true", "actual", "ground_truth", "truth", "outcome", "y", "class"),
    Role.LATENCY: ("latency", "latency_ms", "latency_s", "latency_seconds", "response_time", "response_time_ms",
                   "duration_ms", "inference_time"),
    Role.VERSION: ("model_version", "version"),
    # Sessions and queries are features of other tasks, so that whoever ranks names them.
    Role.GROUP: (),
}  # fmt: skip
"""Names by which a role is recognised, best first; case and what stands between words do not matter."""

_SINGLE = tuple(NAMES)
_SCORES = (Role.SCORE, Role.CLASS_SCORE)
_NUMBERS = (Role.LATENCY, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_RESERVED = (OUTCOME, ROWS, JOINT, RULES)
_INTERNAL = "__watchkeeper_"
_SEGMENTS = 50


@dataclass(slots=True)
class _Roles:
    """Which column has which role so far, and why."""

    frame: pl.DataFrame
    of: dict[str, Role] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def give(self, name: str, role: Role, why: str) -> None:
        self.of[name], self.why[name] = role, why

    def series(self, role: Role) -> pl.Series | None:
        return next((series_named(self.frame, name) for name, r in self.of.items() if r is role), None)


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
    _check_names(frame.columns, given, features, ignore, segments, more)
    found = _Roles(frame)
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
    for role in _SINGLE:
        if role not in given:
            _find(role, found)
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


def _check_names(
    columns: Sequence[str],
    given: Mapping[Role, str],
    features: Sequence[str] | None,
    ignore: Sequence[str],
    segments: Sequence[str],
    more: Sequence[tuple[str, str]],
) -> None:
    present = set(columns)
    for role, name in given.items():
        if role not in _SINGLE:
            raise SchemaError(f"{role.value} is not a role of one column; {near_miss(role.value, [*_SINGLE])}")
        _exists(name, f"the {role.value} column", present)
    for what, name in more:
        _exists(name, f"the column of {what}", present)
    for what, names in (("feature", features or ()), ("ignored column", ignore), ("segment column", segments)):
        for name in names:
            _exists(name, f"the {what}", present)
    _named_once([*((n, f"the {r.value}") for r, n in given.items()), *((n, "a feature") for n in features or ()),
                 *((n, what) for what, n in more),
                 *((n, "ignored") for n in ignore)])  # fmt: skip
    for name in segments:
        if name in ignore:
            raise SchemaError(f"column {name!r} is named as a segment and as ignored; keep one of the two")
    for name in columns:
        if name.startswith(_INTERNAL):
            raise SchemaError(f"column {name!r} begins with {_INTERNAL!r}, which is kept for internal use; rename it")
        if name in _RESERVED and name not in ignore:
            raise SchemaError(
                f"column {name!r} has a name that is kept for internal use; "
                "rename it, or leave it out with --ignore or columns.ignore"
            )


def _exists(name: str, what: str, present: Iterable[str]) -> None:
    if name in present and not name.strip() and what != "the ignored column":
        raise SchemaError(f"a column without a name cannot be {what}; name it in the table")
    if name not in present:
        raise SchemaError(f"{what} {name!r} does not exist; {near_miss(name, present)}")


def _named_once(named: Sequence[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for name, what in named:
        if name in seen:
            raise SchemaError(f"column {name!r} is named as {seen[name]} and as {what}; keep one of the two")
        seen[name] = what


def _letters(name: str) -> str:
    """Return a name in which spelling does not matter: Y-Pred, yPred and y_pred are one."""
    return "".join(words_of(name)) or name


def _find(role: Role, found: _Roles) -> None:
    """Give ``role`` to the first column that has one of its names and fitting content."""
    free = {_letters(name): name for name in reversed(found.frame.columns) if name not in found.of}
    for word in NAMES[role]:
        name = free.get(_letters(word))
        if name is None:
            continue
        content = _content(role, found, series_named(found.frame, name))
        if content is not None:
            found.give(name, role, f"{role.value}: named {name!r} and {content}")
            return
        found.why[name] = f"named like the {role.value}, but its values do not fit"
    if role is Role.TIME:
        types = found.frame.schema
        moments = [n for n in free.values() if isinstance(types[n], pl.Datetime)]
        texts = [n for n in free.values() if types[n] == pl.String and is_moment_text(series_named(found.frame, n))]
        if len(moments) == 1:
            found.give(moments[0], role, "time: the only column of dates with times")
        elif not moments and len(texts) == 1:
            found.give(texts[0], role, "time: the only column of ISO 8601 text")


def _content(role: Role, found: _Roles, series: pl.Series) -> str | None:
    if role is Role.SCORE and Role.GROUP in found.of.values():
        # What ranks need be no probability.
        return "holds numbers" if series.dtype.is_numeric() else None
    return FITS[role](series)


def _answer(found: _Roles, positive: str | None, task: Task | None) -> Answer:
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


def _mend_prediction(found: _Roles, given: Mapping[Role, str]) -> None:
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


def _give_rest(name: str, found: _Roles, features: Sequence[str] | None, segments: Sequence[str]) -> None:
    noted = found.why.get(name, "")
    if features is None and name not in segments and is_saved_index(series_named(found.frame, name)):
        found.give(name, Role.IGNORED, "ignored: an index that was saved with the table, which counts its rows")
    elif features is None:
        found.give(name, Role.FEATURE, f"feature: {noted}" if noted else "feature: has no other role")
    elif name in segments:
        found.give(name, Role.SEGMENT, "segment: given, and not among the features")
    else:
        found.give(name, Role.IGNORED, "ignored: not among the features given")


def _overruled(task: Task, found: _Roles) -> Answer:
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


def _refuse_unusable(found: _Roles) -> None:
    """Raise where a column that has a role cannot be used at all; a feature costs itself."""
    types = found.frame.schema
    for name, role in found.of.items():
        reason = unusable_reason(types[name])
        if reason is not None and role not in (Role.FEATURE, Role.IGNORED, Role.SEGMENT):
            raise SchemaError(
                f"the {role.value} column {name!r} holds {reason}. Declare its type, in the configuration under "
                f"columns.types or with --type, such as --type '{name}=time %m/%d/%Y'"
            )


def _column(name: str, series: pl.Series, found: _Roles, answer: Answer, declared: Kind | None = None) -> Column:
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
