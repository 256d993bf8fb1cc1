"""The report as one HTML page that needs nothing but itself, and as a part of a notebook."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

import altair as alt
from altair.utils.schemapi import debug_mode
from jinja2 import Environment, PackageLoader

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.views.axes import NARROW, WIDE
from watchkeeper.views.cards import Card, DrawingBudget, column_cards, metric_cards
from watchkeeper.views.causes import Why
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.lines import Line
from watchkeeper.views.overview import history
from watchkeeper.views.rules import is_rule, rule_lines
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.standing import standing
from watchkeeper.views.theme import COLOURS
from watchkeeper.views.wording import ACTIONS, CAUSES, count, estimated, moment, number, period, shown
from watchkeeper.words.alerts import alert_sentence

__all__ = ["environment", "report_fragment", "report_html", "style"]

_MOST_CHARTS, _MOST_METRICS, _MOST_COLUMNS, _MOST_CALM = 60, 12, 40, 6
_MOST_ALERTS, _MOST_EVIDENCE, _MOST_ACTIONS, _MOST_ROWS, _MOST_NAMES, _MOST_NOTES = 30, 4, 40, 150, 12, 30
_MOST_RULES = 200
_NOTEBOOK_CHARTS, _NOTEBOOK_COLUMNS = 13, 6

_VERDICTS = {
    Verdict.OK: ("Fine", "fine"),
    Verdict.ALERT: ("Alert", "signal"),
    Verdict.NO_DATA: ("No data", "void"),
    Verdict.FAILED: ("Failed", "fault"),
}
_INPUTS = ("Inputs fine", "void")


@dataclass(frozen=True)
class _Told:
    """An alert or an action in words."""

    look: str
    word: str
    message: str
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    more_names: int = 0
    lines: tuple[Line, ...] = ()
    actions: tuple[_Told, ...] = ()
    why: Why | None = None


def report_html(findings: Findings, *, charts: int = _MOST_CHARTS) -> str:
    """Return the report as one self-contained page: no file, no script and no font comes from anywhere else.

    Parameters
    ----------
    charts
        Charts drawn at most, worst first; the page says how many are left out.
    """
    script = files("watchkeeper.views").joinpath("templates/report.js").read_text("utf-8")
    # The policy lets only this one script run, so that a name that slipped through could still do nothing.
    digest = b64encode(sha256(script.encode()).digest()).decode()
    body = _body(findings, charts, _MOST_COLUMNS, folded=True)
    return (
        environment()
        .get_template("page.html")
        .render(title=shown(findings.title), style=style(), script=script, digest=digest, body=body)
    )


def report_fragment(findings: Findings) -> str:
    """Return the report for a notebook cell: the same parts with fewer charts, and no script."""
    body = _body(findings, _NOTEBOOK_CHARTS, _NOTEBOOK_COLUMNS, folded=False)
    return f"<style>{style()}</style>{body}"


@cache
def environment() -> Environment:
    """Return the templates; every value is escaped unless it is a drawing of our own."""
    loaded = Environment(
        loader=PackageLoader("watchkeeper.views"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    loaded.filters["count"] = count
    return loaded


@cache
def style() -> str:
    """Return the style sheet: the colours of both themes, then the rules."""

    def colours(theme: int) -> str:
        return "".join(f"--wk-{name.replace('_', '-')}:{both[theme]};" for name, both in COLOURS.items())

    # `dark` is chosen by the reader, by the system, or by the notebook that shows the report.
    dark = ":root[data-theme=dark] .wk,body[data-jp-theme-light=false] .wk,body.vscode-dark .wk"
    system = "@media screen and (prefers-color-scheme:dark)"
    unless = ":root:not([data-theme=light]) body:not([data-jp-theme-light]):not(.vscode-light) .wk"
    rules = files("watchkeeper.views").joinpath("templates/report.css").read_text("utf-8")
    return (
        f".wk{{{colours(0)}color-scheme:light}}"
        f"@media screen{{{dark}{{{colours(1)}color-scheme:dark}}}}"
        f"{system}{{{unless}{{{colours(1)}color-scheme:dark}}}}\n{rules}"
    )


def _body(findings: Findings, charts: int, columns: int, *, folded: bool) -> str:
    series = series_of(signal for signal in findings.signals if not is_rule(signal))
    rules = rule_lines(findings.signals)
    # Our own specifications are checked against the schema by the tests, not again for every page.
    with debug_mode(False):
        drawn = _drawn(findings, series, charts, columns, folded=folded)
    word, look = _VERDICTS[findings.verdict]
    if findings.verdict is Verdict.OK and findings.performance_unknown:
        word, look = _INPUTS
    context = {
        "title": shown(findings.title),
        "model": shown(findings.model, 120),
        "headline": shown(findings.heading, 600),
        "made": moment(findings.made),
        "word": word,
        "look": look,
        "folded": folded,
        "tiles": _tiles(findings, series),
        "rows": [Line.of(one) for one in series[:_MOST_ROWS]],
        "more_rows": max(0, len(series) - _MOST_ROWS),
        "rules": rules[:_MOST_RULES],
        "more_rules": max(0, len(rules) - _MOST_RULES),
        "broken_rules": sum(line.mark is Mark.SIGNAL for line in rules),
    }
    return environment().get_template("body.html").render(context | _story(findings) | _notes(findings) | drawn)


def _drawn(
    findings: Findings, series: Sequence[Series], charts: int, columns: int, *, folded: bool
) -> dict[str, object]:
    alerts, actions = findings.worst_alerts, findings.actions_in_order
    album = DrawingBudget(charts)
    overviews = []
    for look, frame in (("wide", WIDE), ("narrow", NARROW)):
        made: tuple[alt.VConcatChart | alt.LayerChart, str] | None = history(series, alerts, actions, frame)
        made = made or standing(series, frame)
        if made is not None:
            overviews.append((look, album.add(made[0], "Overview of all series, worst first"), made[1]))
    metrics = metric_cards(series, findings, album, _MOST_METRICS)
    cards, left_out = column_cards(series, findings, album, columns)
    loud = [card for card in cards if not _calm(card)] if folded else cards
    calm = [card for card in cards if _calm(card)] if folded else []
    # Where nothing is wrong, the first few columns are shown all the same.
    opened = 0 if loud else _MOST_CALM
    return {
        "overviews": overviews,
        "many_windows": any(one.windows > 1 for one in series),
        "metrics": metrics,
        "estimated": any(m.family is Family.ESTIMATE for m in _measured(findings)),
        "methods": estimated(_measured(findings), [ASSUMES]),
        "cards": loud + calm[:opened],
        "calm": calm[opened:],
        "left_out": left_out,
        "undrawn": album.left_out,
    }


def _measured(findings: Findings) -> Iterator[Measurement]:
    yield from findings.measurements
    yield from (signal.measurement for signal in findings.signals)


def _story(findings: Findings) -> dict[str, object]:
    alerts, actions = findings.worst_alerts, findings.actions_in_order
    told = {alert.id for alert in alerts[:_MOST_ALERTS]}
    others = [action for action in actions if action.alert not in told]
    return {
        "alerts": [_alert(alert, actions, findings.diagnosis_of(alert)) for alert in alerts[:_MOST_ALERTS]],
        "more_alerts": max(0, len(alerts) - _MOST_ALERTS),
        "acted": bool(actions),
        "some_told": len(others) < len(actions),
        "actions": [_action(action) for action in others[-_MOST_ACTIONS:]],
        "more_actions": max(0, len(others) - _MOST_ACTIONS),
    }


def _notes(findings: Findings) -> dict[str, object]:
    columns = findings.schema.columns if findings.schema else ()
    return {
        "notes": [shown(note, 600) for note in findings.notes[:_MOST_NOTES]],
        "more_notes": max(0, len(findings.notes) - _MOST_NOTES),
        "columns": [
            (shown(c.name, 120), c.role.value, c.kind.value, shown(c.dtype, 60), shown(c.why))
            for c in columns[:_MOST_ROWS]
        ],
        "more_columns": max(0, len(columns) - _MOST_ROWS),
    }


def _calm(card: Card) -> bool:
    return card.mark.weight >= Mark.NEAR.weight and not card.problem


def _tiles(findings: Findings, series: Sequence[Series]) -> list[tuple[str, str, str]]:
    """Return number, caption and look of what a reader wants to know at once."""
    firing = sum(a.state is AlertState.FIRING for a in findings.alerts)
    judged = [one for one in series if not one.mark.blind]
    signalling = sum(one.mark is Mark.SIGNAL for one in series)
    blind = len(series) - len(judged)
    latest = series[0].latest if series else None
    done = sum(a.outcome is Outcome.DONE for a in findings.actions)
    tiles = [(f"{firing}", "alert firing" if firing == 1 else "alerts firing", "signal" if firing else "")]
    if series:
        tiles.append((f"{signalling} of {len(series)}", "series signal now", "signal" if signalling else ""))
        tiles.append((f"{blind}", "series without a number now", "fault" if blind else ""))
    else:
        tiles.append(("–", "nothing was measured", "fault"))
    if findings.actions:
        tiles.append((f"{done} of {len(findings.actions)}", "actions carried out", ""))
    if latest is not None:
        tiles.append((period(latest), "newest window", "text"))
    return tiles


def _alert(alert: Alert, actions: Sequence[Action], diagnosis: Diagnosis | None) -> _Told:
    open_ = alert.state in (AlertState.FIRING, AlertState.PENDING)
    look = {1: "notice", 2: "warning", 3: "signal"}[alert.severity] if open_ else "void"
    facts = [("cause", CAUSES[alert.cause]), ("state", alert.state.value), ("since", moment(alert.since))]
    if alert.last is not None:
        facts.append(("last seen", moment(alert.last)))
    names = tuple(shown(n, 120) for n in (*alert.columns, *alert.segments))
    return _Told(
        look,
        str(alert.severity),
        shown(alert_sentence(alert), 500),
        tuple(facts),
        names[:_MOST_NAMES],
        max(0, len(names) - _MOST_NAMES),
        tuple(Line.of(Series((signal,))) for signal in standing_evidence(alert)[:_MOST_EVIDENCE]),
        tuple(_action(a) for a in actions if a.alert == alert.id and a.alert)[-_MOST_NAMES:],
        Why.of(diagnosis, alert) if diagnosis else None,
    )


def _action(action: Action) -> _Told:
    looks = {Outcome.DONE: "fine", Outcome.PROPOSED: "notice", Outcome.REFUSED: "warning", Outcome.FAILED: "signal"}
    what = f"{ACTIONS[action.kind]} {shown(action.version, 60)}".strip()
    facts = tuple((shown(k, 60).replace("_", " "), _fact(v)) for k, v in list(action.facts.items())[:8])
    return _Told(
        looks[action.outcome],
        action.outcome.value,
        shown(action.why, 500),
        (("at", moment(action.at)), ("what", what), ("who", shown(action.who, 60)), *facts),
    )


def _fact(value: float | str) -> str:
    return shown(value, 120) if isinstance(value, str) else number(value)
