"""Measurements of days, and memories of charts whose level is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from watchkeeper.charts.chart import Chart, ChartMemory
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KNOWN = ChartMemory({"centre": 0.0, "between": 0.0, "used": 0.0})
"""Centre 0 and no variance between windows, known for certain."""


def point(
    value: float, error: float | None = 1.0, n: int = 100, *, day: int | None = None, version: str = ""
) -> Measurement:
    window = None if day is None else Window(MONDAY + day * DAY, MONDAY + (day + 1) * DAY)
    return Measurement(Family.METRIC, "accuracy", float(value), n, error=error, window=window, version=version)


def run(
    chart: Chart,
    memory: ChartMemory | None,
    points: Iterable[Measurement],
    options: Mapping[str, float | str] | None = None,
) -> tuple[ChartMemory | None, list[Signal]]:
    signals = []
    for one in points:
        memory, signal = chart.step(memory, one, options or {})
        signals.append(signal)
    return memory, signals
