"""Where an alert is in its life, and what it asks of the reader."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.core.action import Action, ActionKind
from watchkeeper.core.alert import Alert, AlertState
from watchkeeper.core.triage import standing_triage
from watchkeeper.views.effects import is_harmed
from watchkeeper.views.findings import Findings
from watchkeeper.views.wording import shown
from watchkeeper.words.advice import advice

__all__ = ["is_acknowledged", "state_words", "todo_words"]


def is_acknowledged(alert: Alert, actions: Sequence[Action]) -> bool:
    """Return whether a person has acknowledged an open alert that is not muted."""
    triage = standing_triage(alert, actions)
    seen = triage is not None and triage.kind is ActionKind.ACKNOWLEDGE
    return seen and alert.state is not AlertState.MUTED


def state_words(alert: Alert, actions: Sequence[Action]) -> str:
    """Return where an alert is in its life, in a word: an open one that a person has seen is acknowledged."""
    return "acknowledged" if is_acknowledged(alert, actions) else alert.state.value


def todo_words(alert: Alert, findings: Findings) -> str:
    """Return what an alert asks of the reader; empty where it does not fire, or somebody has acknowledged it."""
    if alert.state is not AlertState.FIRING or is_acknowledged(alert, findings.actions):
        return ""
    diagnosis = findings.diagnosis_of(alert)
    return shown(advice(alert, diagnosis.hypotheses if diagnosis else (), harmed=is_harmed(findings)), 400)
