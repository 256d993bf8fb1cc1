from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.store import AuditEvent
from watchkeeper.store.audit import audit_breaks
from watchkeeper.store.lake import LakeStore
from watchkeeper.store.nouns import to_json


def _chain(lake: LakeStore, length: int = 5) -> list[AuditEvent]:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(length):
        action = Action(str(number), "m", ActionKind.RETRAIN, Outcome.DONE, "drift", "me", at, facts={"n": number})
        lake.record("m", [action])
    return lake.recorded("m", AuditEvent)


def test_a_link_is_the_sha_256_of_the_one_before_and_the_json_of_the_action(lake: LakeStore) -> None:
    first, second = _chain(lake, 2)
    assert first.hash == hashlib.sha256(to_json(first.action).encode()).hexdigest()
    assert second.hash == hashlib.sha256((first.hash + to_json(second.action)).encode()).hexdigest()


def test_an_untouched_chain_has_no_breaks(lake: LakeStore) -> None:
    assert audit_breaks(_chain(lake), lake.pointer("m", "audit")) == []
    assert audit_breaks([]) == []


@pytest.mark.parametrize("number", range(5))
def test_an_altered_link_is_found(lake: LakeStore, number: int) -> None:
    chain = _chain(lake)
    for field, value in {"who": "somebody", "outcome": Outcome.REFUSED, "facts": {"n": 9.0}}.items():
        altered = [*chain]
        altered[number] = replace(chain[number], action=replace(chain[number].action, **{field: value}))
        assert audit_breaks(altered) == [number + 1]


@pytest.mark.parametrize("number", range(4))
def test_a_removed_link_is_found_at_its_successor(lake: LakeStore, number: int) -> None:
    chain = _chain(lake)
    assert audit_breaks(chain[:number] + chain[number + 1 :]) == [number + 2]


def test_links_cut_off_at_the_end_are_found_by_the_pointer(lake: LakeStore) -> None:
    chain = _chain(lake)
    assert audit_breaks(chain[:3], lake.pointer("m", "audit")) == [4]
    assert audit_breaks([], lake.pointer("m", "audit")) == [1]


def test_exchanged_links_are_found(lake: LakeStore) -> None:
    chain = _chain(lake)
    for at in range(4):
        exchanged = [*chain]
        exchanged[at], exchanged[at + 1] = chain[at + 1], chain[at]
        assert audit_breaks(exchanged)
        renumbered = [replace(event, number=n) for n, event in enumerate(exchanged, 1)]
        assert audit_breaks(renumbered)


def test_a_link_written_into_the_middle_is_found(lake: LakeStore) -> None:
    chain = _chain(lake)
    assert audit_breaks([*chain[:2], chain[1], *chain[2:]])
