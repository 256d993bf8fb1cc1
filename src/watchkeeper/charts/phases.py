"""When the chart of a series learns anew, and the record of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from watchkeeper.charts.chart import ChartMemory, Phase
from watchkeeper.core.errors import UsageError, near_miss
from watchkeeper.core.measurement import Measurement

__all__ = ["REBASE", "begun", "confirmed", "rebased", "released"]

REBASE = ("none", "release", "change", "both")


def rebased(memory: ChartMemory | None, reason: str, start: datetime | None = None, version: str = "") -> ChartMemory:
    """Return the memory of a chart that learns anew from its next point on and keeps the record of its phases.

    For whoever knows that the old level is void: a promotion, a rollback, a change that was confirmed.

    Examples
    --------
    >>> rebased(None, "promotion", version="7").phases
    (Phase(start=None, reason='promotion', version='7'),)
    """
    return ChartMemory(phases=(*(memory.phases if memory else ()), Phase(start, reason, version)))


def begun(memory: ChartMemory, measurement: Measurement) -> tuple[Phase, ...]:
    """Return the phases with the first one opened, and the newest one dated, by a point that is learned from."""
    start = measurement.window.start if measurement.window else None
    if not memory.phases:
        return (Phase(start, "", measurement.version),)
    newest = memory.phases[-1]
    if newest.start is None and start is not None:
        newest = Phase(start, newest.reason, newest.version or measurement.version)
        return (*memory.phases[:-1], newest)
    return memory.phases


def released(memory: ChartMemory, measurement: Measurement, chosen: Mapping[str, float | str]) -> ChartMemory:
    """Return the memory, emptied where the version changed and ``rebase`` is ``release`` or ``both``.

    A phase that was opened before any version was known takes the first that is.
    """
    rebase = str(chosen.get("rebase", "none"))
    if rebase not in REBASE:
        raise UsageError(f"there is no rebase {rebase!r}; {near_miss(rebase, REBASE)}")
    if rebase not in ("release", "both") or not memory.phases or not measurement.version:
        return memory
    phase = memory.phases[-1]
    if not phase.version:
        return replace(memory, phases=(*memory.phases[:-1], replace(phase, version=measurement.version)))
    return memory if phase.version == measurement.version else rebased(memory, "release", None, measurement.version)


def confirmed(
    memory: ChartMemory, high: bool, fired: bool, chosen: Mapping[str, float | str]
) -> tuple[ChartMemory, float]:
    """Return the memory and the streak of signals on one side, signed.

    The memory is emptied when ``rebase`` is ``change`` or ``both`` and ``confirm`` points in a row have signalled on
    one side: the change is the new level, and the chart learns it from the next point on.
    """
    streak = memory.numbers.get("streak", 0.0)
    streak = (max(streak, 0.0) + 1 if high else min(streak, 0.0) - 1) if fired else 0.0
    if str(chosen.get("rebase", "none")) in ("change", "both") and abs(streak) >= float(chosen["confirm"]):
        return rebased(memory, "change"), 0.0
    return memory, streak
