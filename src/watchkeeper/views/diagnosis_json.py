"""What alerts come from, as documents for programs."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.alerts.payload import SchemaVersion, SeverityName, severity_name
from watchkeeper.core.alert import Alert, Cause
from watchkeeper.core.diagnosis import Attribution, Diagnosis, Hypothesis, HypothesisKind, Incident, Onset
from watchkeeper.core.encode import SCHEMA_VERSION, Moment, in_utc
from watchkeeper.views.intervals import Interval, WindowDocument, window_document
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.causes import incident_sentence, sentence, undiagnosed_sentence

__all__ = [
    "DiagnosisDocument",
    "ExplanationDocument",
    "IncidentDocument",
    "diagnosis_document",
    "explanation_document",
    "incident_document",
]


@dataclass(frozen=True, slots=True)
class OnsetDocument:
    """When a change began.

    Attributes
    ----------
    at
        Start of the first window after the change.
    earliest, latest
        Starts of the first and the last window that it may as well have begun with, at 95 %.
    """

    at: Moment
    earliest: Moment
    latest: Moment


@dataclass(frozen=True, slots=True)
class HypothesisDocument:
    """A possible cause.

    Attributes
    ----------
    confidence
        Probability that this is the cause; those of one diagnosis add up to 1.
    columns, segments
        Where it is, worst first.
    evidence
        What speaks for it in sentences, the weightiest first.
    """

    kind: HypothesisKind
    confidence: float
    columns: tuple[str, ...]
    segments: tuple[str, ...]
    since: Moment | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartDocument:
    """A part of a change of the loss; positive where it made the model worse.

    Attributes
    ----------
    error
        Standard error.
    """

    name: str
    value: float
    error: float | None


@dataclass(frozen=True, slots=True)
class AttributionDocument:
    """A change of the mean loss, and the parts that it is the sum of.

    Attributes
    ----------
    loss
        What was averaged over labelled rows.
    over
        What the parts are: ``causes``, ``features`` or ``segments``.
    before, after
        Mean loss of the reference and of the current rows.
    error
        Standard error of after minus before.
    n_reference, n
        Labelled rows of both sides.
    """

    loss: str
    over: str
    before: float
    after: float
    error: float | None
    parts: tuple[PartDocument, ...]
    n_reference: int
    n: int


@dataclass(frozen=True, slots=True)
class SegmentDocument:
    """Rows, chosen by a search, on which the loss is higher than elsewhere.

    Attributes
    ----------
    rule
        Its conditions in words.
    effect
        Mean loss of its rows minus that of the others.
    n
        Labelled rows of the sample in it.
    interval, p_value
        For all segments that were tried together.
    """

    rule: str
    columns: tuple[str, ...]
    effect: float
    n: int
    interval: Interval
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisDocument:
    """What an alert comes from.

    Attributes
    ----------
    alert
        Its id.
    hypotheses
        The likeliest first; never empty.
    onset
        When the change began; null where there is no history.
    attributions
        The change of the mean loss by causes, segments and features, as far as labels allow.
    worst_segments
        Segments found by search on which the loss rose most, or is highest.
    notes
        What could not be looked at.
    window
        Of the rows it was made of; null where that was not recorded.
    """

    alert: str
    hypotheses: tuple[HypothesisDocument, ...]
    onset: OnsetDocument | None
    attributions: tuple[AttributionDocument, ...]
    worst_segments: tuple[SegmentDocument, ...]
    notes: tuple[str, ...]
    window: WindowDocument | None


@dataclass(frozen=True, slots=True)
class IncidentDocument:
    """Alerts of several models or measurements that began together and share a column.

    Attributes
    ----------
    alerts
        Their ids, in the order in which they began.
    earliest, latest
        The interval that their onsets have in common.
    """

    message: str
    columns: tuple[str, ...]
    models: tuple[str, ...]
    alerts: tuple[str, ...]
    earliest: Moment
    latest: Moment


@dataclass(frozen=True, slots=True)
class ExplainedAlert:
    """The alert that an explanation is about."""

    id: str
    cause: Cause
    severity: SeverityName
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationDocument:
    """What one alert comes from.

    Attributes
    ----------
    hypotheses
        The likeliest first; empty where no run has recorded a diagnosis, which the notes say.
    onset
        When the change began; null where there is no history.
    attributions
        The change of the mean loss by causes, segments and features, as far as labels allow.
    worst_segments
        Segments found by search on which the loss rose most, or is highest.
    notes
        What could not be looked at.
    window
        Of the rows it was made of; null where that was not recorded.
    """

    schema_version: SchemaVersion
    model: str
    alert: ExplainedAlert
    hypotheses: tuple[HypothesisDocument, ...]
    onset: OnsetDocument | None
    attributions: tuple[AttributionDocument, ...]
    worst_segments: tuple[SegmentDocument, ...]
    notes: tuple[str, ...]
    window: WindowDocument | None


def diagnosis_document(diagnosis: Diagnosis, alert: Alert) -> DiagnosisDocument:
    """Return the diagnosis of an alert for programs."""
    return DiagnosisDocument(
        alert=diagnosis.alert,
        hypotheses=tuple(_hypothesis(h, alert) for h in diagnosis.hypotheses),
        onset=_onset(diagnosis.onset) if diagnosis.onset else None,
        attributions=tuple(_attribution(a) for a in diagnosis.attributions),
        worst_segments=tuple(
            SegmentDocument(w.rule, w.columns, w.effect, w.n, w.interval, w.p_value) for w in diagnosis.worst
        ),
        notes=tuple(sentence(note, alert) for note in diagnosis.notes),
        window=window_document(diagnosis.basis.window) if diagnosis.basis else None,
    )


def explanation_document(alert: Alert, diagnosis: Diagnosis | None) -> ExplanationDocument:
    """Return what an alert comes from, for programs; where that is not recorded, the notes say so."""
    written = diagnosis_document(diagnosis or Diagnosis(alert.id, alert.model, ()), alert)
    return ExplanationDocument(
        schema_version=SCHEMA_VERSION,
        model=alert.model,
        alert=ExplainedAlert(alert.id, alert.cause, severity_name(alert.severity), alert_sentence(alert)),
        hypotheses=written.hypotheses,
        onset=written.onset,
        attributions=written.attributions,
        worst_segments=written.worst_segments,
        notes=written.notes if diagnosis else (undiagnosed_sentence(alert),),
        window=written.window,
    )


def incident_document(incident: Incident) -> IncidentDocument:
    """Return an incident for programs."""
    i = incident
    return IncidentDocument(incident_sentence(i), i.columns, i.models, i.alerts, in_utc(i.earliest), in_utc(i.latest))


def _hypothesis(hypothesis: Hypothesis, alert: Alert) -> HypothesisDocument:
    h = hypothesis
    evidence = tuple(sentence(one, alert) for one in h.evidence)
    return HypothesisDocument(h.kind, h.confidence, h.columns, h.segments, in_utc(h.since), evidence)


def _onset(onset: Onset) -> OnsetDocument:
    return OnsetDocument(in_utc(onset.at), in_utc(onset.earliest), in_utc(onset.latest))


def _attribution(attribution: Attribution) -> AttributionDocument:
    a = attribution
    parts = tuple(PartDocument(p.name, p.value, p.error) for p in a.parts)
    return AttributionDocument(a.loss, a.over, a.before, a.after, a.error, parts, a.n_reference, a.n)
