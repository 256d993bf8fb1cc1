"""The control chart of one series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

import altair as alt

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError
from watchkeeper.core.signal import Signal
from watchkeeper.core.window import Window
from watchkeeper.views.axes import WIDTH, inline, sheet, time_axis
from watchkeeper.views.series import Mark, Series, mark_of
from watchkeeper.views.theme import colour
from watchkeeper.views.wording import ACTIONS, failure, moment, number, period, shown
from watchkeeper.words.signals import rule_in_words

__all__ = ["MOST_WINDOWS", "control_chart"]

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
) -> alt.LayerChart:
    """Draw a series over time with its centre, its limits and its 95 % intervals.

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
    points, blanks = _laid_out(series, most)
    if not points and not blanks:
        raise UsageError(f"the series {series.measure!r} has no windows, so it cannot be drawn over time")
    estimated = _laid_out(estimate, most)[0] if estimate else []
    starts = [p.window.start for p in (*points, *estimated)] + [b[0] for b in blanks]
    ends = [p.window.end for p in (*points, *estimated)] + [b[1] for b in blanks]
    low, high = _range([*points, *estimated])
    x = alt.X("at:T", axis=time_axis(), scale=alt.Scale(type="utc", domain=[_iso(min(starts)), _iso(max(ends))]))
    y = alt.Y("y:Q", axis=alt.Axis(title=None, tickCount=3), scale=alt.Scale(domain=[low, high], zero=False, nice=3))
    layers = [
        *_blank_layers(blanks, x, min(starts), max(ends), width),
        *_line_layers(points, x, y, (low, high)),
        *_estimate_layers(estimated, x, y, (low, high)),
        *_point_layers(points, x, y),
        *_event_layers(actions, x, min(starts), max(ends)),
    ]
    return sheet(layers, width, height)


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
        if mark.blind:
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
    blanks: Sequence[tuple[datetime, datetime, Mark, str]], x: alt.X, first: datetime, last: datetime, width: int
) -> list[alt.Chart]:
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
        layers.append(
            inline(chosen)
            .mark_rect(fill=colour(fill), aria=True)
            .encode(
                x=x, x2=alt.X2("end:T"), y=alt.value(0), y2=alt.value("height"), description=alt.Description("says:N")
            )
        )
        for turn in (0, 270):
            words = [r for r in chosen if r["turn"] == turn and r["word"]]
            if words:
                at = x.copy()
                at.shorthand = "mid:T"
                layers.append(
                    inline(words)
                    .mark_text(angle=turn, fill=colour(edge), fontSize=10, baseline="middle", align="center")
                    .encode(x=at, y=alt.value(60), text=alt.Text("word:N"))
                )
    return layers


def _line_layers(points: Sequence[_Point], x: alt.X, y: alt.Y, span: tuple[float, float]) -> list[alt.Chart]:
    layers = []
    band = _band(points, span)
    if band:
        layers.append(
            inline(band).mark_area(fill=colour("band")).encode(x=x, y=y, y2=alt.Y2("top:Q"), detail=alt.Detail("run:N"))
        )
    limits = _steps(points, {"lower": lambda s: s.lower, "upper": lambda s: s.upper})
    centre = _steps(points, {"centre": lambda s: s.centre})
    for rows, dash in ((centre, [1, 0]), (limits, [5, 3])):
        if rows:
            layers.append(
                inline(rows)
                .mark_line(interpolate="step-after", stroke=colour("limit"), strokeWidth=1, strokeDash=dash)
                .encode(x=x, y=y, detail=alt.Detail("run:N"))
            )
    rows = [{"at": _iso(p.middle), "y": p.value, "run": p.run} for p in points]
    if rows:
        layers.append(
            inline(rows).mark_line(stroke=colour("value"), strokeWidth=1.5).encode(x=x, y=y, detail=alt.Detail("run:N"))
        )
    return layers


