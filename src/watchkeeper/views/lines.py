"""The newest value of a series in words, as tables on a page, a terminal and a notebook show it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, log10

from watchkeeper.core.evidence import SightUnit
from watchkeeper.core.measurement import Measurement
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.views.series import Mark, Series
from watchkeeper.views.wording import about, failure, number, period, shown
from watchkeeper.words.change import change_words
from watchkeeper.words.signals import rule_in_words

__all__ = ["Line"]

_LEAST, _MOST, _PLACES = 1e-3, 1e6, 4


@dataclass(frozen=True)
class Line:
    """One row of a table: about what, measured how, with which value, limits and state, and why."""

    subject: str
    measure: str
    change: str
    value: str
    limits: str
    interval: str
    n: str
    mark: Mark
    told: str

    @classmethod
    def of(cls, series: Series) -> Line:
        """Return the newest value of a series in words; without a number, the reason in its place."""
        signal = series.newest
        measurement = signal.measurement
        _, reason = failure(measurement)
        if series.ended:
            reason = f"not measured since {period(measurement.window)}"
        if series.last is not None:
            before = series.last.measurement
            when = f", {period(before.window)}" if before.window not in (None, measurement.window) else ""
            reason += f"; last {number(before.value)}{when}"
        value = "–" if reason else measured(measurement)
        told = reason or shown(rule_in_words(signal), 200) or _sight(signal) or _learning(signal)
        ends = measurement.interval
        interval = f"95 %: {number(ends[0], 3)} … {number(ends[1], 3)}" if ends and not reason else ""
        size = f"{measurement.n:,}"
        change = "" if reason else shown(change_words(measurement.evidence.change), 60)
        return cls(
            about(measurement), series.measure, change, value, _limits(signal), interval, size, series.mark, told
        )


def _learning(signal: Signal) -> str:
    """Say whether the chart still learns what is usual; empty where it does not."""
    if signal.zone is Zone.LEARNING:
        return "what is usual is being learned; judged when there are enough windows"
    return "what is usual is still being learned" if signal.phase == 1 else ""


def _sight(signal: Signal) -> str:
    """Say which change a blind series would find; empty where it is none."""
    if signal.zone is not Zone.BLIND or signal.sight is None:
        return ""
    found = signal.sight.eight_windows if signal.measurement.window is not None else signal.sight.one_window
    if found is None:
        return "no change would be found, however large"
    unit = {SightUnit.IQR: " interquartile ranges", SightUnit.METRIC: ""}.get(signal.sight.unit, "")
    lasting = ", lasting for eight windows," if signal.measurement.window is not None else ""
    return f"only a change of {number(found, 2)}{unit}{lasting} would be found"


def measured(measurement: Measurement) -> str:
    """Return a value with two digits of its standard error, or three of its own where that is unknown."""
    value, error = measurement.value, measurement.error
    if value is None or not error or not isfinite(error) or not _LEAST <= abs(value) < _MOST:
        return number(value, 3)
    places = min(max(0, 1 - floor(log10(error))), _PLACES)
    return number(0.0 if abs(value) < 10.0**-places / 2 else value, max(1, places + floor(log10(abs(value))) + 1))


def _limits(signal: Signal) -> str:
    lower, upper = signal.lower, signal.upper
    if lower is None and upper is None:
        return "–"
    if lower is None:
        return f"≤ {number(upper, 3)}"
    return f"≥ {number(lower, 3)}" if upper is None else f"{number(lower, 3)} … {number(upper, 3)}"
