"""What is shown of each metric and each column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from watchkeeper.core.measurement import Family, Measurement, Status
from watchkeeper.core.schema import ALL, Role
from watchkeeper.core.signal import Signal
from watchkeeper.core.state import State, StateKey
from watchkeeper.views.axes import Chart
from watchkeeper.views.beside import Beside, beside
from watchkeeper.views.control_chart import control_chart
from watchkeeper.views.data_checks import is_data_check
from watchkeeper.views.direction import direction_words
from watchkeeper.views.findings import Findings
from watchkeeper.views.lines import Line
from watchkeeper.views.overlay import overlay
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.weight import answer_shares
from watchkeeper.views.wording import failure, measure, number, share, shown, subject

__all__ = ["Card", "column_cards", "metric_cards", "unjudged"]

_MOST_LINES, _MOST_OPEN = 6, 2
_ABOUT_THE_MODEL = (Family.METRIC, Family.ESTIMATE, Family.RUNTIME)

States = tuple[Mapping[str, State], Mapping[str, State]]
"""The states of reference and current by column."""


@dataclass(frozen=True)
class Card:
    """A metric or a column: its mark, its measures, its charts.

    Attributes
    ----------
    change
        What was and what is, in words.
    weight
        How much the answers of the model go with it, in words.
    beside
        Its numbers in the reference and now.
    """

    title: str
    mark: Mark
    about: str = ""
    change: str = ""
    weight: str = ""
    beside: tuple[Beside, ...] = ()
    lines: tuple[Line, ...] = ()
    more_lines: int = 0
    also: tuple[str, ...] = ()
    control: Chart | None = None
    overlay: Chart | None = None
    remarks: tuple[str, ...] = ()
    problem: str = ""

    @property
    def loud(self) -> int:
        """How many of the lines a reader sees at once: those that are not calm, at least one."""
        if self.mark is Mark.NOT_JUDGED or (self.control is not None and len(self.lines) <= _MOST_OPEN):
            return len(self.lines)
        return max(1, sum(line.mark.weight <= Mark.NEAR.weight for line in self.lines))


def unjudged(findings: Findings) -> list[Measurement]:
    """Return the measurements over all rows of the newest window that no chart has judged."""
    judged = {(s.measurement.series, s.measurement.window) for s in findings.signals}
    left = [m for m in findings.measurements if m.segment == ALL and (m.series, m.window) not in judged]
    newest = max((m.window.end for m in left if m.window is not None), default=None)
    return [m for m in left if m.window is None or m.window.end == newest]


def metric_cards(
    series: Sequence[Series], findings: Findings, most: int, but: Series | None = None
) -> tuple[list[Card], list[Line]]:
    """Return a card for each judged metric but one, those of segments only where they are not calm, and unjudged ones.

    Parameters
    ----------
    but
        The metric that stands above the others, with what estimates it.
    """
    judged = [s for s in series if s.family in _ABOUT_THE_MODEL]
    others = series_of(Signal(m, "") for m in unjudged(findings) if m.family in _ABOUT_THE_MODEL)
    estimates = {_metric(s): s for s in judged + others if s.family is Family.ESTIMATE}
    realised = {_metric(s) for s in judged + others if s.family is Family.METRIC}
    # An estimate shares the card of what it estimates, where that is known at all.
    alone = [s for s in judged + others if s.family is not Family.ESTIMATE or _metric(s) not in realised]
    alone = [s for s in alone if but is None or _metric(s) != _metric(but)]
    whole = [s for s in alone if s.newest.measurement.segment == ALL]
    parts = [s for s in judged if s in alone and s not in whole and s.mark.weight < Mark.NEAR.weight]
    large = [s for s in whole if s.windows > 1 or s.mark is not Mark.NOT_JUDGED]
    cards = [_metric_card(one, estimates.get(_metric(one)), findings) for one in large[:most] + parts[: most // 2]]
    small = [line for one in whole if one not in large for line in _with_estimate(one, estimates)]
    return cards, small


def _with_estimate(one: Series, estimates: Mapping[tuple[str, str], Series]) -> list[Line]:
    """Return the line of a metric, and that of what estimates it."""
    estimate = estimates.get(_metric(one)) if one.family is Family.METRIC else None
    return [Line.of(one), *([Line.of(estimate)] if estimate else [])]


def _metric_card(one: Series, estimate: Series | None, findings: Findings) -> Card:
    estimate = estimate if one.family is Family.METRIC else None
    control = None
    if one.windows > 1:
        made = control_chart(one, estimate=estimate, actions=findings.actions)
        control = Chart(f"Control chart of {one.subject}", made)
    lines = (Line.of(one), Line.of(estimate)) if estimate else (Line.of(one),)
    return Card(
        one.subject, one.mark, _about(one), change=lines[0].change, lines=lines, control=control,
        weight=direction_words(one.newest.measurement.name),
    )  # fmt: skip


def _metric(series: Series) -> tuple[str, str]:
    measurement = series.newest.measurement
    return measurement.name, measurement.segment


def column_cards(series: Sequence[Series], findings: Findings, most: int) -> tuple[list[Card], int]:
    """Return a card for each column and segment, worst first, and how many are left out.

    Among columns that drifted those come first whose change is largest by how much the answers go with the column.
    """
    grouped: dict[str, list[Series]] = {}
    for one in series:
        if one.family not in _ABOUT_THE_MODEL:
            grouped.setdefault(one.subject, []).append(one)
    also: dict[str, list[Measurement]] = {}
    for measurement in unjudged(findings):
        if measurement.family not in _ABOUT_THE_MODEL:
            also.setdefault(subject(measurement), []).append(measurement)
    weights = answer_shares(findings)
    states = (_by_column(findings.reference), _by_column(findings.current))
    unwatched = [name for name in states[1] if shown(name, 120) not in grouped]
    ranked = sorted(grouped.items(), key=lambda one: _rank(one[1], weights))
    cards = []
    for title, members in ranked[:most]:
        card = _column_card(title, members, states, findings, weights)
        cards.append(replace(card, also=_effects(also.get(title, ()))))
    for name in unwatched[: most - len(cards)]:
        both, remarks, problem = _overlaid(name, states)
        effects = _effects(also.get(shown(name, 120), ()))
        title, numbers = shown(name, 120), beside(*(side.get(name) for side in states))
        cards.append(
            Card(title, Mark.NOT_JUDGED, also=effects, overlay=both, remarks=remarks, problem=problem, beside=numbers)
        )
    return cards, len(grouped) + len(unwatched) - len(cards)


def _rank(members: Sequence[Series], weights: Mapping[str, float]) -> tuple[float, ...]:
    """Sort worst first: faults, then drift by its size times the weight of the column, then what is no signal."""
    worst = members[0]
    if worst.mark is not Mark.SIGNAL:
        return (worst.mark.weight, *worst.badness)
    if any(is_data_check(one) for one in members if one.mark is Mark.SIGNAL):
        return (-1, -len(members))
    measurement = worst.newest.measurement
    return (0, -abs(measurement.value or 0.0) * weights.get(measurement.column, 1.0))


def _column_card(
    title: str, members: Sequence[Series], states: States, findings: Findings, weights: Mapping[str, float]
) -> Card:
    worst = members[0]
    control = None
    # A calm column's history is in the overview; its distribution tells more.
    if worst.windows > 1 and worst.mark.weight < Mark.NEAR.weight:
        made = control_chart(worst, actions=findings.actions, height=130)
        control = Chart(f"Control chart of {worst.measure}, {title}", made)
    both: Chart | None = None
    problem, weight = "", ""
    remarks: tuple[str, ...] = ()
    numbers: tuple[Beside, ...] = ()
    measurement = worst.newest.measurement
    if measurement.segment == ALL and title == shown(measurement.column, 120):
        both, remarks, problem = _overlaid(measurement.column, states)
        numbers = beside(*(side.get(measurement.column) for side in states))
        if measurement.column in weights:
            weight = f"explains {share(weights[measurement.column])} of the answers by itself"
    lines = tuple(Line.of(one) for one in members[:_MOST_LINES])
    return Card(
        title, worst.mark, _about(worst), lines[0].change, weight, numbers, lines, len(members) - len(lines), (),
        control, both, remarks, problem,
    )  # fmt: skip


def _effects(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return the sizes of effects that no chart judges, in words; those without a number are left to the table."""
    measured = [(measure(m), m.value) for m in measurements if failure(m)[0] is Status.OK]
    return tuple(f"{name} {number(value)}" for name, value in measured[:_MOST_LINES])


def _overlaid(name: str, states: States) -> tuple[Chart | None, tuple[str, ...], str]:
    before, now = (side.get(name) for side in states)
    if before is None and now is None:
        return None, (), ""
    laid = overlay(before, now)
    remarks = laid.remarks if beside(before, now) else (*laid.sizes, *laid.remarks)
    if laid.chart is None:
        return None, remarks, laid.problem
    title = f"Reference and current distribution of {shown(name, 120)}"
    return Chart(title, laid.chart), remarks, laid.problem


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