def _band(points: Sequence[_Point], span: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the interval of each point, cut off at the range of the axis, widened to the edges of its run."""
    rows = []
    for place, point in enumerate(points):
        interval = point.signal.measurement.interval
        if interval is None or not all(map(_finite, interval)):
            continue
        low, high = (min(max(v, span[0]), span[1]) for v in interval)
        moments = [point.middle]
        if place == 0 or points[place - 1].run != point.run:
            moments.insert(0, point.window.start)
        if place == len(points) - 1 or points[place + 1].run != point.run:
            moments.append(point.window.end)
        rows += [{"at": _iso(at), "y": low, "top": high, "run": point.run} for at in moments]
    return rows


def _estimate_layers(points: Sequence[_Point], x: alt.X, y: alt.Y, span: tuple[float, float]) -> list[alt.Chart]:
    if not points:
        return []
    rows, bars = [], []
    for point in points:
        said = f"estimated without labels, {_says(point)}"
        shape = "diamond" if point.mark is Mark.SIGNAL else "circle"
        rows.append({"at": _iso(point.middle), "y": point.value, "run": point.run, "shape": shape, "says": said})
        interval = point.signal.measurement.interval
        if interval is not None and all(map(_finite, interval)):
            low, high = (min(max(v, span[0]), span[1]) for v in interval)
            bars.append({"at": _iso(point.middle), "y": low, "top": high})
    layers = []
    if bars:
        rule = inline(bars).mark_rule(stroke=colour("estimate"), strokeWidth=1, opacity=0.6)
        layers.append(rule.encode(x=x, y=y, y2=alt.Y2("top:Q")))
    line = inline(rows).mark_line(stroke=colour("estimate"), strokeWidth=1.2, strokeDash=[4, 2])
    layers.append(line.encode(x=x, y=y, detail=alt.Detail("run:N")))
    for shape, size in (("circle", 12), ("diamond", 45)):
        chosen = [row for row in rows if row["shape"] == shape]
        if chosen:
            mark = inline(chosen).mark_point(
                shape=shape, size=size, filled=True, fill=colour("paper"), stroke=colour("estimate"), strokeWidth=1.2,
                opacity=1, aria=True,
            )  # fmt: skip
            layers.append(mark.encode(x=x, y=y, description=alt.Description("says:N")))
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


def _point_layers(points: Sequence[_Point], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    plain: list[dict[str, Any]] = []
    fired: list[dict[str, Any]] = []
    for point in points:
        row = {"at": _iso(point.middle), "y": point.value, "says": _says(point)}
        (fired if point.mark is Mark.SIGNAL else plain).append(row)
    layers = []
    if plain:
        mark = inline(plain).mark_point(
            shape="circle", size=10, filled=True, fill=colour("value"), opacity=1, aria=True
        )
        layers.append(mark.encode(x=x, y=y, description=alt.Description("says:N")))
    if fired:
        mark = inline(fired).mark_point(
            shape="diamond", size=70, filled=True, fill=colour("signal"), stroke=colour("paper"), strokeWidth=1,
            opacity=1, aria=True,
        )  # fmt: skip
        layers.append(mark.encode(x=x, y=y, description=alt.Description("says:N")))
    for (align, dy), rows in _labels(points).items():
        text = inline(rows).mark_text(align=align, dy=dy, fill=colour("signal"), fontWeight="bold", fontSize=11)
        layers.append(text.encode(x=x, y=y, text=alt.Text("word:N")))
    return layers


def _labels(points: Sequence[_Point]) -> dict[tuple[Any, int], list[dict[str, Any]]]:
    """Choose the signals that carry their value, by alignment: the newest and the heaviest, none close to another."""
    fired = [p for p in points if p.mark is Mark.SIGNAL]
    if not fired:
        return {}
    first, length = points[0].window.start, points[-1].window.end - points[0].window.start
    places = {id(p): (p.middle - first) / length for p in points}
    ranked = fired[-1:] + sorted(fired[:-1], key=lambda p: -abs(p.signal.score) if _finite(p.signal.score) else 0.0)
    chosen: list[float] = []
    rows: dict[tuple[Any, int], list[dict[str, Any]]] = {}
    for point in ranked:
        place = places[id(point)]
        if len(chosen) == _LABELS or any(abs(place - other) <= _APART for other in chosen):
            continue
        chosen.append(place)
        align = "left" if place < 0.1 else "right" if place > 0.9 else "center"
        # Written beyond its neighbours, so that no mark lies under the text.
        near = [p.value for p in points if abs(places[id(p)] - place) < _APART / 2]
        centre = point.signal.centre
        below = centre is not None and point.value < centre
        row = {"at": _iso(point.middle), "y": min(near) if below else max(near), "word": number(point.value, 3)}
        rows.setdefault((align, 13 if below else -10), []).append(row)
    return rows


def _event_layers(actions: Iterable[Action], x: alt.X, first: datetime, last: datetime) -> list[alt.Chart]:
    moved = (ActionKind.PROMOTE, ActionKind.ROLL_BACK)
    rows = [
        {"at": _iso(a.at), "says": shown(f"{moment(a.at)}: {ACTIONS[a.kind]} {a.version}")}
        for a in actions
        if a.kind in moved and a.outcome is Outcome.DONE and a.at is not None and first <= a.at <= last
    ]
    if not rows:
        return []
    return [
        inline(rows).mark_rule(stroke=colour("fine"), strokeWidth=1, strokeDash=[2, 2]).encode(x=x),
        inline(rows)
        .mark_point(shape="triangle-down", size=60, filled=True, fill=colour("fine"), opacity=1, aria=True)
        .encode(x=x, y=alt.value(4), description=alt.Description("says:N")),
    ]


def _says(point: _Point) -> str:
    signal = point.signal
    limits = f"limits {number(signal.lower)} to {number(signal.upper)}"
    if signal.lower is None or signal.upper is None:
        known = signal.upper if signal.lower is None else signal.lower
        limits = "no limits yet" if known is None else f"limit {number(known)}"
    version = f", version {signal.measurement.version}" if signal.measurement.version else ""
    told = f"{period(point.window)}: {number(point.value)}, {limits}, n {signal.measurement.n:,}{version}"
    return shown(f"{told}; {rule_in_words(signal)}" if signal.fired else told, 240)


def _iso(at: datetime) -> str:
    return at.isoformat()


def _finite(value: float | None) -> bool:
    return value is not None and isfinite(value)
