"""The report as text for a terminal: the verdict, the alerts, what was done, the worst series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert, AlertState, Severity
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family
from watchkeeper.core.schema import ALL
from watchkeeper.views.alert_state import state_words, todo_words
from watchkeeper.views.causes import CauseLine, cause_lines, part_lines
from watchkeeper.views.effects import headline_of_alert
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.headline import opening
from watchkeeper.views.lines import Line
from watchkeeper.views.rules import RuleLine, is_rule, rule_lines
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.wording import ACTIONS, CAUSES, count, estimated, moment, period, shown
from watchkeeper.words.actions import action_sentence, triage_sentence

__all__ = ["plain", "report_text"]

_MOST_CAUSES = 2
_MOST_ALERTS, _MOST_ACTIONS, _MOST_SERIES, _MOST_COLUMNS, _MOST_NOTES = 10, 12, 10, 6, 12

_VERDICTS = {
    Verdict.OK: ("✓ Fine", "bold green"),
    Verdict.ALERT: ("▲ Alert", "bold red"),
    Verdict.NO_DATA: ("○ No data", "bold yellow"),
    Verdict.FAILED: ("✗ Failed", "bold magenta"),
    Verdict.BLIND: ("◌ Blind", "bold yellow"),
}
_INPUTS = ("✓ Inputs fine", "bold yellow")
_SEVERITIES = {Severity.PAGE: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_STATES = {"pending": "cyan", "acknowledged": "blue", "muted": "dim", "ended": "dim"}
_OUTCOMES = {Outcome.DONE: "green", Outcome.PROPOSED: "cyan", Outcome.REFUSED: "yellow", Outcome.FAILED: "red"}
_MARKS = {Mark.SIGNAL: ("▲", "red"), Mark.FAILED: ("✗", "magenta"), Mark.NO_DATA: ("○", "yellow"),
          Mark.BLIND: ("◌", "yellow"), Mark.LEARNING: ("…", "dim"), Mark.NOT_JUDGED: ("·", "dim")}  # fmt: skip


def report_text(findings: Findings, *, series: int = _MOST_SERIES) -> RenderableType:
    """Return a report as compact text for a rich console; nothing from outside is read as markup.

    Parameters
    ----------
    series
        Series listed at most, worst first, beside judged metrics and estimates of all rows; the rest is counted.
    """
    word, look = _VERDICTS[findings.verdict]
    if findings.verdict is Verdict.OK and findings.performance_unknown:
        word, look = _INPUTS
    alerts = findings.worst_alerts
    model = (shown(findings.model, 80), "bold")
    parts: list[RenderableType] = [Text.assemble((word, look), "  ", model, "  ", shown(opening(findings), 400))]
    if alerts:
        # Of alerts that are over the page tells the cause, and `explain`.
        fires = {alert.id for alert in alerts if alert.state is AlertState.FIRING}
        told = [(a, findings.diagnosis_of(a) if a.id in fires else None) for a in alerts[:_MOST_ALERTS]]
        parts += [_gap(), _alerts(told, findings), *_rest(len(alerts) - _MOST_ALERTS, "more alert")]
    actions = findings.actions_in_order
    if actions:
        parts += [
            _gap(),
            *_rest(len(actions) - _MOST_ACTIONS, "older action"),
            _actions(actions[-_MOST_ACTIONS:], alerts),
        ]
    rules = rule_lines(findings.signals)
    if rules:
        parts += [_gap(), _rules(rules)]
    found = series_of(signal for signal in findings.signals if not is_rule(signal))
    if found:
        # How good the model is stands there in any case, measured or estimated.
        listed = [*found[:series], *filter(_tells_performance, found[series:])]
        left = [one for one in found[series:] if not _tells_performance(one)]
        parts += [_gap(), _series(listed)]
        if left:
            parts.append(Text("  " + _summary(left), style="dim"))
    made = estimated((*findings.measurements, *(s.measurement for s in findings.signals)), findings.notes)
    if made:
        parts += [_gap(), *(_note(note) for note in made[:_MOST_NOTES])]
    if findings.notes:
        parts += [_gap(), *(_note(note) for note in findings.notes[:_MOST_NOTES])]
        parts += _rest(len(findings.notes) - _MOST_NOTES, "more note")
    return Group(*parts)


def plain(findings: Findings, *, width: int = 110) -> str:
    """Return the same text without colours, for a notebook or a log."""
    out = StringIO()
    Console(
        file=out, width=width, no_color=True, force_terminal=False, force_jupyter=False, legacy_windows=False
    ).print(report_text(findings))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _note(note: str) -> RenderableType:
    return Padding(Text(shown(note, 400), style="dim"), (0, 0, 0, 2))


def _gap() -> Text:
    return Text("")


def _rest(left: int, noun: str) -> list[RenderableType]:
    return [Text(f"  {count(left, noun)} not shown", style="dim")] if left > 0 else []


def _table() -> Table:
    return Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)


def _alerts(alerts: Sequence[tuple[Alert, Diagnosis | None]], findings: Findings) -> RenderableType:
    table = _table()
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    attributed = set[str]()
    for alert, diagnosis in alerts:
        closed = alert.state in (AlertState.ENDED, AlertState.MUTED)
        state = state_words(alert, findings.actions)
        look = _STATES.get(state) or _SEVERITIES[alert.severity]
        since = f"since {moment(alert.since)}" if alert.since else ""
        names = [shown(n, 40) for n in (*alert.columns, *alert.segments)]
        listed = ", ".join(names[:_MOST_COLUMNS])
        if len(names) > _MOST_COLUMNS:
            listed += f" and {len(names) - _MOST_COLUMNS} more"
        told = Text(shown(headline_of_alert(alert, findings), 400), style="dim" if closed else "")
        triage = shown(triage_sentence(alert, findings.actions), 120)
        details = " · ".join(filter(None, [CAUSES[alert.cause], triage or state, listed]))
        told.append(f"\n{details}", style="dim")
        causes = cause_lines(diagnosis, alert, most=_MOST_CAUSES) if diagnosis else []
        if causes:
            told.append(f"\nlikely cause: {'; or '.join(_cause(line) for line in causes)}")
        for words in _attributed(diagnosis):
            # Alerts of the same rows share what their loss comes from.
            told.append(f"\n{words}" if words not in attributed else "", style="dim")
            attributed.add(words)
        todo = todo_words(alert, findings)
        told.append(f"\nto do: {todo}" if todo else "")
        table.add_row(Text(str(alert.severity), style=look), Text(since, style="dim"), told)
    return Padding(table, (0, 0, 0, 2))


def _cause(line: CauseLine) -> str:
    named = f" of {', '.join(line.names[:_MOST_CAUSES])}" if line.names else ""
    return f"{line.kind}{named} ({line.confidence})"


def _attributed(diagnosis: Diagnosis | None) -> list[str]:
    """Return what the change of the loss comes from, in a sentence; nothing where it was not attributed."""
    found = [part_lines(one) for one in diagnosis.attributions if one.over == "causes"] if diagnosis else []
    return [f"{told}: {', '.join(' '.join(filter(None, part)) for part in parts)}" for told, parts in found]


def _actions(actions: Sequence[Action], alerts: Sequence[Alert]) -> RenderableType:
    table = _table()
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for action in actions:
        what = f"{ACTIONS[action.kind]} {shown(action.version, 30)}".strip()
        outcome = Text(action.outcome.value, style=_OUTCOMES[action.outcome])
        why = shown(action_sentence(action, alerts), 300)
        table.add_row(Text(moment(action.at), style="dim"), Text(what), outcome, Text(why))
    return Padding(table, (0, 0, 0, 2))


def _series(series: Sequence[Series]) -> RenderableType:
    lines = _folded(series)
    moved = any(line.change for _, line in lines)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    table.add_column("")
    table.add_column("about", overflow="fold", max_width=34)
    table.add_column("measure", overflow="fold")
    if moved:
        table.add_column("reference → now", overflow="fold", max_width=30)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("limits", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("state", overflow="fold")
    for one, line in lines:
        sign, look = _MARKS.get(one.mark, ("✓", "green"))
        explained = one.mark.numberless or one.mark is Mark.BLIND
        told = f"{one.mark.value}: {line.told}" if line.told and explained else one.mark.value
        change = (line.change,) if moved else ()
        cells = (line.subject, line.measure, *change, line.value, line.limits, line.n)
        table.add_row(Text(sign, style=look), *(Text(c) for c in cells), Text(told, style=look))
    latest = series[0].latest
    title = [Text(f"worst series, {period(latest)}", style="dim")] if latest else []
    return Padding(Group(*title, table), (0, 0, 0, 2))


def _tells_performance(one: Series) -> bool:
    """Say whether it is a judged metric or estimate of all rows."""
    newest = one.newest
    told = one.family in (Family.METRIC, Family.ESTIMATE) and newest.measurement.segment == ALL
    return told and not one.mark.numberless and (newest.lower is not None or newest.upper is not None)


def _rules(rules: Sequence[RuleLine]) -> RenderableType:
    """Return the rules that are broken or could not be asked, and how many are kept."""
    loud = [line for line in rules if line.mark.weight < Mark.NEAR.weight]
    table = _table()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=30)
    table.add_column(overflow="fold")
    for line in loud[:_MOST_SERIES]:
        sign, look = _MARKS.get(line.mark, ("✓", "green"))
        told = Text(line.asked)
        told.append(f"\n{line.told}" if line.told else "", style=look)
        told.append(f"\nsuch as {line.examples}" if line.examples else "", style="dim")
        table.add_row(Text(sign, style=look), Text(line.column), told)
    kept = sum(line.mark is Mark.IN_CONTROL for line in rules)
    title = Text(f"{count(len(rules), 'quality rule')}: {kept:,} kept", style="dim")
    parts = [title, *([table] if loud else []), *_rest(len(loud) - _MOST_SERIES, "more rule")]
    return Padding(Group(*parts), (0, 0, 0, 2))


def _folded(series: Sequence[Series]) -> list[tuple[Series, Line]]:
    """Return series with their lines; those that are blind for one reason, such as a lost column, are one line."""
    found: dict[tuple[str, ...], tuple[Series, Line]] = {}
    measures: dict[tuple[str, ...], list[str]] = {}
    for one in series:
        line = Line.of(one)
        place = (line.subject, line.told) if one.mark.numberless else (str(id(one)),)
        found.setdefault(place, (one, line))
        measures.setdefault(place, []).append(line.measure)
    return [(one, replace(line, measure=", ".join(measures[place]))) for place, (one, line) in found.items()]


def _summary(left: Sequence[Series]) -> str:
    marks = [one.mark for one in left]
    told = [f"{marks.count(mark):,} {mark.value}" for mark in Mark if mark in marks]
    return f"{count(len(left), 'more series', 'more series')}: {', '.join(told)}"
