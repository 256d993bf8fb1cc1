"""When retraining is due without an alarm, and what holds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.maintenance.kept import Kept, keep
from bench.maintenance.sets import REFERENCE, WEEK, all_generated, faulty
from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import ConfigError
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import Window, WindowRule
from watchkeeper.maintain.budget import spent
from watchkeeper.maintain.policy import WHO, promotion_barrier, respond
from watchkeeper.maintain.registry import promote, register
from watchkeeper.maintain.regret import Regret
from watchkeeper.maintain.schedule import due, interval
from watchkeeper.maintain.trigger import MaintenanceMemory, WindowLoss
from watchkeeper.words.actions import action_sentence

START = datetime(2024, 6, 3, tzinfo=UTC)
SPEC = Spec("m", Schema(()), WindowRule(WEEK), maintenance=Maintenance("mod:train", promote="auto"))


def first() -> list[Action]:
    """The actions that put a model in charge that was trained up to START."""
    trained = Window(START - 10 * WEEK, START)
    known = register([], "m", "a" * 64, who="ada", why="first", at=START, trained=trained)
    return [known, promote([known], None, "v1", model="m", who="ada", why="first", at=START)[0]]


def tried(week: int, gain: float, error: float = 0.0, outcome: Outcome = Outcome.REFUSED) -> list[Action]:
    """A training after so many weeks, with what it gained of the champion's loss at the gate."""
    at = START + week * WEEK
    facts = {"relative_gain": gain, "relative_error": error, "decision": "refused"}
    return [
        Action(f"t{week}", "m", ActionKind.RETRAIN, Outcome.DONE, "", WHO, at),
        Action(f"v{week}", "m", ActionKind.VALIDATE, outcome, "", WHO, at, "v2", "", facts),
    ]


def memory(week: int, *more: list[Action]) -> MaintenanceMemory:
    return MaintenanceMemory(START + week * WEEK, tuple(first() + [one for part in more for one in part]), "v1")


