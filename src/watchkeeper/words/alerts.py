"""An alert in one sentence, with names and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from watchkeeper.core.alert import Alert, AlertEnd, Cause
from watchkeeper.core.evidence import Change, Quantity
from watchkeeper.core.measurement import Describes, Family, Measurement, Status
from watchkeeper.core.plugins import may_have, plugin_if_any
from watchkeeper.core.rounding import pair
from watchkeeper.core.schema import ALL
from watchkeeper.core.signal import Signal
from watchkeeper.words.change import change_words, value_words
from watchkeeper.words.names import measure_words
from watchkeeper.words.signals import rule_in_words
from watchkeeper.words.transformations import transformation_words

__all__ = ["CAUSES", "WordedAlert", "alert_sentence", "describe", "describe_signal", "end_words", "number_sentence"]

_MOST = 4

_KINDS = {Family.COMPARISON: "comparison", Family.METRIC: "metric", Family.ESTIMATE: "metric"}

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
    return end_words(alert) + (describe(alert.evidence) or f"{CAUSES[alert.cause]}{where}")


def end_words(alert: Alert) -> str:
    """Return how an alert ended where it was none after all, to stand before what it was about; empty otherwise."""
    return _ENDS.get(alert.end, "")


class WordedAlert(Alert):
    """An alert as people get it: what it is about is an attribute as well."""

    __slots__ = ()

    @classmethod
    def of(cls, alert: Alert) -> WordedAlert:
        """Return an alert as people get it."""
        return cls(**{one.name: getattr(alert, one.name) for one in fields(Alert)})

    @property
    def message(self) -> str:
        """What it is about, in one sentence made of its evidence."""
        return alert_sentence(self)


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
    return told + (f"; {', '.join(along[:_MOST])}{rest} moved too" if along else "")


_ASIDE = {
    "id": "no id that can be read", "time": "no time that can be read",
    **dict.fromkeys(("early", "ahead", "apart"), "a time that cannot be"),
}  # fmt: skip


def _overdue(m: Measurement) -> str:
    change, labels = m.evidence.change, m.evidence.labels
    share, usual = change.after or 0.0, change.before or 0.0
    due = f" whose labels were due by {labels.until:%Y-%m-%d %H:%M}" if labels is not None and labels.until else ""
    return f"{m.column}: {share:.1%} of the rows{due} have one, {usual:.1%} usually do"


def describe_signal(signal: Signal) -> str:
    """Say what one signal found, in words and with its number."""
    m = signal.measurement
    where = f" in {m.segment}" if m.segment != ALL else ""
    if m.status is not Status.OK or m.value is None:
        # A column is named by its reason, a metric is not.
        about = f"{measure_words(m.name)}: " if m.family is Family.METRIC else ""
        unknown = f"{measure_words(m.name)} of {m.column} could not be measured"
        return f"{about}{m.reason}{where}" if m.reason else unknown + where
    if m.name == "rows" and not m.value:
        return f"no rows arrived{where}"
    if m.name == "rows_set_aside":
        reasons = " or ".join(dict.fromkeys(_ASIDE.get(code, code) for code in m.evidence.change.levels))
        put = "have" if m.window is None else "are in quarantine:"
        return f"{round(m.value * m.n):,} of {m.n:,} rows {put} {reasons}{where}"
    if m.name == "labels_overdue":
        return _overdue(m) + where
    if m.evidence.rule is not None and signal.fired:
        subject = m.name if m.column.startswith("@") else f"{m.column}: {m.name}"
        return f"{subject} is broken, {rule_in_words(signal)}{where}"
    if signal.rule == "t_squared":
        # Its value is no longer that of the metric it goes by.
        return f"{measure_words(m.name)}: {rule_in_words(signal)}{where}"
    return _own(m, where) or _plain(m, signal, where)


def _own(m: Measurement, where: str) -> str:
    """Say what a comparison or metric says of itself; empty where it says nothing."""
    kind = _KINDS.get(m.family)
    # Importing what measured it takes longer than all the rest of reading a record, and few say anything.
    measure = plugin_if_any(kind, m.name) if kind and may_have(kind, m.name, "describe") else None
    if not isinstance(measure, Describes):
        return ""
    try:
        clause = measure.describe(m)
    except Exception:  # noqa: BLE001 - a plug-in may fail in any way, and the number stands without its words
        return ""
    column = "" if m.column.startswith("@") else f"{m.column} "
    return f"{column}{clause}{where}" if clause else ""


def _moved(m: Measurement, judged: str, where: str) -> str:
    """Say what changed, and in brackets by which number it was seen; empty where that is not stated."""
    does = m.evidence.transformation
    if does is not None and not does.fault:
        return f"{m.column} {transformation_words(does)} ({m.name} {judged}){where}"
    words = change_words(m.evidence.change)
    if not words or not (m.family is Family.COMPARISON or m.evidence.change.quantity is Quantity.SHARE):
        return ""
    column = "" if m.column.startswith("@") else f"{m.column}{_way(m.evidence.change)}: "
    return f"{column}{words} ({measure_words(m.name)} {judged}){where}"


_LEVELS = (Quantity.MEAN, Quantity.MEDIAN, Quantity.TYPICAL)


def _way(change: Change) -> str:
    """Say which way a level went; nothing where that is not seen."""
    if change.quantity not in _LEVELS or change.levels or change.before is None or change.after is None:
        return ""
    if value_words(change, change.before) == value_words(change, change.after):
        return ""
    return " rose" if change.after > change.before else " fell"


def _plain(m: Measurement, signal: Signal, where: str) -> str:
    limits, estimated = (signal.lower, signal.upper), m.family is Family.ESTIMATE
    value = m.value or 0.0
    general = number_sentence(m.name, m.column, value, signal.centre, limits, estimated=estimated)
    return _moved(m, _judged(value, signal.centre, limits), where) or _went(signal, where) or general + where


def _went(signal: Signal, where: str) -> str:
    """Say of a metric from what is usual to what it went, and its limit; empty where what is usual is not known."""
    m, usual = signal.measurement, signal.centre
    if m.family not in (Family.METRIC, Family.ESTIMATE) or m.value is None or not usual or m.value == usual:
        return ""
    before, after = pair(usual, m.value)
    estimated = "estimated " if m.family is Family.ESTIMATE else ""
    limit = signal.upper if m.value > usual else signal.lower
    held_to = f" (limit {limit:.3g})" if limit is not None else ""
    way = "rose" if m.value > usual else "fell"
    return f"{estimated}{measure_words(m.name)} {way}: {before} → {after}{held_to}{where}"


def number_sentence(
    name: str,
    column: str,
    value: float,
    centre: float | None,
    limits: tuple[float | None, float | None],
    *,
    estimated: bool = False,
) -> str:
    """Say what was measured, what was expected of it, and its limits."""
    subject = measure_words(name)
    subject = f"{subject} of {column}" if column and not column.startswith("@") else subject
    subject = f"estimated {subject}" if estimated else subject
    return f"{subject} is {_judged(value, centre, limits)}"


def _judged(value: float, centre: float | None, limits: tuple[float | None, float | None]) -> str:
    known = [f"{limit:.3g}" for limit in limits if limit is not None]
    held_to = f", limit{'s' if len(known) > 1 else ''} {' to '.join(known)}" if known else ""
    expected = f", expected {centre:.3g}" if centre else ""
    return f"{value:.3g}{expected}{held_to}"
