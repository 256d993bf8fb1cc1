"""Reports and the nouns in them as documents for programs."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from watchkeeper.alerts.payload import severity_name
from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis, Incident
from watchkeeper.core.encode import SCHEMA_VERSION, in_utc
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.signal import Signal
from watchkeeper.views.diagnosis_json import diagnosis_document, incident_document
from watchkeeper.views.documents import (
    ActionDocument,
    AlertDocument,
    ColumnDocument,
    MeasurementDocument,
    ModelsDocument,
    ReportDocument,
    SignalDocument,
)
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings
from watchkeeper.views.intervals import window_document
from watchkeeper.views.wording import failure
from watchkeeper.words.actions import action_sentence
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.signals import rule_in_words

__all__ = [
    "action_document",
    "measurement_document",
    "report_document",
    "status_document",
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
        actions=tuple(action_document(a, findings.alerts) for a in findings.actions_in_order),
        measurements=tuple(measurement_document(m) for m in measurements),
        signals=signals,
        columns=tuple(ColumnDocument(c.name, c.role, c.kind, c.dtype, c.why) for c in columns),
        notes=tuple(findings.notes),
        seen=findings.columns_seen,
    )


def status_document(reports: Iterable[Findings], incidents: Iterable[Incident]) -> ModelsDocument:
    """Return how models stand, for programs."""
    shared = tuple(incident_document(one) for one in incidents)
    return ModelsDocument(SCHEMA_VERSION, tuple(report_document(one) for one in reports), shared)


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
        evidence=m.evidence,
    )


def action_document(action: Action, alerts: Iterable[Alert] = ()) -> ActionDocument:
    """Return an action for programs; alerts at hand say more of why."""
    return ActionDocument(
        id=action.id,
        kind=action.kind,
        outcome=action.outcome,
        at=in_utc(action.at),
        version=action.version,
        who=action.who,
        why=action_sentence(action, alerts),
        because=tuple(ground.code for ground in action.because),
        alert=action.alert,
        facts=dict(action.facts),
    )


def _signal(signal: Signal, position: int) -> SignalDocument:
    return SignalDocument(
        position, signal.chart, signal.centre, signal.lower, signal.upper, signal.zone, signal.fired, signal.rule,
        rule_in_words(signal), signal.score, signal.phase, in_utc(signal.since),
        signal.sight,
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
