"""An alert in one sentence, with names and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchkeeper.core.alert import Alert, AlertEnd, Cause
from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.words.signals import rule_in_words

__all__ = ["CAUSES", "alert_sentence", "describe", "describe_signal"]

_MOST = 4

CAUSES: Mapping[Cause, str] = {
    Cause.DATA_FAULT: "data fault",
    Cause.TRAFFIC_MIX: "traffic mix",
    Cause.DRIFT: "drift",
    Cause.JOINT_DRIFT: "joint drift",
    Cause.PERFORMANCE: "performance",
    Cause.LABEL_FAULT: "label fault",
    Cause.RUNTIME: "runtime",
    Cause.NO_DATA: "no data",
}

_ENDS: Mapping[AlertEnd | None, str] = {
    AlertEnd.LAPSED: "did not persist: ",
    AlertEnd.WITHDRAWN: "withdrawn after late data: ",
}


def alert_sentence(alert: Alert) -> str:
    """Say what an alert is about, by the evidence it holds; without any by its cause and columns."""
    where = f" in {', '.join(alert.columns)}" if alert.columns else ""
    return _ENDS.get(alert.end, "") + (describe(alert.evidence) or f"{CAUSES[alert.cause]}{where}")


def describe(signals: Sequence[Signal]) -> str:
    """Say what the signals of one cause have in common, worst first, in at most four clauses.

    Signals that did not fire themselves are named as columns that moved along.
    """
    clauses = list(dict.fromkeys(describe_signal(signal) for signal in signals if signal.fired))
    if not clauses:
        return ""
    shown = "; ".join(clauses[:_MOST])
    more = len(clauses) - _MOST
    told = shown + (f"; and {more} more" if more > 0 else "")
    named = {signal.measurement.column for signal in signals if signal.fired}
    along = list(dict.fromkeys(s.measurement.column for s in signals if s.measurement.column not in named))
    rest = f" and {len(along) - _MOST} more" if len(along) > _MOST else ""
    return told + (f"; with {', '.join(along[:_MOST])}{rest}" if along else "")


def describe_signal(signal: Signal) -> str:
    """Say what one signal found, in words and with its number."""
    m = signal.measurement
    where = f" in {m.segment}" if m.segment != ALL else ""
    if m.status is not Status.OK or m.value is None:
        # A column is named by its reason, a metric is not.
        about = f"{m.name.replace('_', ' ')}: " if m.family is Family.METRIC else ""
        return f"{about}{m.reason}{where}" if m.reason else f"{m.name} of {m.column} could not be measured{where}"
    facts = m.facts
    if m.name == "rows" and not m.value:
        return f"no rows arrived{where}"
    if "rule" in facts and signal.fired:
        subject = m.name if m.column.startswith("@") else f"{m.column}: {m.name}"
        return f"{subject} is broken, {rule_in_words(signal)}{where}"
    if signal.rule == "t_squared":
        # Its value is no longer that of the metric it goes by.
        return f"{m.name}: {rule_in_words(signal)}{where}"
    return _named(m, where) or _plain(m, signal, where)


def _named(m: Measurement, where: str) -> str:
    """Say what a comparison found that has words of its own; empty for the others."""
    facts, told = m.facts, ""
    before, now = (float(facts[key]) if key in facts else None for key in ("from", "to"))
    change = f"{before:.1%} → {now:.1%}" if before is not None and now is not None else ""
    value = m.value or 0.0
    if m.name == "unit_change":
        told = f"is {value:.4g} times what it was" + (f" ({facts['units']})" if facts.get("units") else "")
    elif m.name == "null_rate" and change:
        what = "infinite" if float(facts.get("infinities", 0)) > 0.5 * value * m.n else "without a value"
        told = f"{what}: {change}"
    elif m.name == "encoding_change" and facts.get("levels"):
        told = f"is written in another way ({facts['by']}) in {value:.1%} of rows: {facts['levels']}"
    elif m.name == "silent_default" and change:
        told = f"is {facts['default']!r}, as if by default: {change}"
    elif m.name == "unseen_levels":
        told = f"has new levels in {value:.1%} of rows: {facts.get('levels', '')}"
    elif m.name == "tail_rise" and change:
        told = f"exceeds {float(facts['beyond']):.3g} more often: {change}"
        told += f" (95th percentile {float(facts['p95_reference']):.3g} → {float(facts['p95']):.3g})"
    elif "what" in facts and change:
        return f"{m.column}: {facts['what']} {change}{where}"
    elif m.name in ("l_infinity", "level_rise") and change:
        return f"{m.column} moved, {facts.get('level')!r} {change}{where}"
    return f"{m.column} {told}{where}" if told else ""


def _plain(m: Measurement, signal: Signal, where: str) -> str:
    if m.name == "correlation_change" and "pair" in m.facts:
        facts = m.facts
        return f"correlation of {facts['pair']}: {float(facts['from']):.2f} → {float(facts['to']):.2f}{where}"
    subject = f"{m.name} of {m.column}" if m.column and not m.column.startswith("@") else m.name
    subject = f"estimated {subject}" if m.family is Family.ESTIMATE else subject
    known = [f"{limit:.3g}" for limit in (signal.lower, signal.upper) if limit is not None]
    limits = f", limit{'s' if len(known) > 1 else ''} {' to '.join(known)}" if known else ""
    centre = f", expected {signal.centre:.3g}" if signal.centre else ""
    return f"{subject} is {m.value or 0.0:.3g}{centre}{limits}{where}"
