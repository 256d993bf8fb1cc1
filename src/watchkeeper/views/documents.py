"""What programs are told of a model: the documents behind ``--json`` and ``.json()``, of which schemas are generated.

A field without a default is in every document. A name under ``Attributes`` is its description in the schema.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from watchkeeper.alerts.payload import SchemaVersion, SeverityName
from watchkeeper.core.action import ActionKind, Outcome
from watchkeeper.core.alert import AlertEnd, AlertState, Cause
from watchkeeper.core.encode import Moment
from watchkeeper.core.evidence import Evidence, Sight
from watchkeeper.core.measurement import Status
from watchkeeper.core.schema import Kind, Role
from watchkeeper.core.signal import Zone
from watchkeeper.steps.sight import ColumnsSeen
from watchkeeper.views.diagnosis_json import DiagnosisDocument, IncidentDocument
from watchkeeper.views.findings import Verdict
from watchkeeper.views.intervals import Interval, WindowDocument

__all__ = [
    "ActionDocument",
    "AlertDocument",
    "ColumnDocument",
    "MeasurementDocument",
    "ModelsDocument",
    "ReportDocument",
    "SignalDocument",
]

Facts = dict[str, float | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementDocument:
    """A number about a window, a segment and a column. One of the first five fields is there and names it.

    Attributes
    ----------
    comparison, metric, estimate, quality, runtime
        What was measured, by its key in the registry.
    column
        A name that begins with @ stands for several columns or for whole rows.
    segment
        Which rows; ``all`` for all.
    window
        Null where two tables were compared.
    version
        Of the model that answered; empty where it is not known.
    value
        Null unless the status is ok.
    n
        Rows the number rests on.
    error
        Standard error, in the unit of the value.
    floor
        Of a distance: what sampling alone gives on average when nothing changed.
    interval
        A 95 % interval for the true value.
    reason
        Why there is no number.
    revision
        How often the window was measured again because rows or labels came late.
    evidence
        Value before and after, sizes, p-value and what else the number is judged and explained by.
    """

    comparison: str | UnsetType = UNSET
    metric: str | UnsetType = UNSET
    estimate: str | UnsetType = UNSET
    quality: str | UnsetType = UNSET
    runtime: str | UnsetType = UNSET
    column: str
    segment: str
    window: WindowDocument | None
    version: str
    value: float | None
    n: int
    error: float | None
    floor: float | None
    interval: Interval | None
    status: Status
    reason: str
    revision: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class SignalDocument:
    """What a chart says of a measurement.

    Attributes
    ----------
    measurement
        Position of the measurement in ``measurements`` of the report, counted from 0.
    chart
        By its key in the registry.
    centre, lower, upper
        Centre line and limits in the unit of the measurement; null where the chart has none, or none yet.
    zone
        Where the point lies.
    rule
        Code of the rule that fired; empty when none did.
    why
        The rule in words.
    score
        Distance from the centre in standard deviations, or the statistic of the chart itself.
    phase
        1 while the chart learns its level, 2 when the level is fixed, 0 for charts that learn none.
    since
        Start of the window the level was learned from.
    sight
        The smallest change of the series that would be found with 90 % power; null where the chart tells none.
    """

    measurement: int
    chart: str
    centre: float | None
    lower: float | None
    upper: float | None
    zone: Zone
    fired: bool
    rule: str
    why: str
    score: float | None
    phase: int
    since: Moment | None
    sight: Sight | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDocument:
    """Something a person should know.

    Attributes
    ----------
    id
        Stays the same through every state of the alert.
    end
        How it ended; null until it has.
    columns, segments
        What is affected, worst first.
    since, last
        Start of the first window that showed it, and end of the newest one.
    evidence
        The signals of the newest window that showed it.
    diagnosis
        What it comes from; null where that was not looked into.
    """

    id: str
    severity: SeverityName
    state: AlertState
    end: AlertEnd | None
    cause: Cause
    columns: tuple[str, ...]
    segments: tuple[str, ...]
    message: str
    since: Moment | None
    last: Moment | None
    evidence: tuple[SignalDocument, ...]
    diagnosis: DiagnosisDocument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDocument:
    """Something done or proposed.

    Attributes
    ----------
    version
        The version of the model it is about.
    who, why
        By whom, or by what, and for which reason.
    because
        Codes of the grounds it was decided by; empty where a person decided.
    alert
        Id of the alert that led to it; empty where none did.
    facts
        The numbers it rests on.
    """

    id: str
    kind: ActionKind
    outcome: Outcome
    at: Moment | None
    version: str
    who: str
    why: str
    because: tuple[str, ...]
    alert: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class ColumnDocument:
    """A column, what it is taken for, and why."""

    name: str
    role: Role
    kind: Kind
    type: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """What ``check`` and ``report`` find out about a model.

    Attributes
    ----------
    verdict
        The answer in one word.
    headline
        The answer in a sentence.
    made
        When it was made.
    alerts
        Open ones first, then by severity, then the newest.
    actions
        The oldest first.
    measurements
        Those that signals are about, then those that no chart judges.
    signals
        The newest window is judged, the others are history.
    notes
        What a reader must know to trust the report.
    seen
        Which columns are judged for drift, and which of them are blind.
    """

    schema_version: SchemaVersion
    title: str
    model: str
    verdict: Verdict
    headline: str
    made: Moment
    alerts: tuple[AlertDocument, ...]
    actions: tuple[ActionDocument, ...]
    measurements: tuple[MeasurementDocument, ...]
    signals: tuple[SignalDocument, ...]
    columns: tuple[ColumnDocument, ...]
    notes: tuple[str, ...]
    seen: ColumnsSeen


@dataclass(frozen=True, slots=True)
class ModelsDocument:
    """How the models stand after their last runs."""

    schema_version: SchemaVersion
    models: tuple[ReportDocument, ...]
    incidents: tuple[IncidentDocument, ...]
