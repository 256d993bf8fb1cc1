"""What is proposed, held and left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.said import said
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.plugins import plugins
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.maintain.policy import WHO, promotion_barrier, respond
from watchkeeper.maintain.registry import promote, register
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.words.actions import action_sentence, ground_sentence

NOW = datetime(2024, 6, 3, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@pytest.fixture
def spec(binary: Schema) -> Spec:
    """Watched by the week and kept up automatically."""
    return Spec("m", binary, WindowRule(WEEK), maintenance=Maintenance("mod:train", promote="auto", schedule="never"))


def alert(
    cause: Cause, state: AlertState = AlertState.FIRING, last: datetime = NOW, message: str = "AUROC fell"
) -> Alert:
    return Alert(f"{cause.value}-1", "m", cause, Severity.PAGE, state, NOW - 2 * WEEK, last, ("x",), (), said(message))


def done(
    kind: ActionKind, at: datetime, outcome: Outcome = Outcome.DONE, who: str = WHO, version: str = "v2"
) -> Action:
    return Action(f"{kind}-{at}-{outcome}", "m", kind, outcome, "because", who, at, version)


def barred(spec: Spec, memory: MaintenanceMemory) -> str:
    """The code of what bars a promotion; empty when nothing does."""
    barrier = promotion_barrier(spec, memory)
    return barrier.code if barrier else ""


def test_both_built_in_triggers_are_found_as_plugins() -> None:
    assert {"age", "performance_drop"} <= set(plugins("trigger"))


def test_a_firing_performance_alert_proposes_to_retrain_with_its_reason(spec: Spec) -> None:
    (action,) = respond([alert(Cause.PERFORMANCE)], spec, MaintenanceMemory(NOW))
    assert (action.kind, action.outcome, action_sentence(action), action.alert) == (
        ActionKind.RETRAIN, Outcome.PROPOSED, "AUROC fell", "performance-1",
    )  # fmt: skip
    assert action.facts["mode"] == "auto"


@pytest.mark.parametrize("state", [AlertState.PENDING, AlertState.MUTED, AlertState.ENDED])
def test_a_performance_alert_that_is_not_firing_proposes_nothing(state: AlertState, spec: Spec) -> None:
    assert respond([alert(Cause.PERFORMANCE, state)], spec, MaintenanceMemory(NOW)) == []


def test_drift_alone_proposes_nothing(spec: Spec) -> None:
    assert respond([alert(Cause.DRIFT)], spec, MaintenanceMemory(NOW)) == []


def test_a_data_fault_holds_training_back_and_says_why(spec: Spec) -> None:
    faults = [alert(Cause.PERFORMANCE), alert(Cause.DATA_FAULT, message="distance is 1.609 times as large")]
    (action,) = respond(faults, spec, MaintenanceMemory(NOW))
    assert (action.kind, action.outcome, action.alert) == (ActionKind.HOLD, Outcome.DONE, "data_fault-1")
    assert (
        action_sentence(action)
        == "retraining waits: data fault in x since 2024-05-20: distance is 1.609 times as large"
    )


def test_a_fault_that_goes_on_is_held_once_even_when_its_numbers_change(spec: Spec) -> None:
    (first,) = respond([alert(Cause.DATA_FAULT, message="10 % nulls")], spec, MaintenanceMemory(NOW))
    again = respond([alert(Cause.DATA_FAULT, message="11 % nulls")], spec, MaintenanceMemory(NOW + WEEK, (first,)))
    assert again == []


def test_the_same_alerts_give_the_same_actions_with_the_same_ids(spec: Spec) -> None:
    alerts = [alert(Cause.PERFORMANCE)]
    first, second = (respond(alerts, spec, MaintenanceMemory(NOW)) for _ in range(2))
    assert first == second
    assert respond(alerts, spec, MaintenanceMemory(NOW, tuple(first))) == []


def test_a_model_that_is_only_watched_gets_no_action(spec: Spec) -> None:
    alerts = [alert(Cause.PERFORMANCE), alert(Cause.DATA_FAULT)]
    for rule in (Maintenance(), Maintenance("mod:train", retrain="never")):
        assert respond(alerts, replace(spec, maintenance=rule), MaintenanceMemory(NOW)) == []


def test_evidence_from_before_the_promotion_does_not_count_against_the_new_champion(spec: Spec) -> None:
    memory = MaintenanceMemory(NOW, (done(ActionKind.PROMOTE, NOW - DAY),))
    assert respond([alert(Cause.PERFORMANCE, last=NOW - 2 * DAY)], spec, memory) == []
    assert len(respond([alert(Cause.PERFORMANCE, last=NOW)], spec, memory)) == 1


def test_an_old_champion_is_retrained_when_there_is_an_age_limit(spec: Spec) -> None:
    trained = Window(NOW - 100 * DAY, NOW - 50 * DAY)
    first = register([], "m", "a" * 64, who="ada", why="first", at=NOW - 49 * DAY, trained=trained)
    second, _ = promote([first], None, "v1", model="m", who="ada", why="first", at=NOW - 49 * DAY)
    memory = MaintenanceMemory(NOW, (first, second), "v1")
    limited = [replace(spec, maintenance=replace(spec.maintenance, max_age=n * DAY)) for n in (49, 50)]
    (action,) = respond([], limited[0], memory)
    assert action_sentence(action) == f"v1 was trained on rows up to {NOW - 50 * DAY:%Y-%m-%d}; the limit is 49 days"
    assert respond([], limited[1], memory) == []
    assert respond([], spec, memory) == []


def test_after_a_refusal_nothing_is_tried_for_the_cooldown_and_then_again(spec: Spec) -> None:
    refused = done(ActionKind.VALIDATE, NOW - WEEK, Outcome.REFUSED)
    alerts = [alert(Cause.PERFORMANCE, last=NOW + WEEK)]
    (hold,) = respond(alerts, spec, MaintenanceMemory(NOW, (refused,)))
    assert hold.kind is ActionKind.HOLD
    assert action_sentence(hold) == "v2 has been refused since 2024-05-27 00:00; the next try is from 2024-06-10 00:00"
    (action,) = respond(alerts, spec, MaintenanceMemory(NOW + WEEK, (refused, hold)))
    assert action.kind is ActionKind.RETRAIN


def test_a_refused_challenger_of_the_schedule_does_not_hold_up_the_answer_to_an_alert(spec: Spec) -> None:
    refused, alerts = done(ActionKind.VALIDATE, NOW - DAY, Outcome.REFUSED), [alert(Cause.PERFORMANCE)]
    scheduled = done(ActionKind.RETRAIN, NOW - DAY, Outcome.PROPOSED)
    (action,) = respond(alerts, spec, MaintenanceMemory(NOW, (scheduled, refused)))
    assert action.kind is ActionKind.RETRAIN
    answered = replace(scheduled, alert="performance-1")
    (hold,) = respond(alerts, spec, MaintenanceMemory(NOW, (answered, refused)))
    assert (hold.kind, hold.because[0].code) == (ActionKind.HOLD, "refused_lately")


def test_a_promotion_after_the_refusal_ends_the_cooldown(spec: Spec) -> None:
    actions = (done(ActionKind.VALIDATE, NOW - WEEK, Outcome.REFUSED), done(ActionKind.PROMOTE, NOW - DAY))
    (action,) = respond([alert(Cause.PERFORMANCE)], spec, MaintenanceMemory(NOW, actions))
    assert action.kind is ActionKind.RETRAIN


def test_two_rollbacks_in_seven_days_freeze_automation_and_one_does_not(spec: Spec) -> None:
    rollbacks = tuple(done(ActionKind.ROLL_BACK, NOW - n * DAY) for n in (5, 1))
    alerts = [alert(Cause.PERFORMANCE)]
    (hold,) = respond(alerts, spec, MaintenanceMemory(NOW, rollbacks))
    assert hold.kind is ActionKind.HOLD
    assert action_sentence(hold) == "2 rollbacks within 7 days freeze automation until 2024-06-05 00:00"
    assert barred(spec, MaintenanceMemory(NOW, rollbacks)) == "frozen"
    assert respond(alerts, spec, MaintenanceMemory(NOW, rollbacks[1:]))[0].kind is ActionKind.RETRAIN
    later = MaintenanceMemory(NOW + 2 * DAY, rollbacks)
    assert respond([alert(Cause.PERFORMANCE, last=NOW + 2 * DAY)], spec, later)[0].kind is ActionKind.RETRAIN


def test_there_is_at_most_one_automatic_promotion_a_day(spec: Spec) -> None:
    own, manual = done(ActionKind.PROMOTE, NOW - DAY / 2), done(ActionKind.PROMOTE, NOW - DAY / 2, who="ada")
    assert barred(spec, MaintenanceMemory(NOW, (own,))) == "one_a_day"
    assert barred(spec, MaintenanceMemory(NOW, (manual,))) == ""
    assert barred(spec, MaintenanceMemory(NOW + DAY / 2, (own,))) == ""


@pytest.mark.parametrize("mode", ["ask", "never"])
def test_without_auto_a_person_decides_on_the_promotion(mode: str, spec: Spec) -> None:
    careful = replace(spec, maintenance=replace(spec.maintenance, promote=mode))
    barrier = promotion_barrier(careful, MaintenanceMemory(NOW))
    assert barrier is not None
    assert ground_sentence(barrier) == f"maintain.promote is {mode}: a person decides"


def test_what_0_1_0_proposed_in_this_window_is_not_proposed_again(spec: Spec) -> None:
    old = Action("x", "m", ActionKind.RETRAIN, Outcome.PROPOSED, "AUROC is 0.6", WHO, NOW, "", "performance-1")
    assert respond([alert(Cause.PERFORMANCE)], spec, MaintenanceMemory(NOW, (old,))) == []
    later = alert(Cause.PERFORMANCE, last=NOW + WEEK)
    assert len(respond([later], spec, MaintenanceMemory(NOW + WEEK, (old,)))) == 1


def test_a_question_is_asked_once_until_it_is_answered(spec: Spec) -> None:
    asking = replace(spec, maintenance=replace(spec.maintenance, retrain="ask"))
    (question,) = respond([alert(Cause.PERFORMANCE)], asking, MaintenanceMemory(NOW))
    assert question.facts["mode"] == "ask"
    later = [alert(Cause.PERFORMANCE, last=NOW + WEEK, message="AUROC fell further")]
    assert respond(later, asking, MaintenanceMemory(NOW + WEEK, (question,))) == []
    answered = (question, done(ActionKind.RETRAIN, NOW + DAY))
    assert len(respond(later, asking, MaintenanceMemory(NOW + WEEK, answered))) == 1
