"""The control chart of one series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError
from watchkeeper.core.signal import Signal, Zone
from watchkeeper.core.window import Window
from watchkeeper.views.axes import (
    WIDTH,
    Specification,
    layer,
    nominal,
    point_mark,
    quantitative,
    sheet,
    temporal,
    time_axis,
    timeline_scale,
)
from watchkeeper.views.series import Mark, Series, mark_of
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import ACTIONS, failure, moment, number, period, shown
from watchkeeper.words.signals import rule_in_words

__all__ = ["MOST_WINDOWS", "control_chart", "control_layers"]

MOST_WINDOWS = 120
"""Windows that one control chart shows, the newest."""

_APART = 0.16
_LABELS = 3


@dataclass(frozen=True, slots=True)
class _Point:
    window: Window
    signal: Signal
    mark: Mark
    run: int

    @property
    def middle(self) -> datetime:
        return self.window.start + (self.window.end - self.window.start) / 2

    @property
    def value(self) -> float:
        value = self.signal.measurement.value
        return value if value is not None else float("nan")


def control_chart(
    series: Series,
    *,
    estimate: Series | None = None,
    actions: Iterable[Action] = (),
    width: int = WIDTH,
    height: int = 150,
    most: int = MOST_WINDOWS,
) -> Specification:
    """Show a series over time with its centre, its limits and its 95 % intervals.

    Points that signal differ in shape and colour and carry their value. Windows without a number are shaded and say so;
    the line is broken there, and wherever the version changed.

    Parameters
    ----------
    series
        At least one of its measurements must have a window.
    estimate
        The same metric estimated without labels, drawn dashed with its own intervals.
    actions
        Promotions and rollbacks that were done are marked at their moment.
    most
        The newest windows that are drawn.

    Raises
    ------
    UsageError
        When no measurement has a window.
    """
    layers, _ = control_layers(series, estimate=estimate, actions=actions, width=width, most=most)
    return sheet(layers, width, height)


def control_layers(
    series: Series,
    *,
    estimate: Series | None,
    actions: Iterable[Action],
    width: int,
    most: int = MOST_WINDOWS,
    ticks: int = 5,
    extent: int = 0,
    named: bool = False,
) -> tuple[list[Specification], Window]:
    """Return the layers of a control chart, to stand with others on one axis of time, and the time they span.

    Parameters
    ----------
    ticks
        Ticks of the axis of time.
    extent
        Pixels left of the drawing area, where it must be in line with that of another chart; 0 for what is needed.
    named
        Whether new versions carry their names.
    """
    points, blanks = _laid_out(series, most)
    if not points and not blanks:
        raise UsageError(f"the series {series.measure!r} has no windows, so it cannot be drawn over time")
    estimated = _laid_out(estimate, most)[0] if estimate else []
    starts = [p.window.start for p in (*points, *estimated)] + [b[0] for b in blanks]
    ends = [p.window.end for p in (*points, *estimated)] + [b[1] for b in blanks]
    span = Window(min(starts), max(ends))
    low, high = _range([*points, *estimated])
    x = temporal("at", axis=time_axis(ticks), scale=timeline_scale(span.start, span.end))
    scale = {"domain": [low, high], "zero": False, "nice": False}
    room = {"minExtent": extent, "maxExtent": extent, "titleX": -44} if extent else {}
    axis = {"title": series.measure.removesuffix(", estimated"), "tickCount": 4, "titlePadding": 6, **room}
    y = quantitative("y", axis=axis, scale=scale)
    layers = [
        *_blank_layers(blanks, x, span.start, span.end, width),
        *_line_layers(points, x, y, (low, high)),
        *_estimate_layers(estimated, x, y, (low, high)),
        *_point_layers(points, x, y),
        *_event_layers(actions, x, span, named),
    ]
    return layers, span


def _laid_out(series: Series, most: int) -> tuple[list[_Point], list[tuple[datetime, datetime, Mark, str]]]:
    """Split a series into points with a number, numbered by unbroken run, and the stretches without one."""
    points: list[_Point] = []
    blanks: list[tuple[datetime, datetime, Mark, str]] = []
    run, last, version = 0, None, ""
    placed = [(s.measurement.window, s) for s in series.signals if s.measurement.window is not None]
    for window, signal in placed[-most:]:
        if last is not None and window.start > last:
            blanks.append((last, window.start, Mark.NO_DATA, "no measurement was made"))
            run += 1
        elif last is not None and version != signal.measurement.version:
            run += 1
        mark = mark_of(signal)
        if mark.numberless:
            blanks.append((window.start, window.end, mark, failure(signal.measurement)[1]))
            run += 1
        else:
            points.append(_Point(window, signal, mark, run))
        last, version = window.end, signal.measurement.version
    own = series.newest.measurement.window
    if series.ended and own is not None and series.latest is not None:
        blanks.append((own.end, series.latest.end, Mark.NO_DATA, "no measurement was made"))
    return points, blanks


def _range(points: Sequence[_Point]) -> tuple[float, float]:
    limits = [v for p in points for v in (p.signal.lower, p.signal.upper, p.signal.centre) if _finite(v)]
    numbers = [p.value for p in points] + [v for v in limits if v is not None]
    if not numbers:
        return 0.0, 1.0
    low, high = min(numbers), max(numbers)
    room = (high - low) or abs(high) or 1.0
    bottom = 0.0 if 0 <= low <= 0.3 * high else low - 0.16 * room
    return bottom, high + 0.2 * room


def _blank_layers(
    blanks: Sequence[tuple[datetime, datetime, Mark, str]],
    x: Specification,
    first: datetime,
    last: datetime,
    width: int,
) -> list[Specification]:
    if not blanks:
        return []
    joined: list[list[Any]] = []
    for start, end, mark, reason in sorted(blanks, key=lambda b: b[0]):
        if joined and joined[-1][1] == start and joined[-1][2] is mark:
            joined[-1][1] = end
        else:
            joined.append([start, end, mark, reason])
    rows = []
    for start, end, mark, reason in joined:
        middle = start + (end - start) / 2
        says = f"{period(Window(start, end))}: {mark.value}; {reason}"
        pixels = (end - start) / (last - first) * width
        upright = pixels < (60 if mark is Mark.NO_DATA else 42)
        rows.append({"at": _iso(start), "end": _iso(end), "mid": _iso(middle), "mark": mark.value, "says": says,
                     "turn": 270 if upright else 0, "word": mark.value if pixels >= 7 else ""})  # fmt: skip
    layers = []
    for mark, fill, edge in ((Mark.NO_DATA, "void", "muted"), (Mark.FAILED, "fault", "fault_edge")):
        chosen = [r for r in rows if r["mark"] == mark.value]
        if not chosen:
            continue
        shade = {"type": "rect", "fill": colour(fill), "aria": True}
        whole: Specification = {"y": {"value": 0}, "y2": {"value": "height"}}
        layers.append(layer(chosen, shade, x=x, x2={"field": "end"}, **whole, description=nominal("says")))
        for turn in (0, 270):
            words = [r for r in chosen if r["turn"] == turn and r["word"]]
            if words:
                text = {"type": "text", "angle": turn, "fill": colour(edge), "fontSize": 10}
                middle = {"baseline": "middle", "align": "center"}
                at = x | {"field": "mid"}
                layers.append(layer(words, text | middle, x=at, y={"value": 60}, text=nominal("word")))
    return layers


def _line_layers(
    points: Sequence[_Point], x: Specification, y: Specification, span: tuple[float, float]
) -> list[Specification]:
    layers, run = [], nominal("run")
    band = _band(points, span)
    if band:
        layers.append(layer(band, {"type": "area", "fill": colour("band")}, x=x, y=y, y2={"field": "top"}, detail=run))
    limits = _steps(points, {"lower": lambda s: s.lower, "upper": lambda s: s.upper})
    centre = _steps(points, {"centre": lambda s: s.centre})
    for rows, dash in ((centre, [1, 0]), (limits, [5, 3])):
        if rows:
            step = {"type": "line", "interpolate": "step-after", "stroke": colour("limit"), "strokeWidth": 1}
            layers.append(layer(rows, step | {"strokeDash": dash}, x=x, y=y, detail=run))
    rows = [{"at": _iso(p.middle), "y": p.value, "run": p.run} for p in points]
    if rows:
        line = {"type": "line", "stroke": colour("value"), "strokeWidth": 1.5}
        layers.append(layer(rows, line, x=x, y=y, detail=run))
    return layers


def _band(points: Sequence[_Point], span: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the interval of each point, cut off at the range of the axis, widened to the edges of its run."""
    rows = []
    for position, point in enumerate(points):
        interval = point.signal.measurement.interval
        if interval is None or not all(map(_finite, interval)):
            continue
        low, high = (min(max(v, span[0]), span[1]) for v in interval)
        moments = [point.middle]
        if position == 0 or points[position - 1].run != point.run:
            moments.insert(0, point.window.start)
        if position == len(points) - 1 or points[position + 1].run != point.run:
            moments.append(point.window.end)
        rows += [{"at": _iso(at), "y": low, "top": high, "run": point.run} for at in moments]
    return rows


