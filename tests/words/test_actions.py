"""Sentences of actions: by the words of a person, or by the grounds that were recorded."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import watchkeeper
from tests.alerts.said import said
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.ground import Ground, Observation
from watchkeeper.words import actions
from watchkeeper.words.actions import action_sentence, first_ground, ground_sentence

AT = datetime(2024, 3, 12, tzinfo=UTC)
FAULT = Ground(
    "fault", cause="data_fault", columns=("x", "y"), at=AT, more=2,
    observations=(
        Observation("null_rate", "x", "a=b", 0.4, None, None, 0.1),
        Observation("ks", "y", reason="column 'y' is missing"),
        Observation("auroc", "@outcome", "", 0.61, 0.672, 0.65, 0.7, estimated=True),
    ),
)  # fmt: skip
OBSERVED = (
    "null rate of x is 0.4, limit 0.1 in a=b; column 'y' is missing; "
    "estimated AUROC is 0.61, expected 0.672, limits 0.65 to 0.7; and 2 more"
)


def action(*because: Ground, kind: ActionKind = ActionKind.HOLD, why: str = "") -> Action:
    return Action("a", "m", kind, Outcome.DONE, why, "watchkeeper", AT, "", "f1", because=because)


def test_a_person_is_told_in_the_words_that_were_given() -> None:
    assert action_sentence(action(why="drill")) == "drill"


def test_a_fault_is_told_with_the_numbers_that_were_recorded() -> None:
    assert action_sentence(action(FAULT)) == f"retraining waits: data fault in x, y since 2024-03-12: {OBSERVED}"
    refused = action(FAULT, kind=ActionKind.RETRAIN)
    assert action_sentence(refused) == f"data fault in x, y since 2024-03-12: {OBSERVED}"
    assert ground_sentence(FAULT) == "data fault in x, y since 2024-03-12"


def test_an_alert_at_hand_says_more_than_the_record_does() -> None:
    alert = Alert("f1", "m", Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING, evidence=said("x is 2 times"))
    assert action_sentence(action(FAULT), [alert]).endswith("since 2024-03-12: x is 2 times")


@pytest.mark.parametrize(
    ("ground", "words"),
    [
        (Ground("failed", text="ValueError: odd"), "ValueError: odd"),
        (Ground("odd_moon"), "odd moon"),
        (Ground("odd_moon", text="the moon is odd"), "the moon is odd"),
        (
            Ground("unreadable", columns=("x",), text="column 'x' is missing"),
            "data fault in x (all rows): column 'x' is missing",
        ),
        (
            Ground("one_a_day", at=AT),
            "the last automatic promotion was at 2024-03-12 00:00; there is at most one a day",
        ),
        (Ground("undecided", at=AT, until=AT), ("a challenger has waited for a decision since 2024-03-12 00:00; the "
         "next try is from 2024-03-12 00:00")),
    ],
)  # fmt: skip
def test_a_ground_is_said_by_its_code_or_its_own_text(ground: Ground, words: str) -> None:
    assert ground_sentence(ground) == words


def test_every_ground_that_maintenance_gives_has_words() -> None:
    folder = Path(watchkeeper.__file__).parent
    files = [*(folder / "maintain").glob("*.py"), folder / "run" / "keep.py"]
    calls = [node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    given = {
        node.args[0].value
        for node in calls
        if node.args
        and isinstance(node.args[0], ast.Constant)
        and (getattr(node.func, "id", "") in ("Ground", "of_alert") or getattr(node.func, "attr", "") == "ground")
    }
    assert {"fault", "alert_firing", "too_few_rows", "better", "trained", "failed"} <= given
    assert given - {"failed"} <= set(actions._BY_CODE)


def test_several_grounds_are_several_sentences() -> None:
    two = action(Ground("too_few_rows", n=3, needed=9), Ground("frozen", n=2, until=AT), kind=ActionKind.VALIDATE)
    frozen = "2 rollbacks within 7 days freeze automation until 2024-03-12 00:00"
    assert action_sentence(two) == f"needs 9 rows, has 3; {frozen}"
    assert first_ground(two) == "needs 9 rows, has 3"
    assert first_ground(action()) == ""


def test_the_first_ground_is_said_without_its_details() -> None:
    trained = Ground("trained", name="all", n=1_200)
    assert first_ground(action(trained, kind=ActionKind.RETRAIN)) == "trained on 1,200 rows, window all"
    leak = Ground("leakage", name="log_loss", before=0.5, after=0.1, limit=0.6)
    said = first_ground(action(leak, kind=ActionKind.VALIDATE))
    assert said == "the challenger loses 0.1, less than half of 0.6 (log_loss)"
    named = replace(leak, columns=("settled",))
    assert first_ground(action(named)) == "settled alone may know the label (log_loss below half of 0.6)"
