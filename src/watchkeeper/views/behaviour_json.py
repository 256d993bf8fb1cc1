"""What a model does with its features, as a document for programs."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion
from watchkeeper.core.encode import SCHEMA_VERSION, Cell, as_cell
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.explanation.behaviour import Behaviour
from watchkeeper.explanation.dependence import Dependence
from watchkeeper.views.intervals import Interval

__all__ = ["BehaviourDocument", "behaviour_document"]


@dataclass(frozen=True, slots=True)
class RowsDocument:
    """Rows whose attributions were compared."""

    reference: int
    current: int


@dataclass(frozen=True, slots=True)
class DriftDocument:
    """How far the share of a feature in all attributions moved.

    Attributes
    ----------
    column
        The feature; ``@joint`` for all of them together.
    value
        Null where there is no number; the reason says why.
    error
        Standard error.
    interval
        A 95 % interval.
    before, after
        The share on rows of the reference and on current rows.
    largest
        The feature that moved most, where the value is about all together.
    """

    column: str
    value: float | None
    error: float | None
    interval: Interval | None
    before: float | None
    after: float | None
    p_value: float | None
    largest: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportanceDocument:
    """How much the mean loss rises when a feature is taken from other rows.

    Attributes
    ----------
    error
        Standard error over rows.
    interval
        A 95 % interval.
    """

    feature: str
    value: float
    error: float | None
    interval: Interval


@dataclass(frozen=True, slots=True)
class DependenceDocument:
    """The mean score of all rows with a feature set to each of its values in turn.

    Attributes
    ----------
    mean, lower, upper
        The mean score at each value, and the ends of its 95 % interval.
    rows
        The quantiles .1, .5 and .9 of the curves of single rows, each less its own mean.
    """

    feature: str
    values: tuple[Cell, ...]
    mean: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class ContributionDocument:
    """What a feature adds to the score of a row.

    Attributes
    ----------
    held
        The value of the feature in the row, as text.
    error
        Standard error from sampling; 0 where the value is exact.
    """

    feature: str
    held: str
    value: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class ExampleDocument:
    """A row that is explained: the contributions add up to the score less the base.

    Attributes
    ----------
    row
        Which of the sampled rows of the window it is, counted from 0.
    """

    row: int
    score: float | None
    base: float | None
    contributions: tuple[ContributionDocument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourDocument:
    """What a model does with its features, before and now.

    Attributes
    ----------
    features
        Those that add most to the current scores first.
    scale
        What attributions add up to: ``log_odds`` or ``score``.
    method
        How scores were shared out to features.
    labelled
        Labelled rows that importances rest on.
    dependence
        Of the features that add most.
    examples
        The row that was asked about, or those whose scores lie farthest from the rest.
    """

    schema_version: SchemaVersion
    model: str
    features: tuple[str, ...]
    scale: str
    method: str
    rows: RowsDocument
    drift: tuple[DriftDocument, ...]
    importance: tuple[ImportanceDocument, ...]
    labelled: int
    dependence: tuple[DependenceDocument, ...]
    examples: tuple[ExampleDocument, ...]


def behaviour_document(model: str, behaviour: Behaviour) -> BehaviourDocument:
    """Return what a model does with its features, for programs."""
    return BehaviourDocument(
        schema_version=SCHEMA_VERSION,
        model=model,
        features=behaviour.features,
        scale=behaviour.current.scale,
        method=behaviour.current.method,
        rows=RowsDocument(behaviour.reference.rows.height, behaviour.current.rows.height),
        drift=tuple(_drift(m) for m in behaviour.drift),
        importance=tuple(
            ImportanceDocument(i.feature, i.value, i.error, (i.lower, i.upper)) for i in behaviour.importance
        ),
        labelled=behaviour.labelled,
        dependence=tuple(_dependence(d) for d in behaviour.dependence),
        examples=tuple(_example(behaviour, k) for k in range(len(behaviour.places))),
    )


def _drift(m: Measurement) -> DriftDocument:
    change, p_value, details = m.evidence.change, m.evidence.p_value, m.evidence.details
    largest = str(details["largest"]) if "largest" in details else None
    reason = "" if m.status is Status.OK else m.reason
    return DriftDocument(m.column, m.value, m.error, m.interval, change.before, change.after, p_value, largest, reason)


def _dependence(d: Dependence) -> DependenceDocument:
    mean, lower, upper = (tuple(line.tolist()) for line in (d.mean, d.lower, d.upper))
    rows = tuple(tuple(line) for line in d.rows.tolist())
    return DependenceDocument(d.feature, tuple(as_cell(v) for v in d.values), mean, lower, upper, rows)


def _example(behaviour: Behaviour, k: int) -> ExampleDocument:
    examples = behaviour.examples
    parts = tuple(ContributionDocument(c.feature, c.held, c.value, c.error) for c in examples.of(k))
    return ExampleDocument(behaviour.places[k], float(examples.scores[k]), float(examples.base[k]), parts)
