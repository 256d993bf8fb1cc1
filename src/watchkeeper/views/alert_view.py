"""What a page shows of an alert and of an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.core.action import Action, Outcome
from watchkeeper.core.alert import Alert
from watchkeeper.views.alert_state import state_words, todo_words
from watchkeeper.views.causes import Why
from watchkeeper.views.effects import headline_of_alert
from watchkeeper.views.evidence import standing_evidence
from watchkeeper.views.findings import Findings
from watchkeeper.views.lines import Line
from watchkeeper.views.series import Series
from watchkeeper.views.wording import ACTIONS, CAUSES, moment, number, shown
from watchkeeper.words.actions import action_sentence, triage_sentence

__all__ = ["AlertView", "action_view", "alert_view"]

_MOST_EVIDENCE, _MOST_NAMES, _MOST_FACTS = 6, 12, 8
_LOOKS = {Outcome.DONE: "fine", Outcome.PROPOSED: "notice", Outcome.REFUSED: "warning", Outcome.FAILED: "signal"}
_HASH = 8
_HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class AlertView:
    """An alert or an action in words.

    Attributes
    ----------
    look, word
        How it is coloured, and its severity, or the outcome of an action.
    state
        Of an alert where it is in its life, in a word; empty of an action.
    todo
        What it asks of the reader; empty where nothing.
    """

    look: str
    word: str
    message: str
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    more_names: int = 0
    lines: tuple[Line, ...] = ()
    actions: tuple[AlertView, ...] = ()
    why: Why | None = None
    state: str = ""
    todo: str = ""


def alert_view(alert: Alert, findings: Findings) -> AlertView:
    """Return what a page shows of an alert."""
    actions = findings.actions_in_order
    state = state_words(alert, actions)
    diagnosis = findings.diagnosis_of(alert)
    facts = [("cause", CAUSES[alert.cause]), ("since", moment(alert.since))]
    if alert.last is not None:
        facts.append(("last seen", moment(alert.last)))
    triage = triage_sentence(alert, actions)
    if triage:
        facts.append(("by hand", shown(triage, 200)))
    names = tuple(shown(n, 120) for n in (*alert.columns, *alert.segments))
    return AlertView(
        _look(alert, state),
        str(alert.severity),
        shown(headline_of_alert(alert, findings), 500),
        tuple(facts),
        names[:_MOST_NAMES],
        max(0, len(names) - _MOST_NAMES),
        tuple(Line.of(Series((signal,))) for signal in standing_evidence(alert)[:_MOST_EVIDENCE]),
        tuple(action_view(a, (alert,)) for a in actions if a.alert == alert.id and a.alert)[-_MOST_NAMES:],
        Why.of(diagnosis, alert) if diagnosis else None,
        state,
        todo_words(alert, findings),
    )


def _look(alert: Alert, state: str) -> str:
    """Return how an alert is coloured: by its severity where it asks for something, by its state otherwise."""
    severe = {1: "notice", 2: "warning", 3: "signal"}[alert.severity]
    return {"firing": severe, "pending": "pending", "acknowledged": "seen", "ended": "past"}.get(state, "void")


def action_view(action: Action, alerts: Sequence[Alert]) -> AlertView:
    """Return what a page shows of an action."""
    what = f"{ACTIONS[action.kind]} {shown(action.version, 60)}".strip()
    facts = tuple((_name(k), _fact(v)) for k, v in list(action.facts.items())[:_MOST_FACTS] if v != "")
    return AlertView(
        _LOOKS[action.outcome],
        action.outcome.value,
        shown(action_sentence(action, alerts), 500),
        (("at", moment(action.at)), ("what", what), ("who", shown(action.who, 60)), *facts),
    )


def _name(key: str) -> str:
    return shown(key, 60).removeprefix("metric:").replace("_", " ").replace(":", ", ")


def _fact(value: float | str) -> str:
    """Return a fact for a line: a hash by its first eight digits, a moment as others are."""
    if not isinstance(value, str):
        return number(value)
    if len(value) > 2 * _HASH and set(value) <= _HEXADECIMAL:
        return value[:_HASH]
    try:
        return moment(datetime.fromisoformat(value)) if "T" in value else shown(value, 120)
    except ValueError:
        return shown(value, 120)
