"""Reports, explanations and the nouns in them as documents for programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import isfinite

from msgspec import UNSET

from watchkeeper.alerts.payload import severity_name
from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Attribution, Diagnosis, Hypothesis, Incident, Onset
from watchkeeper.core.encode import SCHEMA_VERSION, in_utc
from watchkeeper.core.evidence import Evidence
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.documents import (
    ActionDocument,
    AlertDocument,
    AttributionDocument,
    ColumnDocument,
    DiagnosisDocument,
    ExplainedAlert,
    ExplanationDocument,
    HypothesisDocument,
    IncidentDocument,
    MeasurementDocument,
    ModelsDocument,
    OnsetDocument,
    PartDocument,
    ReportDocument,
    SegmentDocument,
    SignalDocument,
    WindowDocument,
)
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings
from watchkeeper.views.wording import failure
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.causes import incident_sentence, sentence, undiagnosed_sentence
from watchkeeper.words.signals import rule_in_words

__all__ = [
    "action_document",
    "diagnosis_document",
    "explanation_document",
    "measurement_document",
    "report_document",
    "status_document",
    "window_document",
]


def report_document(findings: Findings) -> ReportDocument:
    """Return a report for programs: the same facts as the page, complete and in the same order."""
    positions: dict[int, int] = {}
    measurements: list[Measurement] = []

    def position(measurement: Measurement) -> int:
        known = positions.get(id(measurement))
        if known is None:
            known = positions[id(measurement)] = len(measurements)
            measurements.append(measurement)
        return known

    signals = tuple(_signal(s, position(s.measurement)) for s in findings.signals)
    for measurement in findings.measurements:
        position(measurement)
    alerts = tuple(
        _alert(a, tuple(_signal(s, position(s.measurement)) for s in standing_evidence(a)), findings.diagnosis_of(a))
        for a in findings.worst_alerts
    )
    columns = findings.schema.columns if findings.schema else ()
    return ReportDocument(
        schema_version=SCHEMA_VERSION,
        title=findings.title,
        model=findings.model,
        verdict=findings.verdict,
        headline=findings.heading,
        made=in_utc(findings.made),
        alerts=alerts,
        actions=tuple(action_document(a) for a in findings.actions_in_order),
        measurements=tuple(measurement_document(m) for m in measurements),
        signals=signals,
        columns=tuple(ColumnDocument(c.name, c.role, c.kind, c.dtype, c.why) for c in columns),
        notes=tuple(findings.notes),
    )


def status_document(reports: Iterable[Findings], incidents: Iterable[Incident]) -> ModelsDocument:
    """Return how models stand, for programs."""
    shared = tuple(
        IncidentDocument(incident_sentence(i), i.columns, i.models, i.alerts, in_utc(i.earliest), in_utc(i.latest))
        for i in incidents
    )
    return ModelsDocument(SCHEMA_VERSION, tuple(report_document(one) for one in reports), shared)


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


def measurement_document(measurement: Measurement) -> MeasurementDocument:
    """Return a measurement for programs; one whose value is not finite counts as failed."""
    status, reason = failure(measurement)
    m, name = measurement, {measurement.family.value: measurement.name}
    return MeasurementDocument(
        comparison=name.get(Family.COMPARISON, UNSET),
        metric=name.get(Family.METRIC, UNSET),
        estimate=name.get(Family.ESTIMATE, UNSET),
        quality=name.get(Family.QUALITY, UNSET),
        runtime=name.get(Family.RUNTIME, UNSET),
        column=m.column,
        segment=m.segment,
        window=window_document(m.window) if m.window else None,
        version=m.version,
        value=m.value if status is Status.OK else None,
        n=m.n,
        error=m.error,
        floor=m.floor,
        interval=m.interval,
        status=status,
        reason=m.reason or reason,
        revision=m.revision,
        evidence=_finite(m.evidence),
    )


def _finite(evidence: Evidence) -> Evidence:
    """Return evidence without details that JSON has no number for."""
    known = {name: one for name, one in evidence.details.items() if isinstance(one, str) or isfinite(one)}
    return replace(evidence, details=known)


def action_document(action: Action) -> ActionDocument:
    """Return an action for programs."""
    return ActionDocument(
        id=action.id,
        kind=action.kind,
        outcome=action.outcome,
        at=in_utc(action.at),
        version=action.version,
        who=action.who,
        why=action.why,
        alert=action.alert,
        facts=dict(action.facts),
    )


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


def window_document(window: Window) -> WindowDocument:
    """Return a window for programs."""
    return WindowDocument(in_utc(window.start), in_utc(window.end))


def _signal(signal: Signal, position: int) -> SignalDocument:
    return SignalDocument(
        position, signal.chart, signal.centre, signal.lower, signal.upper, signal.zone, signal.fired, signal.rule,
        rule_in_words(signal), signal.score, signal.phase, in_utc(signal.since),
    )  # fmt: skip


def _alert(alert: Alert, evidence: tuple[SignalDocument, ...], diagnosis: Diagnosis | None) -> AlertDocument:
    return AlertDocument(
        id=alert.id,
        severity=severity_name(alert.severity),
        state=alert.state,
        end=alert.end,
        cause=alert.cause,
        columns=alert.columns,
        segments=alert.segments,
        message=alert_sentence(alert),
        since=in_utc(alert.since),
        last=in_utc(alert.last),
        evidence=evidence,
        diagnosis=diagnosis_document(diagnosis, alert) if diagnosis else None,
    )


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
