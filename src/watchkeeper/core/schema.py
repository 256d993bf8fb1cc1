"""What the columns of a log mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from watchkeeper.core.errors import SchemaError, near_miss
from watchkeeper.core.tasks import Task

__all__ = ["ALL", "Column", "Kind", "NumericMap", "Role", "Schema", "SegmentRule", "Task", "is_countable"]

ALL = "all"
"""The segment that holds every row."""

_SEVERAL = frozenset({"feature", "class_score", "quantile", "segment", "ignored"})
"""Roles that more than one column may have."""


class Role(StrEnum):
    """What a column is for."""

    ID = "id"
    TIME = "time"
    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    CLASS_SCORE = "class_score"
    QUANTILE = "quantile"
    LABEL = "label"
    LABEL_TIME = "label_time"
    GROUP = "group"
    LATENCY = "latency"
    VERSION = "version"
    SEGMENT = "segment"
    IGNORED = "ignored"


class Kind(StrEnum):
    """How the values of a column are summarised and compared; joint is all numeric features together."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    TIME = "time"
    IDENTIFIER = "identifier"
    TEXT = "text"
    VECTOR = "vector"
    JOINT = "joint"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class NumericMap:
    """The affine map z = (x - anchor) / scale that fixes the bins of the universal histogram.

    ``anchor`` is the reference median and ``scale`` the reference interquartile range, both in the unit of the
    column. States with different maps do not merge.
    """

    anchor: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the log: its name, role, kind, and the map its histogram uses."""

    name: str
    role: Role
    kind: Kind
    dtype: str = ""
    map: NumericMap = NumericMap()
    why: str = ""


def is_countable(column: Column) -> bool:
    """Return whether the rows of a column without comparable values can be counted: lists and structs."""
    return column.kind is not Kind.UNUSABLE or column.dtype.startswith(("List", "Array", "Struct"))


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Rows are split by the values of ``column``; values outside ``values`` form the segment ``other``."""

    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a log with their roles, in the order of the log.

    Parameters
    ----------
    columns
        At most one column may be the id, time, prediction, score, label, label_time, group, latency or version.
    task
        What the model answers.
    classes
        The label values in sorted order for a classifier, as text.
    positive
        The class that ``score`` is the probability of (binary only).
    segments
        Columns whose values split the rows; a segment column may be a feature too.
    class_scores
        (class, column) of the probability of each class, in the order of ``classes`` (multiclass only).
    quantiles
        (level, column) of each predicted quantile, in the order of the levels (regression only).
    metrics
        ``module:function`` of the user's own metrics, each of which makes a number of label, prediction and score.
    calendar
        (column, part) of each feature that is a part of the calendar, such as ``("mnth", "month")``.
    counters
        Features whose numbers count on from row to row. Both move by themselves.
    """

    columns: tuple[Column, ...]
    task: Task = Task.NONE
    classes: tuple[str, ...] = ()
    positive: str | None = None
    segments: tuple[SegmentRule, ...] = ()
    class_scores: tuple[tuple[str, str], ...] = ()
    quantiles: tuple[tuple[float, str], ...] = ()
    metrics: tuple[str, ...] = ()
    calendar: tuple[tuple[str, str], ...] = ()
    counters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [name for name, times in Counter(c.name for c in self.columns).items() if times > 1]
        if twice:
            raise SchemaError(f"column {twice[0]!r} occurs twice in the schema")
        for role in set(Role) - _SEVERAL:
            names = [c.name for c in self.columns if c.role is role]
            if len(names) > 1:
                raise SchemaError(f"only one column may be the {role.value}; these are: {', '.join(names)}")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in _index_of(self.columns).by_name

    def __getitem__(self, name: str) -> Column:
        column = _index_of(self.columns).by_name.get(name)
        if column is None:
            raise SchemaError(f"there is no column {name!r}; {near_miss(name, (c.name for c in self.columns))}")
        return column

    def of(self, role: Role) -> Column | None:
        """Return the one column with ``role``, or None."""
        return next(iter(_index_of(self.columns).by_role.get(role, ())), None)

    def name_of(self, role: Role) -> str | None:
        """Return the name of the one column with ``role``, or None."""
        column = self.of(role)
        return column.name if column else None

    def count_of(self, role: Role) -> int:
        """Return how many columns have a role."""
        return len(_index_of(self.columns).by_role.get(role, ()))

    @property
    def features(self) -> tuple[Column, ...]:
        """The feature columns."""
        return tuple(c for c in self.columns if c.role is Role.FEATURE)

    @property
    def moving(self) -> frozenset[str]:
        """Features that move by themselves: parts of the calendar and counters."""
        return frozenset((*(name for name, _ in self.calendar), *self.counters))

    def with_columns(self, columns: tuple[Column, ...]) -> Schema:
        """Return the same schema with other columns."""
        return replace(self, columns=columns)


class _Index:
    """Columns by name and by role, so that finding one takes as long in a wide table as in a narrow one."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = columns
        self.by_name = {column.name: column for column in reversed(columns)}
        self.by_role: dict[Role, list[Column]] = {}
        for column in columns:
            self.by_role.setdefault(column.role, []).append(column)


_MOST_INDEXES = 64
_indexes: dict[int, _Index] = {}


def _index_of(columns: tuple[Column, ...]) -> _Index:
    """Return the index of columns, which are the very same tuple for as long as it is held here."""
    index = _indexes.get(id(columns))
    if index is None or index.columns is not columns:
        while len(_indexes) >= _MOST_INDEXES:
            _indexes.pop(next(iter(_indexes)), None)
        index = _indexes[id(columns)] = _Index(columns)
    return index