def _estimate_layers(
    points: Sequence[_Point], x: Specification, y: Specification, span: tuple[float, float]
) -> list[Specification]:
    if not points:
        return []
    rows, bars = [], []
    for one in points:
        said = f"estimated without labels, {_says(one)}"
        shape = "diamond" if one.mark is Mark.SIGNAL else "circle"
        rows.append({"at": _iso(one.middle), "y": one.value, "run": one.run, "shape": shape, "says": said})
        interval = one.signal.measurement.interval
        if interval is not None and all(map(_finite, interval)):
            low, high = (min(max(v, span[0]), span[1]) for v in interval)
            bars.append({"at": _iso(one.middle), "y": low, "top": high})
    layers, stroke = [], colour("estimate")
    if bars:
        rule = {"type": "rule", "stroke": stroke, "strokeWidth": 1, "opacity": 0.6}
        layers.append(layer(bars, rule, x=x, y=y, y2={"field": "top"}))
    line = {"type": "line", "stroke": stroke, "strokeWidth": 1.2, "strokeDash": [4, 2]}
    layers.append(layer(rows, line, x=x, y=y, detail=nominal("run")))
    for shape, size in (("circle", 12), ("diamond", 45)):
        chosen = [row for row in rows if row["shape"] == shape]
        if chosen:
            mark = point_mark(shape, size, colour("paper"), stroke=stroke, strokeWidth=1.2)
            layers.append(layer(chosen, mark, x=x, y=y, description=nominal("says")))
    return layers


