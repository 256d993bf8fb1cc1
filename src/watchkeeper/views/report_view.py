"""What a page says of a report, ready to be written: words, numbers and specifications of charts, and no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.diagnosis import Diagnosis
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.views.axes import NARROW, WIDE, Chart
from watchkeeper.views.cards import Card, column_cards, metric_cards
from watchkeeper.views.causes import Why
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.lines import Line
from watchkeeper.views.overview import history
from watchkeeper.views.rules import RuleLine, is_rule, rule_lines
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.standing import standing
from watchkeeper.views.wording import ACTIONS, CAUSES, estimated, moment, number, period, shown
from watchkeeper.words.actions import action_sentence, triage_sentence
from watchkeeper.words.alerts import alert_sentence

__all__ = ["AlertView", "Overview", "ReportView", "report_view"]

_MOST_METRICS, _MOST_CALM = 12, 6
_MOST_ALERTS, _MOST_EVIDENCE, _MOST_ACTIONS, _MOST_ROWS, _MOST_NAMES, _MOST_NOTES = 30, 4, 40, 150, 12, 30
_MOST_RULES = 200

_VERDICTS = {
    Verdict.OK: ("Fine", "fine"),
    Verdict.ALERT: ("Alert", "signal"),
    Verdict.NO_DATA: ("No data", "void"),
    Verdict.FAILED: ("Failed", "fault"),
    Verdict.BLIND: ("Blind", "void"),
}
_INPUTS = ("Inputs fine", "void")


@dataclass(frozen=True)
class AlertView:
    """An alert or an action in words."""

    look: str
    word: str
    message: str
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    more_names: int = 0
    lines: tuple[Line, ...] = ()
    actions: tuple[AlertView, ...] = ()
    why: Why | None = None


@dataclass(frozen=True)
class Overview:
    """All series at a glance, for a wide or for a narrow screen, and what it leaves out."""

    look: str
    chart: Chart
    remark: str


@dataclass(frozen=True)
class ReportView:
    """A report as a page shows it: every text is fit for a line, every list is bounded, and what is cut is counted.

    Attributes
    ----------
    word, look
        The verdict, and how it is coloured.
    folded
        Whether cards that are calm are folded away.
    tiles
        Number, caption and look of what a reader wants to know at once.
    some_told
        Whether some actions stand with the alert that led to them.
    methods
        By what performance was estimated.
    cards, calm
        Of columns, worst first; the calm ones are folded away.
    left_out
        Columns and segments that have no card.
    """

    title: str
    model: str
    headline: str
    made: str
    word: str
    look: str
    folded: bool
    tiles: tuple[tuple[str, str, str], ...]
    alerts: tuple[AlertView, ...]
    more_alerts: int
    acted: bool
    some_told: bool
    actions: tuple[AlertView, ...]
    more_actions: int
    overviews: tuple[Overview, ...]
    many_windows: bool
    rules: tuple[RuleLine, ...]
    more_rules: int
    broken_rules: int
    metrics: tuple[Card, ...]
    estimated: bool
    methods: tuple[str, ...]
    cards: tuple[Card, ...]
    calm: tuple[Card, ...]
    left_out: int
    rows: tuple[Line, ...]
    more_rows: int
    notes: tuple[str, ...]
    more_notes: int
    columns: tuple[tuple[str, ...], ...]
    more_columns: int


def report_view(findings: Findings, columns: int, *, folded: bool) -> ReportView:
    """Return what a page says of a report, with cards for ``columns`` columns at most."""
    series = series_of(signal for signal in findings.signals if not is_rule(signal))
    rules = rule_lines(findings.signals)
    alerts, actions = findings.worst_alerts, findings.actions_in_order
    placed = {alert.id for alert in alerts[:_MOST_ALERTS]}
    others = [action for action in actions if action.alert not in placed]
    cards, left_out = column_cards(series, findings, columns)
    loud = [card for card in cards if not _calm(card)] if folded else cards
    calm = [card for card in cards if _calm(card)] if folded else []
    # Where nothing is wrong, the first few columns are shown all the same.
    opened = 0 if loud else _MOST_CALM
    word, look = _VERDICTS[findings.verdict]
    if findings.verdict is Verdict.OK and findings.performance_unknown:
        word, look = _INPUTS
    described = findings.schema.columns if findings.schema else ()
    return ReportView(
        title=shown(findings.title),
        model=shown(findings.model, 120),
        headline=shown(findings.heading, 600),
        made=moment(findings.made),
        word=word,
        look=look,
        folded=folded,
        tiles=tuple(_tiles(findings, series)),
        alerts=tuple(_alert(alert, actions, findings.diagnosis_of(alert)) for alert in alerts[:_MOST_ALERTS]),
        more_alerts=max(0, len(alerts) - _MOST_ALERTS),
        acted=bool(actions),
        some_told=len(others) < len(actions),
        actions=tuple(_action(action, alerts) for action in others[-_MOST_ACTIONS:]),
        more_actions=max(0, len(others) - _MOST_ACTIONS),
        overviews=tuple(_overviews(findings, series)),
        many_windows=any(one.windows > 1 for one in series),
        rules=tuple(rules[:_MOST_RULES]),
        more_rules=max(0, len(rules) - _MOST_RULES),
        broken_rules=sum(line.mark is Mark.SIGNAL for line in rules),
        metrics=tuple(metric_cards(series, findings, _MOST_METRICS)),
        estimated=any(m.family is Family.ESTIMATE for m in _measured(findings)),
        methods=tuple(estimated(_measured(findings), [ASSUMES])),
        cards=tuple(loud + calm[:opened]),
        calm=tuple(calm[opened:]),
        left_out=left_out,
        rows=tuple(Line.of(one) for one in series[:_MOST_ROWS]),
        more_rows=max(0, len(series) - _MOST_ROWS),
        notes=tuple(shown(note, 600) for note in findings.notes[:_MOST_NOTES]),
        more_notes=max(0, len(findings.notes) - _MOST_NOTES),
        columns=tuple(
            (shown(c.name, 120), c.role.value, c.kind.value, shown(c.dtype, 60), shown(c.why))
            for c in described[:_MOST_ROWS]
        ),
        more_columns=max(0, len(described) - _MOST_ROWS),
    )


def _overviews(findings: Findings, series: Sequence[Series]) -> Iterator[Overview]:
    for look, frame in (("wide", WIDE), ("narrow", NARROW)):
        made = history(series, findings.worst_alerts, findings.actions_in_order, frame) or standing(series, frame)
        if made is not None:
            yield Overview(look, Chart("Overview of all series, worst first", made[0]), made[1])


def _measured(findings: Findings) -> Iterator[Measurement]:
    yield from findings.measurements
    yield from (signal.measurement for signal in findings.signals)


def _calm(card: Card) -> bool:
    return card.mark.weight >= Mark.NEAR.weight and not card.problem


def _tiles(findings: Findings, series: Sequence[Series]) -> list[tuple[str, str, str]]:
    """Return number, caption and look of what a reader wants to know at once."""
    firing = sum(a.state is AlertState.FIRING for a in findings.alerts)
    judged = [one for one in series if not one.mark.numberless]
    signalling = sum(one.mark is Mark.SIGNAL for one in series)
    blind = len(series) - len(judged)
    latest = series[0].latest if series else None
    done = sum(a.outcome is Outcome.DONE for a in findings.actions)
    tiles = [(f"{firing}", "alert firing" if firing == 1 else "alerts firing", "signal" if firing else "")]
    if series:
        tiles.append((f"{signalling} of {len(series)}", "checks failing", "signal" if signalling else ""))
        tiles.append((f"{blind}", "checks without data", "fault" if blind else ""))
    else:
        tiles.append(("–", "nothing was measured", "fault"))
    if findings.actions:
        tiles.append((f"{done} of {len(findings.actions)}", "actions carried out", ""))
    if latest is not None:
        tiles.append((period(latest), "newest window", "text"))
    return tiles


def _alert(alert: Alert, actions: Sequence[Action], diagnosis: Diagnosis | None) -> AlertView:
    open_ = alert.state in (AlertState.FIRING, AlertState.PENDING)
    look = {1: "notice", 2: "warning", 3: "signal"}[alert.severity] if open_ else "void"
    triage = shown(triage_sentence(alert, actions), 200)
    state = ", ".join(filter(None, (alert.state.value, triage.removeprefix(f"{alert.state.value} "))))
    facts = [("cause", CAUSES[alert.cause]), ("state", state), ("since", moment(alert.since))]
    if alert.last is not None:
        facts.append(("last seen", moment(alert.last)))
    names = tuple(shown(n, 120) for n in (*alert.columns, *alert.segments))
    return AlertView(
        look,
        str(alert.severity),
        shown(alert_sentence(alert), 500),
        tuple(facts),
        names[:_MOST_NAMES],
        max(0, len(names) - _MOST_NAMES),
        tuple(Line.of(Series((signal,))) for signal in standing_evidence(alert)[:_MOST_EVIDENCE]),
        tuple(_action(a, (alert,)) for a in actions if a.alert == alert.id and a.alert)[-_MOST_NAMES:],
        Why.of(diagnosis, alert) if diagnosis else None,
    )


def _action(action: Action, alerts: Sequence[Alert]) -> AlertView:
    looks = {Outcome.DONE: "fine", Outcome.PROPOSED: "notice", Outcome.REFUSED: "warning", Outcome.FAILED: "signal"}
    what = f"{ACTIONS[action.kind]} {shown(action.version, 60)}".strip()
    facts = tuple((shown(k, 60).replace("_", " "), _fact(v)) for k, v in list(action.facts.items())[:8])
    return AlertView(
        looks[action.outcome],
        action.outcome.value,
        shown(action_sentence(action, alerts), 500),
        (("at", moment(action.at)), ("what", what), ("who", shown(action.who, 60)), *facts),
    )


def _fact(value: float | str) -> str:
    return shown(value, 120) if isinstance(value, str) else number(value)
