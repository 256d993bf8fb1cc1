"""Versions, promotion and rollback as functions of recorded actions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.errors import UsageError
from watchkeeper.core.window import Window
from watchkeeper.maintain.registry import action_id, promote, register, roll_back, versions

START = datetime(2024, 1, 1, tzinfo=UTC)


class Ledger:
    """What a store does with the actions and the pointer."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.pointer: str | None = None
        self.day = 0

    def at(self) -> datetime:
        self.day += 1
        return START + timedelta(days=self.day)

    def register(self, artefact: str) -> str:
        made = register(self.actions, "m", artefact, who="ada", why="trained", at=self.at(), parent=self.pointer)
        self.actions.append(made)
        return made.version

    def do(self, done: tuple[Action, dict[str, tuple[str | None, str | None]]]) -> None:
        action, moves = done
        assert moves["champion"][0] == self.pointer
        self.actions.append(action)
        self.pointer = moves["champion"][1]

    def promote(self, version: str) -> None:
        self.do(promote(self.actions, self.pointer, version, model="m", who="ada", why="better", at=self.at()))

    def roll_back(self, to: str | None = None) -> None:
        self.do(roll_back(self.actions, self.pointer, to, model="m", who="ada", why="worse", at=self.at()))

    def standing(self) -> dict[str, str]:
        return {v.name: v.standing.value for v in versions(self.actions, self.pointer)}


@pytest.fixture
def three() -> Ledger:
    """Three versions, each promoted after the one before."""
    ledger = Ledger()
    for artefact in "abc":
        ledger.promote(ledger.register(artefact * 64))
    return ledger


def test_versions_are_numbered_in_order_and_know_their_parent(three: Ledger) -> None:
    found = versions(three.actions, three.pointer)
    assert [(v.name, v.parent, v.artefact[0]) for v in found] == [("v1", "", "a"), ("v2", "v1", "b"), ("v3", "v2", "c")]
    assert three.standing() == {"v1": "retired", "v2": "retired", "v3": "champion"}


def test_what_was_registered_is_read_back(three: Ledger) -> None:
    window = Window(START, START + timedelta(days=60))
    made = register(
        three.actions, "m", "d" * 64, who="ada", why="age", at=START, trained=window, metrics={"log_loss": 0.5}
    )
    version = versions([*three.actions, made], "v3")[-1]
    assert (version.name, version.trained, version.metrics) == ("v4", window, {"log_loss": 0.5})
    assert version.standing.value == "challenger"


def test_the_same_model_is_registered_once_even_when_the_run_is_repeated(three: Ledger) -> None:
    window = Window(START, START + timedelta(days=60))
    first = register(three.actions, "m", "d" * 64, who="w", why="age", at=START, trained=window)
    again = register([*three.actions, first], "m", "d" * 64, who="w", why="age", at=START, trained=window)
    assert again is first
    before = register(three.actions, "m", "d" * 64, who="w", why="age", at=START, trained=window)
    assert before == first


def test_an_action_has_one_identity_wherever_its_moment_is_written() -> None:
    from zoneinfo import ZoneInfo

    there = START.astimezone(ZoneInfo("Asia/Tokyo"))
    first = action_id("m", ActionKind.PROMOTE, "v1", START, "better")
    assert action_id("m", ActionKind.PROMOTE, "v1", there, "better") == first
    others = {
        action_id("n", ActionKind.PROMOTE, "v1", START, "better"),
        action_id("m", ActionKind.ROLL_BACK, "v1", START, "better"),
        action_id("m", ActionKind.PROMOTE, "v2", START, "better"),
        action_id("m", ActionKind.PROMOTE, "v1", START + timedelta(seconds=1), "better"),
        action_id("m", ActionKind.PROMOTE, "v1", START, "worse"),
    }
    assert len(others | {first}) == 6


def test_the_pointer_moves_from_what_it_holds(three: Ledger) -> None:
    three.register("d" * 64)
    action, moves = promote(three.actions, "v3", "v4", model="m", who="ada", why="better", at=START)
    assert moves == {"champion": ("v3", "v4")}
    assert (action.version, action.outcome, action.facts["from"]) == ("v4", Outcome.DONE, "v3")


def test_an_unknown_version_is_named_with_the_nearest(three: Ledger) -> None:
    with pytest.raises(UsageError, match=r"there is no version 'v33'; did you mean 'v3'\? Valid: v1, v2, v3"):
        three.promote("v33")


def test_the_champion_cannot_be_promoted_again(three: Ledger) -> None:
    with pytest.raises(UsageError, match="v3 is the champion already"):
        three.promote("v3")


def test_rolling_back_twice_goes_back_two_champions(three: Ledger) -> None:
    three.roll_back()
    assert three.pointer == "v2"
    assert three.standing() == {"v1": "retired", "v2": "champion", "v3": "rolled_back"}
    three.roll_back()
    assert three.pointer == "v1"
    with pytest.raises(UsageError, match="nothing to roll back to: no champion came before v1"):
        three.roll_back()


def test_a_rollback_may_name_an_earlier_champion(three: Ledger) -> None:
    three.roll_back("v1")
    assert three.pointer == "v1"
    assert three.standing()["v2"] == "rolled_back"


def test_a_rollback_goes_only_to_earlier_champions(three: Ledger) -> None:
    three.register("d" * 64)
    with pytest.raises(UsageError, match=r"v4 is no champion from before v3; .*Valid: v1, v2\. To put it in charge"):
        three.roll_back("v4")
    with pytest.raises(UsageError, match="v3 is the champion already"):
        three.roll_back("v3")
    with pytest.raises(UsageError, match="there is no version 'v9'"):
        three.roll_back("v9")


def test_after_a_rollback_and_a_new_promotion_the_rolled_back_version_is_left_out(three: Ledger) -> None:
    three.roll_back()
    three.promote(three.register("d" * 64))
    three.roll_back()
    assert three.pointer == "v2"


def test_a_version_put_back_by_promotion_can_be_rolled_back_from(three: Ledger) -> None:
    three.promote("v1")
    three.roll_back()
    assert three.pointer == "v3"
    three.roll_back()
    assert three.pointer == "v2"


def test_nothing_can_be_rolled_back_before_the_first_promotion() -> None:
    ledger = Ledger()
    ledger.register("a" * 64)
    with pytest.raises(UsageError, match="no champion came before the first one"):
        ledger.roll_back()


def test_a_refused_challenger_says_so(three: Ledger) -> None:
    name = three.register("d" * 64)
    refused = Action("x", "m", ActionKind.VALIDATE, Outcome.REFUSED, "worse", "w", START, name)
    assert versions([*three.actions, refused], "v3")[-1].standing.value == "refused"
    passed = replace(refused, id="y", outcome=Outcome.DONE)
    assert versions([*three.actions, refused, passed], "v3")[-1].standing.value == "challenger"