def _steps(points: Sequence[_Point], lines: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, read in lines.items():
        part, before = 0, None
        for point in points:
            value = read(point.signal)
            if not _finite(value):
                before = None
                continue
            if before is None or before.window.end != point.window.start:
                part += 1
            else:
                rows.pop()
            key = f"{name} {part}"
            rows.append({"at": _iso(point.window.start), "y": value, "run": key})
            rows.append({"at": _iso(point.window.end), "y": value, "run": key})
            before = point
    return rows


def _point_layers(points: Sequence[_Point], x: Specification, y: Specification) -> list[Specification]:
    plain: list[dict[str, Any]] = []
    fired: list[dict[str, Any]] = []
    for one in points:
        row = {"at": _iso(one.middle), "y": one.value, "says": _says(one)}
        (fired if one.mark is Mark.SIGNAL else plain).append(row)
    layers, says = [], nominal("says")
    if plain:
        layers.append(layer(plain, point_mark("circle", 10, colour("value")), x=x, y=y, description=says))
    if fired:
        mark = point_mark("diamond", 70, colour("signal"), stroke=colour("paper"), strokeWidth=1)
        layers.append(layer(fired, mark, x=x, y=y, description=says))
    for (align, dy), rows in _labels(points).items():
        text = {"type": "text", "align": align, "dy": dy, "fill": colour("signal"), "fontWeight": "bold"}
        layers.append(layer(rows, text | {"fontSize": 11}, x=x, y=y, text=nominal("word")))
    return layers


def _labels(points: Sequence[_Point]) -> dict[tuple[Any, int], list[dict[str, Any]]]:
    """Choose the signals that carry their value, by alignment: the newest and the heaviest, none close to another."""
    fired = [p for p in points if p.mark is Mark.SIGNAL]
    if not fired:
        return {}
    first, length = points[0].window.start, points[-1].window.end - points[0].window.start
    positions = {id(p): (p.middle - first) / length for p in points}
    ranked = fired[-1:] + sorted(fired[:-1], key=lambda p: -abs(p.signal.score) if _finite(p.signal.score) else 0.0)
    chosen: list[float] = []
    rows: dict[tuple[Any, int], list[dict[str, Any]]] = {}
    for point in ranked:
        position = positions[id(point)]
        if len(chosen) == _LABELS or any(abs(position - other) <= _APART for other in chosen):
            continue
        chosen.append(position)
        align = "left" if position < 0.1 else "right" if position > 0.9 else "center"
        # Written beyond its neighbours, so that no mark lies under the text.
        near = [p.value for p in points if abs(positions[id(p)] - position) < _APART / 2]
        centre = point.signal.centre
        below = centre is not None and point.value < centre
        row = {"at": _iso(point.middle), "y": min(near) if below else max(near), "word": number(point.value, 3)}
        rows.setdefault((align, 13 if below else -10), []).append(row)
    return rows


def _event_layers(actions: Iterable[Action], x: Specification, span: Window, named: bool) -> list[Specification]:
    moved = (ActionKind.PROMOTE, ActionKind.ROLL_BACK)
    done = [
        (a.at, a)
        for a in actions
        if a.kind in moved and a.outcome is Outcome.DONE and a.at is not None and span.start <= a.at <= span.end
    ]
    rows = [{"at": _iso(at), "says": shown(f"{moment(at)}: {ACTIONS[a.kind]} {a.version}")} for at, a in done]
    if not rows:
        return []
    rule = {"type": "rule", "stroke": colour("fine"), "strokeWidth": 1, "strokeDash": [2, 2]}
    tip = point_mark("triangle-down", 60, colour("fine"))
    layers = [layer(rows, rule, x=x), layer(rows, tip, x=x, y={"value": 4}, description=nominal("says"))]
    words = _version_names(done, span) if named else []
    if words:
        text = {"type": "text", "align": "left", "dx": 6, "fill": colour("fine"), "fontWeight": "bold"}
        layers.append(layer(words, text, x=x, y={"value": 7}, text=nominal("word")))
    return layers


def _version_names(done: Sequence[tuple[datetime, Action]], span: Window) -> list[dict[str, Any]]:
    """Return the names of new versions that have room beside their mark, the newest of several close ones."""
    kept: list[dict[str, Any]] = []
    last = span.end
    for at, action in sorted(done, key=lambda one: one[0], reverse=True):
        if (last - at) / (span.end - span.start) >= _APART / 4:
            kept.append({"at": _iso(at), "word": shown(action.version, 12)})
            last = at
    return kept


def _says(point: _Point) -> str:
    signal = point.signal
    limits = f"limits {number(signal.lower)} to {number(signal.upper)}"
    if signal.lower is None or signal.upper is None:
        known = signal.upper if signal.lower is None else signal.lower
        none = "no limit: blind" if signal.zone is Zone.BLIND else "no limits yet"
        limits = none if known is None else f"limit {number(known)}"
    version = f", version {signal.measurement.version}" if signal.measurement.version else ""
    says = f"{period(point.window)}: {number(point.value)}, {limits}, n {signal.measurement.n:,}{version}"
    return shown(f"{says}; {rule_in_words(signal)}" if signal.fired else says, 240)


def _iso(at: datetime) -> str:
    return at.isoformat()


def _finite(value: float | None) -> bool:
    return value is not None and isfinite(value)
