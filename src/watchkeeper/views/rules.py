"""The table of quality rules: worst first, with the number of offending rows and examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.core.evidence import RuleCheck
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.wording import failure, number, shown
from watchkeeper.words.signals import rule_in_words

__all__ = ["RuleLine", "is_rule", "rule_lines"]

_WORDS = {Mark.SIGNAL: "broken", Mark.FAILED: "failed", Mark.NO_DATA: "no data", Mark.IN_CONTROL: "kept"}


@dataclass(frozen=True)
class RuleLine:
    """One row of the table: what is asked of what, how many rows break it, and some of them."""

    column: str
    name: str
    asked: str
    found: str
    state: str
    mark: Mark
    severity: str
    told: str
    examples: str


def is_rule(signal: Signal) -> bool:
    """Return whether a signal judges a quality rule."""
    return signal.measurement.evidence.rule is not None


def rule_lines(signals: Iterable[Signal]) -> list[RuleLine]:
    """Return a line for each rule in the newest window, worst first; nothing in it is longer than a few lines."""
    return [_line(series) for series in series_of(signal for signal in signals if is_rule(signal))]


def _line(series: Series) -> RuleLine:
    signal = series.newest
    measurement = signal.measurement
    check = measurement.evidence.rule or RuleCheck()
    _, reason = failure(measurement)
    told = reason or shown(rule_in_words(signal), 200)
    return RuleLine(
        "rows" if measurement.column.startswith("@") else shown(measurement.column, 120),
        shown(measurement.name, 60),
        shown(check.asked, 200),
        "–" if reason else _found(measurement),
        _WORDS.get(series.mark, series.mark.value),
        series.mark,
        shown(check.severity, 20),
        told,
        shown(check.examples, 300) if signal.fired else "",
    )


def _found(measurement: Measurement) -> str:
    check = measurement.evidence.rule
    if check is not None and check.offending is not None:
        return f"{check.offending:,} of {measurement.n:,} rows"
    return number(measurement.value)