def with_rule(**options: object) -> Spec:
    return replace(SPEC, maintenance=replace(SPEC.maintenance, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gains", "windows"),
    [
        ([], 4),
        ([0.05], 2),
        ([0.05, 0.05, 0.05, 0.05], 1),
        ([0.01], 8),
        ([0.01, -0.1, 0.0], 16),
        ([0.05, 0.0, 0.0], 8),
    ],
)
def test_the_interval_halves_while_training_gains_more_than_two_percent_and_doubles_while_not(
    gains: list[float], windows: int
) -> None:
    actions = [action for week, gain in enumerate(gains) for action in tried(week, gain)]
    assert interval(actions) == windows


def test_a_gain_within_its_error_or_too_good_to_be_true_makes_nothing_come_sooner() -> None:
    assert interval(tried(1, 0.05, error=0.06)) == 8
    leak = tried(1, 0.9)
    leak[1] = replace(leak[1], facts={**leak[1].facts, "decision": "leakage"})
    assert interval(leak) == 8


def test_nothing_is_due_before_the_interval_has_passed_and_the_decision_to_wait_has_its_date() -> None:
    assert respond([], SPEC, memory(3)) == []
    (action,) = respond([], SPEC, memory(4))
    assert (action.kind, action.facts["mode"]) == (ActionKind.RETRAIN, "auto")
    assert action_sentence(action) == (
        "nothing was trained since 3 June: by what the last trainings gained, the next one pays after 4 windows"
    )
    (waits,) = respond([], SPEC, memory(5, tried(4, 0.004)))
    assert waits.because[0].until == START + 12 * WEEK
    assert action_sentence(waits) == (
        "the next training without an alarm is due on 26 August: the last one gained 0.4% on the champion's loss"
    )
    assert respond([], SPEC, memory(6, tried(4, 0.004), [waits])) == []
    assert respond([], SPEC, memory(12, tried(4, 0.004), [waits]))[0].kind is ActionKind.RETRAIN


def test_a_stated_interval_a_schedule_that_never_comes_and_one_that_is_none() -> None:
    assert due(memory(1), with_rule(schedule="3w")) == START + 3 * WEEK
    assert due(memory(1), with_rule(schedule="never")) is None
    with pytest.raises(ConfigError, match=r"maintain\.schedule: 'often' is not understood\. Valid: adaptive, never"):
        due(memory(1), with_rule(schedule="often"))


def test_a_challenger_that_waits_for_a_person_is_not_followed_by_another_before_sixteen_windows() -> None:
    at = START + 4 * WEEK
    waiting = [Action("p", "m", ActionKind.PROMOTE, Outcome.PROPOSED, "", WHO, at, "v2")]
    passed = tried(4, 0.05, outcome=Outcome.DONE)
    assert due(memory(10, passed, waiting), SPEC) is None
    assert due(memory(20, passed, waiting), SPEC) == START + 6 * WEEK


def test_a_budget_of_trainings_or_of_money_holds_the_next_one_until_one_of_them_is_a_month_old() -> None:
    known = memory(5, tried(3, 0.1), tried(4, 0.1))
    assert spent(SPEC, known) is None
    assert spent(with_rule(most_trainings=3), known) is None
    for rule in ({"most_trainings": 2}, {"most_money": 25.0, "cost": 10.0}):
        ground = spent(with_rule(**rule), known)
        assert ground is not None
        assert ground.until == START + 3 * WEEK + timedelta(days=30)
    (held,) = respond([], with_rule(most_trainings=2, schedule="1w", cooldown=0), known)
    assert action_sentence(held) == (
        "2 trainings within 30 days, and 2 trainings are allowed; the next may be on 24 July"
    )


def test_the_switch_stops_training_and_promotion_and_says_so_once() -> None:
    off = with_rule(enabled=False)
    (held,) = respond([], off, memory(4))
    assert (held.kind, held.because[0].code) == (ActionKind.HOLD, "switched_off")
    assert respond([], off, memory(5, [held])) == []
    barrier = promotion_barrier(off, memory(4))
    assert barrier is not None
    assert barrier.code == "switched_off"


def test_what_was_lost_since_the_last_training_is_weighed_against_the_cost_of_one() -> None:
    spec = with_rule(cost=100.0, loss_value=2.0)
    losses = tuple(WindowLoss(START + n * WEEK, 0.4, 200) for n in range(1, 4))
    known = replace(memory(3), losses=losses, healthy=0.3)
    found = Regret().propose((), known, spec)
    assert found is not None
    assert found.ground.value == pytest.approx(3 * 200 * 0.1 * 2)
    assert Regret().propose((), replace(known, losses=losses[:2]), spec) is None
    # What was lost before a training has been answered by it.
    assert Regret().propose((), replace(known, actions=(*known.actions, *tried(2, 0.0))), spec) is None


def linear(rows):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(rows.drop("label", "id", "time", strict=False), rows["label"])


@pytest.fixture(scope="module")
def played() -> dict[str, Kept]:
    return {stream.name: keep(stream, linear) for stream in all_generated(1)}


@pytest.mark.parametrize(
    ("name", "most"),
    [("none 1", 0.1), ("label noise 1", 0.1), ("concept 1", 0.3), ("mild 1", 0.5), ("recurring 1", 0.5)],
)
def test_trainings_are_rare_where_nothing_changes(name: str, most: float, played: dict[str, Kept]) -> None:
    assert len(played[name].trained) <= most * len(played[name].losses)


def test_a_concept_change_is_repaired_by_a_training_within_three_windows(played: dict[str, Kept]) -> None:
    assert any(20 <= number <= 23 for number in played["concept 1"].promoted)


def test_nothing_is_trained_while_a_data_fault_is_open() -> None:
    broken = range(REFERENCE + 20, REFERENCE + 25)
    assert not [n for n in keep(faulty(), linear, broken).trained if n + REFERENCE in broken]
