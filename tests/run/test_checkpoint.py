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
TENTH = DAY / 10


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
    assert due(place, day(11).end + TENTH) == [1, 2, 3, 4, 10, 11]


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


def test_a_window_without_rows_waits_a_tenth_of_its_length_where_nothing_was_learned() -> None:
    place = judged(0)
    assert due(place, day(1).end + TENTH - timedelta(microseconds=1)) == []
    assert due(place, day(1).end + TENTH) == [1]
    # Rows of a later window that is due show that the feed has gone on; rows of one that runs show nothing yet.
    assert due(place.touch("c2", {day(2)}, "r"), day(1).end) == []
    assert due(place.touch("c2", {day(2)}, "r"), day(2).end) == [1, 2]


def test_a_stated_grace_holds_for_windows_with_rows_too() -> None:
    place = judged(0).touch("c2", {day(1)}, "r")
    rule = WindowRule(grace=timedelta(hours=5))
    assert place.due(rule, day(1).end + timedelta(hours=4)) == []
    assert place.due(rule, day(1).end + timedelta(hours=5)) == [day(1)]
    assert place.judge(day(1), 0, True).due(rule, day(2).end + timedelta(hours=4)) == []


def again(place: Checkpoint, window: Window) -> Checkpoint:
    rows = place.waiting.get(window, False) or window in place.filled
    return place.judge(window, place.next_revision(window), rows)


def fed(late: timedelta, days_: int, step: timedelta = timedelta(hours=1)) -> Checkpoint:
    """Return the place after a feed whose file of a day comes so late, looked at every hour."""
    place, moment, given = judged(0), day(1).start, 0
    while given < days_:
        files = {day(n) for n in range(given + 1, days_ + 1) if day(n).end + late <= moment}
        place = place.touch(f"c{moment}", files, "r", moment) if files else place
        for window in place.due(RULE, moment):
            place = again(place, window)
        given, moment = given + len(files), moment + step
    return place


@pytest.mark.parametrize("hours", [5, 30, 60])
def test_grace_is_learned_from_how_late_rows_came_before(hours: int) -> None:
    place, late = fed(timedelta(hours=hours), 8), timedelta(hours=hours)
    assert late <= place.grace(RULE) <= 2 * late
    newest = max(place.filled)
    ahead = Window(newest.end, newest.end + DAY)
    assert ahead not in place.due(RULE, ahead.end + late)
    assert ahead in place.due(RULE, ahead.end + 2 * late)


def test_files_of_a_week_at_once_are_learned_as_a_week_of_lateness() -> None:
    place, moment = judged(*range(7)), day(7).start
    place = place.touch("c", set(), "r", moment)
    for week in range(1, 4):
        for hour in range(24 * 7):
            moment = day(7 * week).start + timedelta(hours=hour)
            for window in place.due(RULE, moment):
                place = again(place, window)
        moment = day(7 * week + 7).start
        place = place.touch(f"c{week}", {day(7 * week + n) for n in range(7)}, "r", moment)
    assert timedelta(days=6) < place.grace(RULE) < timedelta(days=12)


def test_a_history_an_outage_and_a_time_nobody_looked_teach_no_lateness() -> None:
    place = judged(*range(30)).touch("c1", {day(30)}, "r", day(30).end)
    assert place.late == ()
    # Old rows that come now, and a month in which no run was made.
    place = place.touch("c2", {Window(START - DAY, START)}, "r", day(31).end)
    place = place.touch("c3", {day(n) for n in range(31, 60)}, "r", day(60).start)
    assert place.grace(RULE) == TENTH
    steady = fed(timedelta(hours=1), 16)
    first = max(steady.filled).end
    gap = [Window(first + n * DAY, first + (n + 1) * DAY) for n in range(3)]
    for window in gap:
        steady = steady.judge(window, 0, False)
    repaired = steady.touch("again", set(gap), "r", gap[-1].end + 5 * DAY)
    assert max(repaired.late) >= 5 * DAY.total_seconds()
    assert repaired.grace(RULE) == TENTH


def test_what_is_learned_is_kept_and_a_place_of_before_is_read_and_written_back_alike() -> None:
    store, place = MemoryStore(), fed(timedelta(hours=5), 4)
    place.save(store, "m", Checkpoint())
    assert Checkpoint.load(store, "m") == place
    assert len(place.late) == 3
    old = MemoryStore()
    judged(0, 1).save(old, "m", Checkpoint())
    text = old.pointer("m", "place")
    assert text is not None
    assert "late" not in text
    assert "seen" not in text
    assert Checkpoint.load(old, "m").text == text


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
