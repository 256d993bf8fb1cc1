"""What an alert does to the model, as far as the newest window shows."""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.core.alert import Alert, AlertState, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.metric import UNLABELLED
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.signal import Signal
from watchkeeper.views.causes import KINDS
from watchkeeper.views.findings import Findings
from watchkeeper.views.wording import measure, shown
from watchkeeper.words.change import from_to
from watchkeeper.words.headline import alert_headline

__all__ = ["headline_of_alert", "is_harmed", "metric_words"]

_ANSWERS = (Role.PREDICTION, Role.SCORE, Role.CLASS_SCORE, Role.QUANTILE)
_SURE = 0.5


def headline_of_alert(alert: Alert, findings: Findings, *, caused: bool = False) -> str:
    """Return an alert in one sentence; of one that fires with what it does to the model.

    Parameters
    ----------
    caused
        Whether to say what it likely comes from too, where that does not stand beside it.
    """
    if alert.state is not AlertState.FIRING:
        return alert_headline(alert)
    cause = _cause(alert, findings) if caused else ""
    return alert_headline(alert, effect=tuple(_effects(alert, findings)), cause=cause)


def metric_words(findings: Findings) -> str:
    """Return how the first judged metric stands, an estimated one where no other is; empty where none is judged."""
    judged = sorted(_judged(findings), key=lambda s: (not s.fired, s.measurement.family is Family.ESTIMATE))
    if not judged or not (moved := from_to(judged[0].measurement.evidence.change)):
        return ""
    return f"{measure(judged[0].measurement)} {moved}, {'beyond its limit' if judged[0].fired else 'within its limits'}"


def is_harmed(findings: Findings) -> bool | None:
    """Return whether a metric of all rows, realised or else estimated, signals now; None where none is judged."""
    for family in (Family.METRIC, Family.ESTIMATE):
        judged = [s for s in _judged(findings) if s.measurement.family is family]
        if judged:
            return any(s.fired for s in judged)
    return None


def _effects(alert: Alert, findings: Findings) -> Iterator[str]:
    if alert.cause in (Cause.PERFORMANCE, Cause.RUNTIME, Cause.NO_DATA):
        return
    schema = findings.schema
    answers = {c.name for c in schema if c.role in _ANSWERS} if schema else set[str]()
    own = {s.measurement.column for s in alert.evidence if s.fired}
    moved = {s.measurement.column for s in _newest(findings) if s.fired} & answers
    if moved and not moved & own:
        yield "predictions moved too"
    harmed = [s.measurement for s in _judged(findings) if s.fired]
    if harmed:
        yield f"{measure(harmed[0])} {from_to(harmed[0].evidence.change) or 'is worse'}"
        return
    families = {s.measurement.family for s in _judged(findings)}
    if Family.METRIC in families:
        yield "performance not hurt so far"
    elif Family.ESTIMATE in families:
        yield "estimated performance not hurt so far"
    elif answers and not _measured(findings):
        yield "no labels tell yet whether performance is hurt"


def _cause(alert: Alert, findings: Findings) -> str:
    """Return the likeliest cause of an alert about several columns, where it is likelier than all others together."""
    diagnosis = findings.diagnosis_of(alert)
    if diagnosis is None or not diagnosis.hypotheses or len({s.measurement.column for s in alert.evidence}) < 2:
        return ""
    first = diagnosis.hypotheses[0]
    if first.confidence < _SURE:
        return ""
    names = ", ".join(shown(name, 40) for name in (*first.columns, *first.segments)[:2])
    return f"{KINDS[first.kind]}{f' of {names}' if names else ''} ({first.confidence:.0%})"


def _newest(findings: Findings) -> list[Signal]:
    windows = (s.measurement.window for s in findings.signals if s.measurement.window is not None)
    newest = max(windows, default=None)
    return [s for s in findings.signals if s.measurement.window == newest]


def _judged(findings: Findings) -> list[Signal]:
    """Return the signals of the newest window about metrics of all rows that have a number and a limit."""
    families = (Family.METRIC, Family.ESTIMATE)
    return [
        s
        for s in _newest(findings)
        if s.measurement.family in families and s.measurement.segment == ALL and _has_limit(s)
    ]


def _has_limit(signal: Signal) -> bool:
    return signal.measurement.status is Status.OK and (signal.lower is not None or signal.upper is not None)


def _measured(findings: Findings) -> list[Measurement]:
    families = (Family.METRIC, Family.ESTIMATE)
    numbers = (*findings.measurements, *(s.measurement for s in findings.signals))
    return [m for m in numbers if m.family in families and m.status is Status.OK and m.name not in UNLABELLED]
