"""The windows inside the current rows of a check, which date its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil

from watchkeeper.compare.usual_rates import UsualRates
from watchkeeper.core.alert import Alert
from watchkeeper.core.schema import ALL, Schema
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Spec
from watchkeeper.core.state import State, StateKey
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.ingest.pace import STATES, span
from watchkeeper.ingest.sources import Source
from watchkeeper.stats.codec import merged
from watchkeeper.steps.assess import assess
from watchkeeper.steps.judge import JudgeMemory, judge

__all__ = ["dated", "history_within", "window_within"]

_GRAINS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(weeks=1), timedelta(weeks=4))
_DATED_BY = 100
"""Signals, the strongest, that an alert is dated by."""


def window_within(source: Source, schema: Schema) -> WindowRule | None:
    """Choose the length of a window so that the current rows fill about a dozen to forty, fewer for wide tables."""
    ends = span(source, schema)
    if ends is None:
        return None
    first, last = ends
    # Each window costs one state for each column, and windows are there to date alerts only.
    most = max(4, min(40, STATES // max(1, len(schema.columns))))
    for grain in _GRAINS:
        if (last - first) / grain <= most:
            return WindowRule(grain, grain) if (last - first) >= 2 * grain else None
    longest = _GRAINS[-1] * ceil((last - first) / _GRAINS[-1] / most)
    return WindowRule(longest, longest)


def history_within(
    pieces: Mapping[StateKey, State],
    before: tuple[Mapping[tuple[str, str], State], Mapping[str, float], Mapping[str, UsualRates]],
    spec: Spec,
    memory: JudgeMemory,
    alerts: Sequence[Alert],
) -> tuple[Signal, ...]:
    """Judge the windows inside the current rows, as far as it takes to date the alerts."""
    found = [signal.measurement for alert in alerts for signal in alert.evidence[:_DATED_BY]]
    columns, measures = {m.column for m in found}, {m.name for m in found}
    by_window: dict[Window, list[State]] = {}
    for key, state in pieces.items():
        if key.window is not None and key.segment == ALL and key.column in columns:
            by_window.setdefault(key.window, []).append(state)
    signals: list[Signal] = []
    for window in sorted(by_window):
        current = merged(by_window[window], window, spec.model)
        measured = assess(current, before[0], spec, only=measures, effects=before[1], rates=before[2])
        signals.extend(judge(measured, spec, memory, window).signals)
    return tuple(signals)


def dated(alert: Alert, history: Sequence[Signal]) -> Alert:
    """Date an alert by the first window in which one of its series signalled."""
    series = {signal.measurement.series for signal in alert.evidence}
    windows = [s.measurement.window for s in history if s.fired and s.measurement.series in series]
    known = [w for w in windows if isinstance(w, Window)]
    if not known:
        return alert
    return replace(alert, since=min(known).start, last=max(known).end)
