"""What is shown of each metric and each column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.views.axes import Chart
from watchkeeper.views.control_chart import control_chart
from watchkeeper.views.findings import Findings
from watchkeeper.views.lines import Line
from watchkeeper.views.overlay import overlay
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.wording import failure, measure, number, shown, subject

__all__ = ["Card", "column_cards", "metric_cards", "unjudged"]

_MOST_LINES = 6
_ABOUT_THE_MODEL = (Family.METRIC, Family.ESTIMATE, Family.RUNTIME)

States = tuple[Mapping[str, State], Mapping[str, State]]
"""The states of reference and current by column."""


@dataclass(frozen=True)
class Card:
    """A metric or a column: its mark, its measures, its charts."""

    title: str
    mark: Mark
    about: str = ""
    lines: tuple[Line, ...] = ()
    more_lines: int = 0
    also: tuple[str, ...] = ()
    control: Chart | None = None
    overlay: Chart | None = None
    remarks: tuple[str, ...] = ()
    problem: str = ""


def unjudged(findings: Findings) -> list[Measurement]:
    """Return the measurements over all rows of the newest window that no chart has judged."""
    judged = {(s.measurement.series, s.measurement.window) for s in findings.signals}
    left = [m for m in findings.measurements if m.segment == ALL and (m.series, m.window) not in judged]
    newest = max((m.window.end for m in left if m.window is not None), default=None)
    return [m for m in left if m.window is None or m.window.end == newest]


def metric_cards(series: Sequence[Series], findings: Findings, most: int) -> list[Card]:
    """Return a card for each metric and runtime number: over all rows, then in the segments that are not calm."""
    judged = [s for s in series if s.family in _ABOUT_THE_MODEL]
    others = series_of(Signal(m, "") for m in unjudged(findings) if m.family in _ABOUT_THE_MODEL)
    estimates = {_metric(s): s for s in judged + others if s.family is Family.ESTIMATE}
    realised = {_metric(s) for s in judged + others if s.family is Family.METRIC}
    # An estimate shares the card of what it estimates, where that is known at all.
    alone = [s for s in judged + others if s.family is not Family.ESTIMATE or _metric(s) not in realised]
    whole = [s for s in alone if s.newest.measurement.segment == ALL]
    parts = [s for s in judged if s in alone and s not in whole and s.mark.weight < Mark.NEAR.weight]
    cards = []
    for one in whole[:most] + parts[: most // 2]:
        estimate = estimates.get(_metric(one)) if one.family is Family.METRIC else None
        control = None
        if one.windows > 1:
            made = control_chart(one, estimate=estimate, actions=findings.actions)
            control = Chart(f"Control chart of {one.subject}", made)
        lines = (Line.of(one), Line.of(estimate)) if estimate else (Line.of(one),)
        cards.append(Card(one.subject, one.mark, _about(one), lines, control=control))
    return cards


def _metric(series: Series) -> tuple[str, str]:
    measurement = series.newest.measurement
    return measurement.name, measurement.segment


def column_cards(series: Sequence[Series], findings: Findings, most: int) -> tuple[list[Card], int]:
    """Return a card for each column and segment, worst first, and how many are left out."""
    grouped: dict[str, list[Series]] = {}
    for one in series:
        if one.family not in _ABOUT_THE_MODEL:
            grouped.setdefault(one.subject, []).append(one)
    also: dict[str, list[Measurement]] = {}
    for measurement in unjudged(findings):
        if measurement.family not in _ABOUT_THE_MODEL:
            also.setdefault(subject(measurement), []).append(measurement)
    states = (_by_column(findings.reference), _by_column(findings.current))
    unwatched = [name for name in states[1] if shown(name, 120) not in grouped]
    cards = []
    for title, members in list(grouped.items())[:most]:
        card = _column_card(title, members, states, findings)
        cards.append(replace(card, also=_effects(also.get(title, ()))))
    for name in unwatched[: most - len(cards)]:
        both, remarks, problem = _overlaid(name, states)
        effects = _effects(also.get(shown(name, 120), ()))
        title = shown(name, 120)
        cards.append(Card(title, Mark.NOT_JUDGED, also=effects, overlay=both, remarks=remarks, problem=problem))
    return cards, len(grouped) + len(unwatched) - len(cards)


def _column_card(title: str, members: Sequence[Series], states: States, findings: Findings) -> Card:
    worst = members[0]
    control = None
    # A calm column's history is in the overview; its distribution tells more.
    if worst.windows > 1 and worst.mark.weight < Mark.NEAR.weight:
        made = control_chart(worst, actions=findings.actions, height=130)
        control = Chart(f"Control chart of {worst.measure}, {title}", made)
    both: Chart | None = None
    problem = ""
    remarks: tuple[str, ...] = ()
    measurement = worst.newest.measurement
    if measurement.segment == ALL and title == shown(measurement.column, 120):
        both, remarks, problem = _overlaid(measurement.column, states)
    lines = tuple(Line.of(one) for one in members[:_MOST_LINES])
    return Card(title, worst.mark, _about(worst), lines, len(members) - len(lines), (), control, both, remarks, problem)


def _effects(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return the sizes of effects that no chart judges, in words; those without a number are left to the table."""
    measured = [(measure(m), m.value) for m in measurements if failure(m)[0] is Status.OK]
    return tuple(f"{name} {number(value)}" for name, value in measured[:_MOST_LINES])


def _overlaid(name: str, states: States) -> tuple[Chart | None, tuple[str, ...], str]:
    before, now = (side.get(name) for side in states)
    if before is None and now is None:
        return None, (), ""
    laid = overlay(before, now)
    if laid.chart is None:
        return None, laid.remarks, laid.problem
    title = f"Reference and current distribution of {shown(name, 120)}"
    return Chart(title, laid.chart), laid.remarks, laid.problem


def _about(series: Series) -> str:
    if series.mark is Mark.SIGNAL:
        since = series.since
        return f"signals since {since.start:%Y-%m-%d}" if since else "signal"
    return series.mark.value


def _by_column(states: Mapping[StateKey, State]) -> dict[str, State]:
    """Return the newest state of each column over all rows, leaving out time columns and inner states."""
    newest: dict[str, State] = {}
    order = sorted(
        states, key=lambda k: (k.window is not None, k.window.start.timestamp() if k.window else 0.0, k.version)
    )
    for key in order:
        state = states[key]
        inner = key.column.startswith("@") or (state.spec is not None and state.spec.role is Role.TIME)
        if key.segment == ALL and not inner:
            newest[key.column] = state
    return newest
