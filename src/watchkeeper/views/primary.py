"""The metric to decide by, over time: realised and estimated, with releases, alerts and actions on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL
from watchkeeper.views.axes import NARROW, WIDE, Chart, Frame, whole
from watchkeeper.views.control_chart import control_layers
from watchkeeper.views.direction import direction_words
from watchkeeper.views.findings import Findings
from watchkeeper.views.lines import Line
from watchkeeper.views.series import Mark, Series
from watchkeeper.views.timeline import timeline
from watchkeeper.views.wording import number

__all__ = ["Primary", "primary_metric", "primary_of"]

_HEIGHTS = {WIDE: 210, NARROW: 150}


@dataclass(frozen=True)
class Primary:
    """The metric to decide by.

    Attributes
    ----------
    title
        Its name, and which direction is harm.
    line, estimate
        Its newest value beside the reference, and what is estimated without labels; None without such a series.
    charts
        For a wide and for a narrow screen, with the name of each; empty with fewer than two windows.
    estimated
        Whether estimates are drawn.
    """

    title: str
    better: str
    line: Line
    interval: str
    estimate: Line | None
    charts: tuple[tuple[str, Chart], ...]
    estimated: bool


def primary_metric(series: Sequence[Series], findings: Findings) -> Series | None:
    """Return the series of the metric to decide by: one in signal first, then as the task names them.

    Realised values come before estimates; None where neither is judged or measured over all rows.
    """
    told = findings.schema.task.spec.harm if findings.schema else ()
    order = {name: place for place, name in enumerate(told)}
    for family in (Family.METRIC, Family.ESTIMATE):
        found = [s for s in series if s.family is family and s.newest.measurement.segment == ALL and _judged(s)]
        if found:
            names = len(order)
            return min(found, key=lambda s: (s.mark is not Mark.SIGNAL, order.get(s.newest.measurement.name, names)))
    return None


def primary_of(series: Sequence[Series], findings: Findings) -> Primary | None:
    """Return what a page shows of the metric to decide by; None where there is none."""
    one = primary_metric(series, findings)
    if one is None:
        return None
    name = one.newest.measurement.name
    estimate = None
    if one.family is Family.METRIC:
        estimates = (s for s in series if s.family is Family.ESTIMATE and s.newest.measurement.segment == ALL)
        estimate = next((s for s in estimates if s.newest.measurement.name == name), None)
    charts = []
    if one.windows > 1:
        for look, frame in (("wide", WIDE), ("narrow", NARROW)):
            title = f"{one.measure} over time, with releases, alerts and actions"
            charts.append((look, Chart(title, _drawn(one, estimate, findings, frame))))
    ends = one.newest.measurement.interval
    interval = f"95 %: {number(ends[0], 3)} to {number(ends[1], 3)}" if ends and not one.mark.numberless else ""
    told = Line.of(estimate) if estimate else None
    drawn = bool(charts) and (estimate is not None or one.family is Family.ESTIMATE)
    return Primary(one.measure, direction_words(name), Line.of(one), interval, told, tuple(charts), drawn)


def _judged(series: Series) -> bool:
    return any(s.lower is not None or s.upper is not None for s in series.signals) or series.mark is Mark.SIGNAL


def _drawn(one: Series, estimate: Series | None, findings: Findings, frame: Frame) -> dict[str, object]:
    layers, span = control_layers(
        one, estimate=estimate, actions=findings.actions, width=frame.plot, most=frame.windows, ticks=frame.ticks,
        extent=frame.labels, named=True,
    )  # fmt: skip
    chart = {"layer": layers, "width": frame.plot, "height": _HEIGHTS[frame]}
    events = timeline(findings.worst_alerts, findings.actions_in_order, span, frame)
    charts = [*([] if events is None else [events]), chart]
    return whole({"vconcat": charts, "spacing": 10}, concat={"spacing": 10})
