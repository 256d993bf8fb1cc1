"""What a page shows of each metric and each column, within a budget of drawings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from watchkeeper.core.action import Action
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.state import State, StateKey
from watchkeeper.views.control_chart import control_chart
from watchkeeper.views.drawing import draw
from watchkeeper.views.lines import Line
from watchkeeper.views.overlay import overlay
from watchkeeper.views.series import Mark, Series
from watchkeeper.views.wording import shown, subject

__all__ = ["Album", "Card", "column_cards", "metric_cards"]

_MOST_LINES = 6


class Album:
    """Draws charts until their number or their bytes run out, and counts what was left out."""

    def __init__(self, most: int, most_bytes: int = 1_350_000) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.drawn = self.bytes = self.left_out = 0

    def add(self, chart: alt.LayerChart | alt.VConcatChart, title: str) -> str:
        """Return the drawing, or nothing when the budget is spent."""
        if not self.room:
            self.left_out += 1
            return ""
        svg = draw(chart, title)
        self.drawn += 1
        self.bytes += len(svg.encode())
        return svg

    @property
    def room(self) -> bool:
        """Whether another chart may be drawn."""
        return self.drawn < self.most and self.bytes < self.most_bytes


@dataclass(frozen=True)
class Card:
    """A metric or a column: its mark, its measures, its drawings."""

    title: str
    mark: Mark
    about: str
    lines: tuple[Line, ...]
    more_lines: int
    control: str
    overlay: str
    remarks: tuple[str, ...]
    problem: str


def metric_cards(series: Sequence[Series], actions: Iterable[Action], album: Album, most: int) -> list[Card]:
    """Return a card for each metric and runtime number, worst first."""
    told = tuple(actions)
    chosen = [s for s in series if s.family in (Family.METRIC, Family.RUNTIME)][:most]
    cards = []
    for one in chosen:
        drawn = (
            album.add(control_chart(one, actions=told), f"Control chart of {one.subject}") if one.windows > 1 else ""
        )
        cards.append(Card(one.subject, one.mark, _about(one), (Line.of(one),), 0, drawn, "", (), ""))
    return cards


def column_cards(
    series: Sequence[Series],
    reference: Mapping[StateKey, State],
    current: Mapping[StateKey, State],
    actions: Iterable[Action],
    album: Album,
    most: int,
) -> tuple[list[Card], int]:
    """Return a card for each column and segment, worst first, and how many are left out."""
    grouped: dict[str, list[Series]] = {}
    for one in series:
        if one.family not in (Family.METRIC, Family.RUNTIME):
            grouped.setdefault(one.subject, []).append(one)
    states = (_by_column(reference), _by_column(current))
    unjudged = [name for name in states[1] if shown(name, 120) not in grouped]
    cards: list[Card] = []
    for title, members in grouped.items():
        if len(cards) >= most:
            break
        cards.append(_column_card(title, members, states, actions, album))
    for name in unjudged[: most - len(cards)]:
        drawn, remarks, problem = _overlaid(name, states, album)
        cards.append(Card(shown(name, 120), Mark.NOT_JUDGED, "", (), 0, "", drawn, remarks, problem))
    return cards, len(grouped) + len(unjudged) - len(cards)


def _column_card(
    title: str,
    members: Sequence[Series],
    states: tuple[Mapping[str, State], Mapping[str, State]],
    actions: Iterable[Action],
    album: Album,
) -> Card:
    worst = members[0]
    control = ""
    # A calm column's history is in the overview; its distribution tells more.
    if worst.windows > 1 and worst.mark.weight < Mark.NEAR.weight:
        control = album.add(
            control_chart(worst, actions=actions, height=130), f"Control chart of {worst.measure}, {title}"
        )
    drawn, problem = "", ""
    remarks: tuple[str, ...] = ()
    measurement = worst.newest.measurement
    if measurement.segment == ALL and subject(measurement) == shown(measurement.column, 120):
        drawn, remarks, problem = _overlaid(measurement.column, states, album)
    lines = tuple(Line.of(one) for one in members[:_MOST_LINES])
    left = len(members) - len(lines)
    return Card(title, worst.mark, _about(worst), lines, left, control, drawn, remarks, problem)


def _overlaid(
    name: str, states: tuple[Mapping[str, State], Mapping[str, State]], album: Album
) -> tuple[str, tuple[str, ...], str]:
    before, now = (side.get(name) for side in states)
    if before is None and now is None:
        return "", (), ""
    laid = overlay(before, now)
    if laid.chart is None:
        return "", laid.remarks, laid.problem
    drawn = album.add(laid.chart, f"Reference and current distribution of {shown(name, 120)}")
    return drawn, laid.remarks, laid.problem


def _about(series: Series) -> str:
    if series.mark is Mark.SIGNAL:
        since = series.since
        return f"signals since {since.start:%Y-%m-%d}" if since else "signals"
    return series.mark.value


def _by_column(states: Mapping[StateKey, State]) -> dict[str, State]:
    """Return the newest state of each column over all rows, leaving out time columns and inner states."""
    found: dict[str, State] = {}
    order = sorted(
        states, key=lambda k: (k.window is not None, k.window.start.timestamp() if k.window else 0.0, k.version)
    )
    for key in order:
        state = states[key]
        inner = key.column.startswith("@") or (state.spec is not None and state.spec.role is Role.TIME)
        if key.segment == ALL and not inner:
            found[key.column] = state
    return found
