"""All series at a glance: what signalled in which window, with the alerts and actions on the same axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.core.action import Action
from watchkeeper.core.alert import Alert
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.axes import (
    WIDE,
    Frame,
    Specification,
    layer,
    named_rows,
    nominal,
    temporal,
    time_axis,
    timeline_scale,
    whole,
)
from watchkeeper.views.series import Mark, Series, mark_of
from watchkeeper.views.theme import MARK_COLOURS, colour
from watchkeeper.views.timeline import timeline
from watchkeeper.views.wording import count, failure, number, period, shown

__all__ = ["history"]

_MOST_ROWS = 24


def history(
    series: Sequence[Series], alerts: Sequence[Alert], actions: Sequence[Action], frame: Frame = WIDE
) -> tuple[Specification, str] | None:
    """Show the worst mark of each column in each window, and say what is left out; None with fewer than two windows.

    A window without a number is marked as such, never left in a colour that reads as fine.
    """
    windows = sorted({s.measurement.window for one in series for s in one.signals if s.measurement.window})
    if len(windows) < 2:
        return None
    kept = windows[-frame.windows :]
    rows = _by_subject(series)
    cells = [cell for name in list(rows)[:_MOST_ROWS] for cell in _cells(name, rows[name], kept)]
    names = list(rows)[:_MOST_ROWS]
    span = Window(kept[0].start, max(w.end for w in kept))
    events = timeline(alerts, actions, span, frame)
    charts = [*([] if events is None else [events]), _heat_map(cells, names, span, frame)]
    left = [
        f"the newest {len(kept)} of {len(windows)} windows" if len(windows) > len(kept) else "",
        f"the worst {len(names)} of {count(len(rows), 'row')}" if len(rows) > len(names) else "",
    ]
    shown_only = " and ".join(filter(None, left))
    return whole(
        {"vconcat": charts, "spacing": 8}, concat={"spacing": 8}
    ), f"Shown are {shown_only}." if shown_only else ""


def _by_subject(series: Sequence[Series]) -> dict[str, list[Series]]:
    rows: dict[str, list[Series]] = {}
    for one in series:
        rows.setdefault(one.subject, []).append(one)
    return rows


def _cells(name: str, series: Sequence[Series], windows: Sequence[Window]) -> list[dict[str, Any]]:
    worst: dict[Window, tuple[Mark, Signal, str]] = {}
    for one in series:
        for signal in one.signals:
            window, mark = signal.measurement.window, mark_of(signal)
            if window is not None and (window not in worst or mark.weight < worst[window][0].weight):
                worst[window] = (mark, signal, one.measure)
    begun = min(worst, default=None)
    cells = []
    for window in windows:
        if begun is None or window < begun:
            continue
        mark, says = Mark.NO_DATA, f"{name}, {period(window)}: no data; no measurement was made"
        if window in worst:
            mark, signal, measured = worst[window]
            value = failure(signal.measurement)[1] or number(signal.measurement.value)
            says = f"{name}, {period(window)}: {mark.value}; {measured} {value}"
        cell = {"row": name, "at": window.start.isoformat(), "end": window.end.isoformat(), "mark": mark.value,
                "mid": (window.start + (window.end - window.start) / 2).isoformat()}  # fmt: skip
        if mark in (Mark.SIGNAL, Mark.FAILED, Mark.NO_DATA, Mark.NEAR):
            cell["says"] = shown(says, 160)
        cells.append(cell)
    return cells


def _heat_map(cells: list[dict[str, Any]], names: list[str], span: Window, frame: Frame) -> Specification:
    keys, y = named_rows(names, frame.labels)
    row_of = dict(zip(names, keys, strict=True))
    for cell in cells:
        cell["row"] = row_of[cell["row"]]
    scale = timeline_scale(span.start, span.end)
    x = temporal("at", axis=time_axis(frame.ticks), scale=scale)
    layers = []
    for mark in Mark:
        chosen = [c for c in cells if c["mark"] == mark.value]
        if chosen:
            fill = colour(MARK_COLOURS[mark])
            cell = {
                "type": "rect",
                "fill": fill,
                "stroke": colour("paper"),
                "strokeWidth": 1,
                "aria": "says" in chosen[0],
            }
            layers.append(layer(chosen, cell, x=x, x2={"field": "end"}, y=y, description=nominal("says")))
    middle = x | {"field": "mid"}
    for mark, word, fill in (
        (Mark.SIGNAL, "◆", "paper"),
        (Mark.FAILED, "×", "fault_edge"),
        (Mark.NO_DATA, "–", "muted"),
    ):
        chosen = [{k: c[k] for k in ("row", "mid")} for c in cells if c["mark"] == mark.value]
        if chosen:
            size = 8 if mark is Mark.SIGNAL else 11
            text = {"type": "text", "text": word, "fill": colour(fill), "fontSize": size, "baseline": "middle"}
            layers.append(layer(chosen, text, x=middle, y=y))
    return {"layer": layers, "width": frame.plot, "height": frame.row * len(names)}
