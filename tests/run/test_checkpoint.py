"""Where a run goes on: which windows wait, which are silent, and how little it takes to remember."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.core.window import Window, WindowRule
from watchkeeper.run.checkpoint import Checkpoint
from watchkeeper.store.memory import MemoryStore

START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = WindowRule()
LATER = START + 1_000 * DAY


def day(number: int) -> Window:
    return Window(START + number * DAY, START + (number + 1) * DAY)


def days(first: int, end: int) -> set[Window]:
    return {day(n) for n in range(first, end)}


def judged(*numbers: int, empty: tuple[int, ...] = ()) -> Checkpoint:
    """Return a place at which these days were judged, some of them without rows."""
    place = Checkpoint("c1", "b", "r")
    for number in sorted({*numbers, *empty}):
        place = place.judge(day(number), 0, number not in empty)
    return place


def due(place: Checkpoint, now: datetime = LATER) -> list[int]:
    return [(window.start - START) // DAY for window in place.due(RULE, now)]


def test_new_rows_make_their_window_and_all_judged_after_it_wait() -> None:
    place = judged(0, 1, 2, 3).touch("c2", {day(1)}, "r")
    assert place.waiting == {day(1): True, day(2): False, day(3): False}
    assert place.cursor == "c2"


def test_rows_older_than_all_judged_windows_make_all_of_them_wait() -> None:
    place = judged(5, 6).touch("c2", {day(2)}, "r")
    assert place.waiting == {day(2): True, day(5): False, day(6): False}


def test_another_reference_makes_all_judged_windows_wait() -> None:
    place = judged(0, 1).touch("c1", set(), "another")
    assert place.waiting == {day(0): False, day(1): False}
    assert place.touch("c1", set(), "another").waiting == place.waiting


def test_a_window_that_waits_for_its_own_sake_keeps_doing_so() -> None:
    place = judged(0, 1, 2).touch("c2", {day(2)}, "r").touch("c3", {day(0)}, "r")
    assert place.waiting == {day(0): True, day(1): False, day(2): True}


def test_nothing_new_makes_nothing_wait() -> None:
    place = judged(0, 1)
    assert place.touch("c1", set(), "r").waiting == {}
    assert place.touch("c1", set(), "r").moves(place) == {}


def test_windows_are_due_in_order_once_they_have_ended() -> None:
    place = judged(0, 1).touch("c2", {day(3), day(2)}, "r")
    assert due(place, day(2).end) == [2]
    assert due(place, day(3).end) == [2, 3]
    assert due(place, day(2).end - timedelta(microseconds=1)) == []


def test_four_windows_of_a_silence_are_due_at_its_end_and_in_the_middle() -> None:
    place = judged(0).touch("c2", {day(10)}, "r")
    assert due(place) == [1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert due(place, day(11).end) == [1, 2, 3, 4, 10, 11]


def test_silence_is_counted_from_the_last_rows_and_not_from_the_last_judgement() -> None:
    place = judged(0, 1, empty=(2, 3, 4, 5))
    assert due(place) == []
    assert due(place.touch("c2", {day(1)}, "r")) == [1, 2, 3, 4, 5]


def test_rows_in_a_silence_are_judged_and_start_a_silence_of_their_own() -> None:
    place = judged(0, empty=(1, 2, 3, 4)).touch("c2", {day(3)}, "r")
    assert due(place) == [3, 4, 5, 6, 7]


def test_one_row_of_1970_costs_five_windows() -> None:
    old = RULE.window_of(datetime(1970, 1, 1, tzinfo=UTC))
    place = judged(0, 1).touch("c2", {old}, "r")
    assert len(place.due(RULE, day(1).end)) == 1 + 4 + 2


def test_a_row_of_the_future_waits_for_its_time() -> None:
    place = judged(0).touch("c2", {day(1), day(900)}, "r")
    assert due(place, day(1).end) == [1]
    assert place.judge(day(1), 0, True).waiting == {day(900): True}


@pytest.mark.parametrize(("grain", "every"), [(DAY, 7 * DAY), (timedelta(hours=6), DAY)])
def test_states_made_otherwise_are_all_made_again(grain: timedelta, every: timedelta) -> None:
    place = judged(0, 1).touch("c2", {day(1)}, "r")
    rule = WindowRule(every, grain)
    fresh = place.based_on("another", rule)
    assert (fresh.cursor, fresh.basis, fresh.waiting) == ("", "another", {})
    # Days stay days; they are no weeks.
    assert fresh.judged == (days(0, 2) if every == DAY else set())
    assert place.based_on("b", rule) is place


def test_a_place_is_read_back_as_it_was_written() -> None:
    store = MemoryStore()
    place = judged(0, 1, 2, 7, empty=(8,)).judge(day(1), 3, True).touch("c2", {day(2), day(40)}, "r")
    place.save(store, "m", Checkpoint())
    assert Checkpoint.load(store, "m") == place
    assert Checkpoint.load(store, "m").moves(place) == {}


def test_a_year_of_hours_takes_little_to_remember() -> None:
    hour = timedelta(hours=1)
    hours = {Window(START + n * hour, START + (n + 1) * hour): 0 for n in range(8_760)}
    place = Checkpoint("c", "b", "r", {}, hours, frozenset(hours))
    store = MemoryStore()
    place.save(store, "m", Checkpoint())
    assert len(place.text or "") < 300
    assert Checkpoint.load(store, "m").revisions == hours


def test_the_window_before_is_the_newest_judged_one() -> None:
    place = judged(0, 1, 4)
    assert place.before(day(4)) == day(1)
    assert place.before(day(3)) == day(1)
    assert place.before(day(0)) is None
