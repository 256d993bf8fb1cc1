"""With every wording function replaced by one that returns an empty string the product decides the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.words.deciding import check_same, decided

Telling = dict[str, Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Telling:
    """What the short story decided."""
    return decided("short", tmp_path_factory.mktemp("told") / "sales")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Telling:
    """What it decides with every sentence empty."""
    return decided("short", tmp_path_factory.mktemp("silent") / "sales", "--silent")


def test_no_decision_is_read_from_a_sentence(told: Telling, silent: Telling) -> None:
    check_same(told, silent)


def test_the_story_has_all_that_a_sentence_could_decide(told: Telling) -> None:
    alerts, actions = (list(map(json.loads, told["nouns"][kind])) for kind in ("alert", "action"))
    ended = {(alert["cause"], alert["end"]) for alert in alerts}
    assert ended >= {
        ("drift", "lapsed"), ("no_data", "withdrawn"), ("data_fault", "cleared"), ("performance", "cleared"),
    }  # fmt: skip
    assert {(alert["cause"], alert["state"]) for alert in alerts} >= {("drift", "firing")}
    assert len(told["nouns"]["diagnosis"]) > 3
    done = {(action["kind"], action["outcome"], because(action)) for action in actions}
    assert done >= {
        ("hold", "done", "fault"), ("hold", "done", "refused_lately"), ("retrain", "proposed", "alert_firing"),
        ("validate", "done", "better"), ("validate", "refused", "not_better"), ("promote", "done", "better"),
        ("validate", "refused", "not_non_inferior"), ("roll_back", "done", ""),
    }  # fmt: skip
    assert {code for _, code in told["exits"]} == {0, 1, 2}


def because(action: dict[str, Any]) -> str:
    """Return the code of what an action rests on."""
    return str(next(iter(action.get("because", [])), {}).get("code", ""))


def test_the_silent_story_says_nothing(told: Telling, silent: Telling) -> None:
    assert "x is 1000 times what it was" in " ".join(told["lines"])
    assert silent["lines"] == [""] * len(told["lines"])
    assert silent["talkers"] > 5
