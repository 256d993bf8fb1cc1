"""Alerts as bars and actions as points on one axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.core.window import Window
from watchkeeper.views.axes import (
    Frame,
    Specification,
    layer,
    named_rows,
    nominal,
    point_mark,
    temporal,
    timeline_scale,
)
from watchkeeper.views.theme import SEVERITY_COLOURS, colour
from watchkeeper.views.wording import ACTIONS, CAUSES, moment, shown
from watchkeeper.words.actions import action_sentence
from watchkeeper.words.alerts import alert_sentence

__all__ = ["timeline"]

_MOST_ALERTS, _MOST_ACTIONS = 8, 60

_LOOKS = {
    Outcome.DONE: ("circle", "fine", True),
    Outcome.PROPOSED: ("circle", "notice", False),
    Outcome.REFUSED: ("square", "warning", False),
    Outcome.FAILED: ("cross", "signal", True),
}

Rows = list[dict[str, Any]]


def timeline(alerts: Sequence[Alert], actions: Sequence[Action], span: Window, frame: Frame) -> Specification | None:
    """Show the alerts and actions that fall into ``span``; None when none does."""
    bars, labels = _bars(alerts, span)
    points, kinds = _points(actions, alerts, span, len(labels))
    names = labels + kinds
    if not names:
        return None
    keys, y = named_rows(names, frame.labels)
    x = temporal("at", axis=None, scale=timeline_scale(span.start, span.end))
    layers = []
    for severity, fill in SEVERITY_COLOURS.items():
        rows = [{**row, "row": keys[position]} for position, kind, row in bars if kind is severity]
        if rows:
            bar = {"type": "bar", "fill": colour(fill), "height": 9, "cornerRadius": 2, "aria": True}
            layers.append(layer(rows, bar, x=x, x2={"field": "end"}, y=y, description=nominal("says")))
    for outcome, (shape, fill, filled) in _LOOKS.items():
        rows = [{**row, "row": keys[position]} for position, kind, row in points if kind is outcome]
        if rows:
            look = point_mark(shape, 62, colour(fill if filled else "paper"), stroke=colour(fill), strokeWidth=2)
            del look["filled"]
            layers.append(layer(rows, look, x=x, y=y, description=nominal("says")))
    return {"layer": layers, "width": frame.plot, "height": frame.row * len(names)}


def _bars(alerts: Sequence[Alert], span: Window) -> tuple[list[tuple[int, Any, dict[str, Any]]], list[str]]:
    """Return position, severity and row of each alert, and the labels of their rows."""
    bars: list[tuple[int, Any, dict[str, Any]]] = []
    labels: list[str] = []
    for alert in alerts:
        if alert.since is None or alert.since >= span.end or len(labels) == _MOST_ALERTS:
            continue
        end = min(alert.last or span.end, span.end)
        if end <= span.start:
            continue
        start = max(alert.since, span.start)
        says = shown(
            f"{alert.severity}, {alert.state.value}, since {moment(alert.since)}: {alert_sentence(alert)}", 200
        )
        row = {"at": start.isoformat(), "end": max(start, end).isoformat(), "says": says}
        bars.append((len(labels), alert.severity, row))
        labels.append(f"{alert.severity}: {CAUSES[alert.cause]}")
    return bars, labels


def _points(
    actions: Sequence[Action], alerts: Sequence[Alert], span: Window, first: int
) -> tuple[list[tuple[int, Any, dict[str, Any]]], list[str]]:
    """Return position, outcome and row of each action, one row for each kind, and the labels of the rows."""
    done = [(a.at, a) for a in actions if a.at is not None and span.start <= a.at <= span.end][-_MOST_ACTIONS:]
    kinds = [kind for kind in ACTIONS if any(a.kind is kind for _, a in done)]
    points: list[tuple[int, Any, dict[str, Any]]] = []
    for at, action in done:
        done_so = f"{ACTIONS[action.kind]} {action.version} {action.outcome.value}"
        says = f"{moment(at)}: {done_so}; {action_sentence(action, alerts)}"
        row = {"at": at.isoformat(), "says": shown(says, 200)}
        points.append((first + kinds.index(action.kind), action.outcome, row))
    return points, [ACTIONS[kind] for kind in kinds]
