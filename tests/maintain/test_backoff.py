"""How long nothing is trained after trainings that failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from watchkeeper.core.action import Action, ActionKind, Outcome
from watchkeeper.core.ground import Ground
from watchkeeper.core.schema import Schema
from watchkeeper.core.spec import Maintenance, Spec
from watchkeeper.core.window import WindowRule
from watchkeeper.maintain.backoff import backing_off, failed_ground
from watchkeeper.maintain.trigger import MaintenanceMemory
from watchkeeper.words.actions import ground_sentence

MONDAY = datetime(2024, 6, 3, tzinfo=UTC)
DAY = timedelta(days=1)
SPEC = Spec("m", Schema(()), WindowRule(DAY), maintenance=Maintenance("mod:train", cooldown=2))


def ended(day: int, outcome: Outcome = Outcome.FAILED) -> Action:
    return Action(f"{day}", "m", ActionKind.RETRAIN, outcome, "", "watchkeeper", MONDAY + day * DAY)


def waits(days: int, *actions: Action) -> Ground | None:
    return backing_off(SPEC, MaintenanceMemory(MONDAY + days * DAY, actions))


def test_the_wait_doubles_with_each_failure_in_a_row_up_to_sixteen_cool_downs() -> None:
    failures = [ended(day) for day in range(8)]
    pauses = []
    for count in range(1, 9):
        found = waits(count - 1, *failures[:count])
        assert found is not None
        assert found.until is not None
        assert found.n == count
        pauses.append((found.until - failures[count - 1].at) / DAY)
    assert pauses == [2, 4, 8, 16, 32, 32, 32, 32]


def test_a_try_is_free_from_the_date_of_review_on_and_after_a_success() -> None:
    assert waits(1, ended(0)) is not None
    assert waits(2, ended(0)) is None
    assert waits(1, ended(-1), ended(0), ended(1, Outcome.DONE)) is None
    assert waits(0) is None


def test_a_failure_says_when_the_next_try_is() -> None:
    failed = failed_ground(SPEC, MaintenanceMemory(MONDAY + DAY, (ended(0),)), "train failed: no disk\n  train.py:3")
    assert (failed.n, failed.until) == (2, MONDAY + 5 * DAY)
    assert ground_sentence(failed) == "train failed: no disk; the next try is from 2024-06-08 00:00\n  train.py:3"
    held = waits(1, ended(0))
    assert held is not None
    assert ground_sentence(held) == (
        "the last training failed, the newest at 2024-06-03 00:00; the next try is from 2024-06-05 00:00"
    )
