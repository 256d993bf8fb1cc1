"""The first sentence of a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.role_gaps import Unjudged
from watchkeeper.core.window import Window
from watchkeeper.views.effects import headline_of_alert, metric_words
from watchkeeper.views.findings import Findings, Verdict
from watchkeeper.views.wording import age, count, moment, period
from watchkeeper.words.alerts import alert_sentence
from watchkeeper.words.headline import alert_headline
from watchkeeper.words.roles import unjudged_sentence

__all__ = ["headline_of_check", "headline_of_failure", "headline_of_model", "opening"]


def headline_of_check(
    verdict: str, alerts: Sequence[Alert], rows: tuple[int, int], unjudged: Sequence[Unjudged] = ()
) -> str:
    """Say what a check found, given the rows of the reference and the current ones, and what nothing is known of."""
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    if firing:
        return alert_headline(firing[0])
    if verdict == "no_data" and unjudged and all(rows):
        return f"{unjudged_sentence(unjudged)} No alert about the rest of {rows[1]:,} rows."
    if verdict == "no_data":
        return f"Reference rows: {rows[0]:,}, current rows: {rows[1]:,}. That is too few to judge."
    if verdict == "failed":
        return "Nothing could be measured."
    if verdict == "blind":
        return f"{rows[1]:,} rows beside {rows[0]:,} of the reference: too little would be seen to call them fine."
    return f"{rows[1]:,} rows look like the {rows[0]:,} of the reference, within tolerance."


def headline_of_model(findings: Findings, newest: Window | None) -> str:
    """Say how a model stands, given the newest window with rows."""
    if newest is None:
        return "Nothing has been judged yet."
    made = findings.made
    if findings.verdict is Verdict.NO_DATA:
        return (
            f"No rows have arrived since {moment(newest.end)}, {age(made - newest.end)} ago. The numbers are those of "
            f"{period(newest)}, the last window with rows."
        )
    firing = [a for a in findings.worst_alerts if a.state is AlertState.FIRING]
    muted = sum(a.state is AlertState.MUTED for a in findings.alerts)
    rest = f"{count(muted, 'alert')} muted; everything else" if muted else "everything"
    words = headline_of_alert(firing[0], findings, caused=True) if firing else f"{rest} is within its limits"
    more = f"; and {count(len(firing) - 1, 'more alert')}" if len(firing) > 1 else ""
    return f"Window {newest}: {words}{more}"


def opening(findings: Findings) -> str:
    """Return the headline, or how many alerts fire where it would say what the worst of them says just below."""
    firing = [alert for alert in findings.worst_alerts if alert.state is AlertState.FIRING]
    heading = findings.heading
    if not firing or not any(
        told in heading for told in (alert_sentence(firing[0]), headline_of_alert(firing[0], findings))
    ):
        return heading
    told = f"{count(len(firing), 'alert')}, the worst a {max(alert.severity for alert in firing)}"
    return "; ".join(filter(None, (told, metric_words(findings))))


def headline_of_failure(message: str, at: datetime, newest: Window | None) -> str:
    """Say that the last run of a model failed, given the newest window with rows."""
    before = f"What is shown is of {period(newest)}, judged before." if newest else "Nothing has been judged yet."
    return f"The last run, {moment(at)}, failed: {message.removesuffix('.')}. {before}"
