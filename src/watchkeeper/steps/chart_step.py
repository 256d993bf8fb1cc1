"""One point of a series through its chart: what the chart remembers, and how it goes on after it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from watchkeeper.charts.chart import Chart, ChartMemory, memory_version
from watchkeeper.charts.phases import rebased
from watchkeeper.core.errors import StateError, UsageError, WatchkeeperError
from watchkeeper.core.measurement import Measurement, Status
from watchkeeper.core.plugins import plugin
from watchkeeper.core.signal import Signal
from watchkeeper.core.spec import Monitor

__all__ = ["Earlier", "chart_failed", "chart_key", "remade", "step_chart"]

Earlier = Callable[[Measurement], Iterable[Measurement]]
"""Returns the stored measurements of a series in the windows before, oldest first."""

_RECOVERED = "recovered"


def chart_key(chart: str, measurement: Measurement) -> str:
    """Return the name under which a chart's memory of a series is kept."""
    return "\x1f".join((chart, *measurement.series))


def chart_failed(measurement: Measurement, signal: Signal) -> bool:
    """Return whether a signal says that the chart failed, and not what it was to judge."""
    return signal.measurement.status is Status.FAILED and measurement.status is not Status.FAILED


def step_chart(
    charts: dict[str, ChartMemory],
    monitor: Monitor,
    measurement: Measurement,
    *,
    version: str = "",
    earlier: Earlier | None = None,
) -> Signal:
    """Judge a point, and put what its chart remembers afterwards into ``charts``.

    A chart that fails costs one failed signal. Where it would not have failed without its memory, the memory is at
    fault: it is made anew from the series' stored history, with a phase that says so, and the next window is judged.

    Parameters
    ----------
    version
        The version of the model that answers in the window, for charts that learn anew with each release.
    earlier
        The stored history; None where there is none, and the chart learns from the next points.
    """
    key = chart_key(monitor.chart, measurement)
    chart: Chart = plugin("chart", monitor.chart)
    before, point = charts.get(key), replace(measurement, version=version or measurement.version)
    version_read = memory_version(chart)
    try:
        if before is not None and before.version != version_read:
            raise StateError(f"its memory has version {before.version}, and this chart reads version {version_read}")
        memory, signal = chart.step(before, point, monitor.options)
    except Exception as error:  # noqa: BLE001 - a memory of another version, or a chart of somebody else
        words = str(error) if isinstance(error, WatchkeeperError) else f"{type(error).__name__}: {error}"
        reason = f"the chart {monitor.chart} failed: {words}"
        if before is None or isinstance(error, UsageError) or not _works(chart, monitor, point):
            remedy = f"see the options of the monitor of {measurement.name}; what the chart remembers was kept"
        else:
            _keep(charts, key, remade(monitor, before, point, earlier, last=True), version_read)
            remedy = "it was made anew from the stored history and judges the next window"
        return Signal(replace(measurement, status=Status.FAILED, reason=f"{reason}; {remedy}"), monitor.chart)
    _keep(charts, key, memory, version_read)
    return replace(
        signal, measurement=replace(signal.measurement, version=measurement.version, curve=(), departures=())
    )


def remade(
    monitor: Monitor, before: ChartMemory | None, point: Measurement, earlier: Earlier | None, *, last: bool = False
) -> ChartMemory:
    """Return what a chart would remember, made anew from the stored history of the series of ``point``.

    Parameters
    ----------
    before
        The memory that is given up; its phases stay on record, and only what belongs to the last is learned again.
    last
        Whether ``point`` belongs to the history too.
    """
    chart: Chart = plugin("chart", monitor.chart)
    phase = before.phases[-1] if before and before.phases else None
    memory = rebased(before, _RECOVERED, version=phase.version if phase else point.version)
    points = earlier(point) if earlier else ()
    if phase and (phase.start or phase.reason):
        # The level before a release, or before a change that was confirmed, is void.
        points = [p for p in points if phase.start and p.window and p.window.start >= phase.start]
    for one in [*points, *([point] if last else [])]:
        # A point that cannot be judged is none to learn from.
        with suppress(Exception):
            memory, _ = chart.step(memory, one, monitor.options)
    return replace(memory, version=memory_version(chart))


def _works(chart: Chart, monitor: Monitor, point: Measurement) -> bool:
    try:
        chart.step(None, point, monitor.options)
    except Exception:  # noqa: BLE001 - whatever it is, the memory is not the reason
        return False
    return True


def _keep(charts: dict[str, ChartMemory], key: str, memory: ChartMemory, version: int) -> None:
    if memory.numbers or memory.points or memory.arrays or memory.phases:
        charts[key] = memory if memory.version == version else replace(memory, version=version)
    else:
        charts.pop(key, None)
