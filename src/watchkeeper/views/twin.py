"""The JSON twin of the report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.causes import diagnosis_json
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings
from watchkeeper.views.wording import failure
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.signals import rule_in_words

__all__ = ["SCHEMA_VERSION", "measurement_json", "report_json"]

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes away; new fields do not change it."""


def report_json(findings: Findings) -> dict[str, Any]:
    """Return a report as JSON values: the same facts as the page, complete and in the same order.

    ``signals`` and the evidence of alerts name their measurement by its place in ``measurements``. Numbers that are not
    finite are null, and a measurement whose value is not finite has the status ``failed``.
    """
    places: dict[int, int] = {}
    measurements: list[Measurement] = []

    def place(measurement: Measurement) -> int:
        known = places.get(id(measurement))
        if known is None:
            known = places[id(measurement)] = len(measurements)
            measurements.append(measurement)
        return known

    signals = [_signal(s, place(s.measurement)) for s in findings.signals]
    for measurement in findings.measurements:
        place(measurement)
    alerts = [
        _alert(a, [_signal(s, place(s.measurement)) for s in standing_evidence(a)], findings.diagnosis_of(a))
        for a in findings.worst_alerts
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "title": findings.title,
        "model": findings.model,
        "verdict": findings.verdict.value,
        "headline": findings.heading,
        "made": _moment(findings.made),
        "alerts": alerts,
        "actions": [_action(a) for a in findings.actions_in_order],
        "measurements": [measurement_json(m) for m in measurements],
        "signals": signals,
        "columns": [
            {"name": c.name, "role": c.role.value, "kind": c.kind.value, "type": c.dtype, "why": c.why}
            for c in (findings.schema.columns if findings.schema else ())
        ],
        "notes": list(findings.notes),
    }


def measurement_json(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement as JSON values.

    The key ``comparison``, ``metric``, ``estimate``, ``quality`` or ``runtime`` names it.
    """
    status, reason = failure(measurement)
    return {
        measurement.family.value: measurement.name,
        "column": measurement.column,
        "segment": measurement.segment,
        "window": _window(measurement.window),
        "version": measurement.version,
        "value": _number(measurement.value) if status is Status.OK else None,
        "n": measurement.n,
        "error": _number(measurement.error),
        "floor": _number(measurement.floor),
        "interval": [_number(v) for v in measurement.interval] if measurement.interval else None,
        "status": status.value,
        "reason": measurement.reason or reason,
        "revision": measurement.revision,
        "facts": _facts(measurement.facts),
    }


def _signal(signal: Signal, place: int) -> dict[str, Any]:
    return {
        "measurement": place,
        "chart": signal.chart,
        "centre": _number(signal.centre),
        "lower": _number(signal.lower),
        "upper": _number(signal.upper),
        "zone": signal.zone.value,
        "fired": signal.fired,
        "rule": signal.rule,
        "why": rule_in_words(signal),
        "score": _number(signal.score),
        "phase": signal.phase,
        "since": _moment(signal.since),
    }


def _alert(alert: Alert, evidence: list[dict[str, Any]], diagnosis: Diagnosis | None) -> dict[str, Any]:
    return {
        "id": alert.id,
        "severity": str(alert.severity),
        "state": alert.state.value,
        "cause": alert.cause.value,
        "columns": list(alert.columns),
        "segments": list(alert.segments),
        "end": alert.end.value if alert.end else None,
        "message": alert_sentence(alert),
        "since": _moment(alert.since),
        "last": _moment(alert.last),
        "evidence": evidence,
        "diagnosis": diagnosis_json(diagnosis, alert) if diagnosis else None,
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "kind": action.kind.value,
        "outcome": action.outcome.value,
        "at": _moment(action.at),
        "version": action.version,
        "who": action.who,
        "why": action.why,
        "alert": action.alert,
        "facts": _facts(action.facts),
    }


def _facts(facts: Mapping[str, float | str]) -> dict[str, float | str | None]:
    return {name: value if isinstance(value, str) else _number(value) for name, value in facts.items()}


def _number(value: float | None) -> float | None:
    if value is None or not isfinite(value):
        return None
    return value if isinstance(value, int) else float(value)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _window(window: Window | None) -> dict[str, str | None] | None:
    return None if window is None else {"start": _moment(window.start), "end": _moment(window.end)}
