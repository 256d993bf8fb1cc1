"""All series at a glance: what signalled in which window, with the alerts and actions on the same axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import altair as alt

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.control_chart import time_axis
from watchkeeper.views.axes import inline, label_expression, sheet, time_axis
from watchkeeper.views.series import Mark, Series, mark_of
from watchkeeper.views.theme import MARK_COLOURS, SEVERITY_COLOURS, chart_config, colour
from watchkeeper.views.wording import ACTIONS, CAUSES, count, failure, moment, number, period, shown

__all__ = ["Overview", "history", "standing"]

_WIDTH, _LABELS, _ROW = 800, 170, 17
_MOST_ROWS, _MOST_WINDOWS, _MOST_ALERTS, _MOST_ACTIONS = 24, 52, 8, 60
_FAR = 3.0


@dataclass(frozen=True)
class Overview:
    """A drawing and what it leaves out."""

    chart: alt.VConcatChart | alt.LayerChart
    remark: str = ""


def history(series: Sequence[Series], alerts: Sequence[Alert], actions: Sequence[Action]) -> Overview | None:
    """Draw the worst mark of each column in each window, worst column first; None with fewer than two windows.

    A window without a number is marked as such, never left in a colour that reads as fine.
    """
    windows = sorted({s.measurement.window for one in series for s in one.signals if s.measurement.window})
    if len(windows) < 2:
        return None
    kept = windows[-_MOST_WINDOWS:]
    rows = _by_subject(series)
    cells = [cell for name in list(rows)[:_MOST_ROWS] for cell in _cells(name, rows[name], kept)]
    names = list(rows)[:_MOST_ROWS]
    span = [kept[0].start.isoformat(), max(w.end for w in kept).isoformat()]
    charts = [_heat_map(cells, names, span)]
    told = _told_layers(alerts, actions, kept[0].start, max(w.end for w in kept), span)
    if told is not None:
        charts.insert(0, told)
    left = [
        f"the newest {len(kept)} of {len(windows)} windows" if len(windows) > len(kept) else "",
        f"the worst {len(names)} of {count(len(rows), 'row')}" if len(rows) > len(names) else "",
    ]
    shown_only = " and ".join(filter(None, left))
    chart = alt.vconcat(*charts, spacing=8).configure(**chart_config()).configure_concat(spacing=8)
    return Overview(chart, f"Shown are {shown_only}." if shown_only else "")


def standing(series: Sequence[Series]) -> Overview | None:
    """Draw how far each newest value is on its way from the centre to its limit; None when nothing has a limit."""
    placed = []
    for one in series:
        signal = one.newest
        value, centre = signal.measurement.value, signal.centre or 0.0
        if one.mark.blind or value is None:
            continue
        limit = signal.upper if value >= centre else signal.lower
        if limit is None or limit == centre:
            continue
        placed.append((one, (value - centre) / (limit - centre)))
    if not placed:
        return None
    kept = placed[:_MOST_ROWS]
    names = [shown(f"{one.subject} — {one.measure}" if one.subject != one.measure else one.subject, 70) for one, _ in kept]
    keys = [f"{place:02d}" for place in range(len(kept))]
    rows = []
    for key, name, (one, ratio) in zip(keys, names, kept, strict=True):
        says = f"{name}: {number(one.newest.measurement.value)} is {ratio:.2f} of the way to its limit; {one.mark.value}"
        word = f"{ratio:.2g} ×" if ratio > _FAR else ""
        rows.append({"row": key, "x": min(ratio, _FAR), "zero": 0, "mark": one.mark.value, "says": says, "word": word})
    base = inline(rows)
    y = _row_axis(keys, names)
    x = alt.X("x:Q", axis=alt.Axis(title="share of the way from centre to limit", tickCount=6, grid=True),
              scale=alt.Scale(domain=[0, max(1.15, *(r["x"] for r in rows)) * 1.04], nice=False))  # fmt: skip
    layers = [
        base.mark_rule(stroke=colour("limit"), strokeWidth=1).encode(x=alt.X("zero:Q", scale=x.scale), x2=alt.X2("x:Q"), y=y),
        inline([{"x": 1}])
        .mark_rule(stroke=colour("limit"), strokeDash=[5, 3], strokeWidth=1.5)
        .encode(x=x),
        base.transform_filter("datum.mark != 'signal'")
        .mark_point(shape="circle", size=50, filled=True, fill=colour("value"), opacity=1, aria=True)
        .encode(x=x, y=y, description=alt.Description("says:N")),
        base.transform_filter("datum.mark == 'signal'")
        .mark_point(shape="diamond", size=90, filled=True, fill=colour("signal"), opacity=1, aria=True)
        .encode(x=x, y=y, description=alt.Description("says:N")),
        base.mark_text(align="right", dx=-9, dy=-6, fill=colour("signal"), fontWeight="bold").encode(x=x, y=y, text=alt.Text("word:N")),
    ]
    chart = sheet(layers, _WIDTH + _LABELS, _ROW * len(kept) + 40).configure(**chart_config())
    left = len(placed) - len(kept)
    return Overview(chart, f"Shown are the worst {len(kept)}; {left:,} more are within their limits." if left else "")


def _by_subject(series: Sequence[Series]) -> dict[str, list[Series]]:
    rows: dict[str, list[Series]] = {}
    for one in series:
        rows.setdefault(one.subject, []).append(one)
    return rows


def _cells(name: str, series: Sequence[Series], windows: Sequence[Window]) -> list[dict[str, Any]]:
    found: dict[Window, tuple[Mark, Signal, str]] = {}
    for one in series:
        for signal in one.signals:
            window, mark = signal.measurement.window, mark_of(signal)
            if window is not None and (window not in found or mark.weight < found[window][0].weight):
                found[window] = (mark, signal, one.measure)
    begun = min(found, default=None)
    cells = []
    for window in windows:
        if begun is None or window < begun:
            continue
        mark, says = Mark.NO_DATA, f"{name}, {period(window)}: no data; no measurement was made"
        if window in found:
            mark, signal, measured = found[window]
            value = failure(signal.measurement)[1] or number(signal.measurement.value)
            says = f"{name}, {period(window)}: {mark.value}; {measured} {value}"
        cell = {"row": name, "at": window.start.isoformat(), "end": window.end.isoformat(), "mark": mark.value,
                "mid": (window.start + (window.end - window.start) / 2).isoformat()}  # fmt: skip
        if mark in (Mark.SIGNAL, Mark.FAILED, Mark.NO_DATA, Mark.NEAR):
            cell["says"] = shown(says, 160)
        cells.append(cell)
    return cells


def _heat_map(cells: list[dict[str, Any]], names: list[str], span: list[str]) -> alt.LayerChart:
    keys = {name: f"{place:02d}" for place, name in enumerate(names)}
    for cell in cells:
        cell["row"] = keys[cell["row"]]
    y = _row_axis(list(keys.values()), names)
    x = _time(span, axis=True)
    layers = []
    for mark in Mark:
        chosen = [c for c in cells if c["mark"] == mark.value]
        if chosen:
            layers.append(
                inline(chosen)
                .mark_rect(fill=colour(MARK_COLOURS[mark]), stroke=colour("paper"), strokeWidth=1, aria="says" in chosen[0])
                .encode(x=x, x2=alt.X2("end:T"), y=y, description=alt.Description("says:N"))
            )
    middle = x.copy()
    middle.shorthand = "mid:T"
    for mark, word, fill in ((Mark.SIGNAL, "◆", "paper"), (Mark.FAILED, "×", "fault_edge"), (Mark.NO_DATA, "–", "muted")):
        chosen = [{k: c[k] for k in ("row", "mid")} for c in cells if c["mark"] == mark.value]
        if chosen:
            layers.append(
                inline(chosen)
                .mark_text(text=word, fill=colour(fill), fontSize=8 if mark is Mark.SIGNAL else 11, baseline="middle")
                .encode(x=middle, y=y)
            )
    return alt.LayerChart(layer=layers).properties(width=_WIDTH, height=_ROW * len(names))


def _told_layers(
    alerts: Sequence[Alert], actions: Sequence[Action], first: datetime, last: datetime, span: list[str]
) -> alt.LayerChart | None:
    """Draw alerts as bars from their first to their last window, and actions as points below them."""
    bars, names = [], []
    for alert in [a for a in alerts if a.since is not None and a.since < last][:_MOST_ALERTS]:
        assert alert.since is not None
        names.append(shown(f"{alert.severity}: {CAUSES[alert.cause]}", 40))
        end = min(max(alert.last or last, alert.since), last)
        says = shown(f"{alert.severity}, {alert.state.value}, since {moment(alert.since)}: {alert.message}", 200)
        bars.append({"row": f"{len(names) - 1:02d}", "at": max(alert.since, first).isoformat(), "end": end.isoformat(),
                     "severity": alert.severity, "says": says})  # fmt: skip
    done = [a for a in actions if a.at is not None and first <= a.at <= last][-_MOST_ACTIONS:]
    kinds = [kind for kind in ACTIONS if any(a.kind is kind for a in done)]
    points = []
    for action in done:
        assert action.at is not None
        says = shown(f"{moment(action.at)}: {ACTIONS[action.kind]} {action.version} {action.outcome.value}; {action.why}", 200)
        row = f"{len(names) + kinds.index(action.kind):02d}"
        points.append({"row": row, "at": action.at.isoformat(), "outcome": action.outcome, "says": says})
    names += [ACTIONS[kind] for kind in kinds]
    if not names:
        return None
    y, x = _row_axis([f"{place:02d}" for place in range(len(names))], names), _time(span, axis=False)
    layers = []
    for severity, fill in SEVERITY_COLOURS.items():
        chosen = [b for b in bars if b["severity"] is severity]
        if chosen:
            rows = [{k: v for k, v in b.items() if k != "severity"} for b in chosen]
            layers.append(
                inline(rows)
                .mark_bar(fill=colour(fill), height=9, cornerRadius=2, aria=True)
                .encode(x=x, x2=alt.X2("end:T"), y=y, description=alt.Description("says:N"))
            )
    looks = {
        Outcome.DONE: ("circle", "fine", True),
        Outcome.PROPOSED: ("circle", "notice", False),
        Outcome.REFUSED: ("square", "warning", False),
        Outcome.FAILED: ("cross", "signal", True),
    }
    for outcome, (shape, fill, filled) in looks.items():
        rows = [{k: v for k, v in p.items() if k != "outcome"} for p in points if p["outcome"] is outcome]
        if rows:
            drawn = {"fill": colour(fill)} if filled else {"fill": colour("paper"), "stroke": colour(fill)}
            layers.append(
                inline(rows)
                .mark_point(shape=shape, size=62, opacity=1, strokeWidth=2, aria=True, **drawn)
                .encode(x=x, y=y, description=alt.Description("says:N"))
            )
    return alt.LayerChart(layer=layers).properties(width=_WIDTH, height=_ROW * len(names))


def _time(span: list[str], *, axis: bool) -> alt.X:
    shown_axis = time_axis(10) if axis else None
    return alt.X("at:T", axis=shown_axis, scale=alt.Scale(type="utc", domain=span))


def _row_axis(keys: list[str], names: list[str]) -> alt.Y:
    axis = alt.Axis(
        title=None, labelExpr=label_expression(keys, names), labelLimit=_LABELS - 12, minExtent=_LABELS, maxExtent=_LABELS, ticks=False, domain=False
    )
    return alt.Y("row:N", axis=axis, scale=alt.Scale(domain=keys, paddingInner=0, paddingOuter=0), sort=keys)
