"""Routing: stable, in proportion, and only by a rollout that is open beside the champion."""

from __future__ import annotations

import json

import pytest

from watchkeeper.serve.routing import Roles, bucket, roles_from


def rollout(**changed: object) -> str:
    told = {"id": "r1", "champion": "v1", "challenger": "v2", "state": "running", "shares": [0, 0.05, 1], "stage": 1}
    return json.dumps({**told, **changed})


def test_requests_go_in_proportion_and_stay_where_they_went() -> None:
    few, more = Roles("v1", "v2", 0.05, salt="r1"), Roles("v1", "v2", 0.25, salt="r1")
    went = {number for number in range(20_000) if few.version_for(number) == "v2"}
    assert len(went) == pytest.approx(1_000, abs=100)
    assert went <= {number for number in range(20_000) if more.version_for(number) == "v2"}
    assert len({bucket("r1", number) < 0.05 for number in went}) == 1
    # The requests of another rollout are others.
    assert len(went & {number for number in range(20_000) if bucket("r2", number) < 0.05}) < 100


def test_the_same_request_goes_the_same_way_whatever_the_process() -> None:
    # printf 'salt\n1' | sha256sum begins with these digits.
    assert bucket("salt", 1) == bucket("salt", "1") == int("96678f06e2ab93", 16) / 16**14


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, Roles("v1")),
        (rollout(), Roles("v1", "v2", 0.05, salt="r1")),
        (rollout(stage=0), Roles("v1", shadow="v2", salt="r1")),
        (rollout(state="paused"), Roles("v1", "v2", 0.05, salt="r1")),
        (rollout(state="rolled_back"), Roles("v1")),
        (rollout(champion="v0"), Roles("v1")),
        # All went to v2, which was in charge; somebody put v1 there again.
        (rollout(stage=2), Roles("v1")),
        (rollout(stage=2, state="paused"), Roles("v1")),
        (rollout(stage=9), Roles("v1")),
        ("no JSON", Roles("v1")),
        ("[1]", Roles("v1")),
    ],
)
def test_only_an_open_rollout_beside_the_champion_gives_a_part(held: str | None, expected: Roles) -> None:
    assert roles_from("v1", held) == expected
