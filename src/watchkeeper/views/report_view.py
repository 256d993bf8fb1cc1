"""What a page says of a report, ready to be written: words, numbers and specifications of charts, and no drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchkeeper.core.action import Outcome
from watchkeeper.core.alert import OPEN, AlertState
from watchkeeper.core.measurement import Family, Measurement
from watchkeeper.core.schema import Role
from watchkeeper.performance.estimator import ASSUMES
from watchkeeper.views.alert_view import AlertView, action_view, alert_view
from watchkeeper.views.axes import NARROW, WIDE, Chart
from watchkeeper.views.cards import Card, column_cards, metric_cards
from watchkeeper.views.curves import ConfusionTable, Figure, confusion_table, outcome_figures
from watchkeeper.views.data_checks import CheckLine, check_lines
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.headline import opening
from watchkeeper.views.lines import Line
from watchkeeper.views.overview import history
from watchkeeper.views.primary import Primary, primary_metric, primary_of
from watchkeeper.views.rules import RuleLine, is_rule, rule_lines
from watchkeeper.views.segments import SegmentTable, segment_table
from watchkeeper.views.series import Mark, Series, series_of
from watchkeeper.views.standing import standing
from watchkeeper.views.wording import estimated, moment, period, shown, subject

__all__ = ["AlertView", "Overview", "ReportView", "report_view"]

_MOST_METRICS, _MOST_CALM = 12, 6
_MOST_ALERTS, _MOST_ACTIONS, _MOST_ROWS, _MOST_NOTES, _MOST_RULES = 30, 40, 150, 30, 200

_VERDICTS = {
    Verdict.OK: ("Fine", "fine"),
    Verdict.ALERT: ("Alert", "signal"),
    Verdict.NO_DATA: ("No data", "void"),
    Verdict.FAILED: ("Failed", "fault"),
    Verdict.BLIND: ("Blind", "void"),
}
_INPUTS = ("Inputs fine", "void")


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
    todo
        What needs doing, the most urgent first.
    alerts, past
        Those that are open, and those that ended.
    actions
        What was done that stands with no open alert.
    primary
        The metric to decide by, with its history.
    metrics, small
        The other judged metrics as cards, and those that no chart judges as lines.
    methods
        By what performance was estimated.
    figures, confusion
        How answers stand to labels, now beside the reference.
    checks
        The checks for faults of the data.
    runtime
        Cards of latencies and other numbers of the running service.
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
    todo: tuple[str, ...]
    alerts: tuple[AlertView, ...]
    past: tuple[AlertView, ...]
    more_alerts: int
    actions: tuple[AlertView, ...]
    more_actions: int
    primary: Primary | None
    overviews: tuple[Overview, ...]
    many_windows: bool
    rules: tuple[RuleLine, ...]
    more_rules: int
    broken_rules: int
    metrics: tuple[Card, ...]
    small: tuple[Line, ...]
    estimated: bool
    methods: tuple[str, ...]
    figures: tuple[Figure, ...]
    confusion: ConfusionTable | None
    segments: SegmentTable | None
    checks: tuple[CheckLine, ...]
    runtime: tuple[Card, ...]
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
    alerts = [alert_view(alert, findings) for alert in findings.worst_alerts[:_MOST_ALERTS]]
    opened = sum(alert.state in OPEN for alert in findings.worst_alerts[:_MOST_ALERTS])
    told = {alert.id for alert in findings.worst_alerts[:_MOST_ALERTS]}
    others = [action for action in findings.actions_in_order if action.alert not in told]
    main = primary_metric(series, findings)
    metrics, small = metric_cards(series, findings, _MOST_METRICS, main)
    cards, left_out = column_cards(series, findings, columns)
    slow = _runtime_names(findings)
    loud, calm = _split([card for card in cards if card.title not in slow], folded)
    word, look = _VERDICTS[findings.verdict]
    if findings.verdict is Verdict.OK and findings.performance_unknown:
        word, look = _INPUTS
    described = findings.schema.columns if findings.schema else ()
    running = [card for card in metrics if card.title in _runtime_metrics(findings)]
    return ReportView(
        title=shown(findings.title),
        model=shown(findings.model, 120),
        headline=shown(opening(findings), 600),
        made=moment(findings.made),
        word=word,
        look=look,
        folded=folded,
        tiles=tuple(_tiles(findings, series)),
        todo=tuple(dict.fromkeys(alert.todo for alert in alerts if alert.todo)),
        alerts=tuple(alerts[:opened]),
        past=tuple(alerts[opened:]),
        more_alerts=max(0, len(findings.alerts) - _MOST_ALERTS),
        actions=tuple(action_view(action, findings.alerts) for action in others[-_MOST_ACTIONS:]),
        more_actions=max(0, len(others) - _MOST_ACTIONS),
        primary=primary_of(series, findings),
        overviews=tuple(_overviews(findings, series, main)),
        many_windows=any(one.windows > 1 for one in series),
        rules=tuple(rules[:_MOST_RULES]),
        more_rules=max(0, len(rules) - _MOST_RULES),
        broken_rules=sum(line.mark is Mark.SIGNAL for line in rules),
        metrics=tuple(card for card in metrics if card not in running),
        small=tuple(small),
        estimated=any(m.family is Family.ESTIMATE for m in _measured(findings)),
        methods=tuple(estimated(_measured(findings), [ASSUMES])),
        figures=outcome_figures(findings),
        confusion=confusion_table(findings),
        segments=segment_table(findings, main.newest.measurement.name if main else ""),
        checks=tuple(check_lines(series)),
        runtime=(*running, *(card for card in cards if card.title in slow)),
        cards=tuple(loud),
        calm=tuple(calm),
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


def _split(cards: Sequence[Card], folded: bool) -> tuple[list[Card], list[Card]]:
    """Return the cards that are open and those that are folded; where nothing is wrong, the first few are open."""
    if not folded:
        return list(cards), []
    loud = [card for card in cards if not _calm(card)]
    calm = [card for card in cards if _calm(card)]
    opened = 0 if loud else _MOST_CALM
    return loud + calm[:opened], calm[opened:]


def _runtime_names(findings: Findings) -> set[str]:
    """Return the columns that hold latencies, as their cards are titled."""
    return {shown(c.name, 120) for c in findings.schema or () if c.role is Role.LATENCY}


def _runtime_metrics(findings: Findings) -> set[str]:
    return {subject(m) for m in _measured(findings) if m.family is Family.RUNTIME}


def _overviews(findings: Findings, series: Sequence[Series], main: Series | None) -> Iterator[Overview]:
    # Alerts and actions stand above the metric to decide by, where there is its history.
    drawn = main is not None and main.windows > 1
    alerts, actions = ((), ()) if drawn else (findings.worst_alerts, findings.actions_in_order)
    for look, frame in (("wide", WIDE), ("narrow", NARROW)):
        made = history(series, alerts, actions, frame) or standing(series, frame)
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
