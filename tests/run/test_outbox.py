"""The outbox: at least once, keyed, retried with pauses, and no receiver delays another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from tests.alerts.said import said
from watchkeeper.alerts.letter import Letter
from watchkeeper.alerts.outbox import MOST_ATTEMPTS, STORM
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.delivery import Delivery, DeliveryState
from watchkeeper.core.errors import DeliveryError
from watchkeeper.core.query import Query
from watchkeeper.core.routes import Route, parse_quiet
from watchkeeper.core.store import Noun
from watchkeeper.run import outbox, told
from watchkeeper.run.notify import post_news, receiver_of
from watchkeeper.run.outbox import Courier
from watchkeeper.run.told import due_again, undelivered
from watchkeeper.store.memory import MemoryStore

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRING = Alert(
    "a1", "m", Cause.DRIFT, Severity.WARNING, AlertState.FIRING, NOON - DAY, NOON, ("x",), evidence=said("x moved"),
)  # fmt: skip
OVER = replace(FIRING, state=AlertState.ENDED, end=AlertEnd.CLEARED)


class Phone:
    """A notifier that keeps the messages it is sent, fails as often as it is told to, and hangs where it is told to."""

    plugin, name = "notifier", "phone"

    def __init__(self) -> None:
        self.letters: dict[str, list[Letter]] = {}
        self.failing: dict[str, int] = {}
        self.after: float | None = None
        self.release = Event()

    def send(self, alert: Alert, options: dict[str, str]) -> None:
        raise AssertionError("it is sent messages")

    def send_letter(self, letter: Letter, options: dict[str, str]) -> None:
        to = options["to"]
        if to == "hangs":
            self.release.wait()
        if self.failing.get(to, 0) > 0:
            self.failing[to] -= 1
            error = DeliveryError("the line is busy")
            error.after = self.after
            raise error
        self.letters.setdefault(to, []).append(letter)

    def states(self, to: str = "anna") -> list[list[str]]:
        return [[alert.state.value for alert in letter.alerts] for letter in self.letters.get(to, [])]


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Phone]:
    made = Phone()
    for module in (outbox, told):
        monkeypatch.setattr(module, "plugin", lambda kind, name: made)
    yield made
    made.release.set()


def route(to: str = "anna", **more: object) -> Route:
    return Route("phone", {"to": to}, **more)


class House:
    """A store, the time, and who delivers."""

    def __init__(self, *routes: Route) -> None:
        self.store, self.now, self.routes = MemoryStore(), NOON, routes or (route(),)
        self.courier = Courier(self.store, clock=lambda: self.now)

    def tell(self, *alerts: Alert, later: timedelta = MINUTE * 0) -> list[str]:
        self.now += later
        by_model: dict[str, list[Alert]] = {"m": []}
        for alert in alerts:
            by_model.setdefault(alert.model, []).append(alert)
        for model, own in by_model.items():
            self.store.record(model, own)
            post_news(model, self.store, self.routes, self.now)
            self.courier.hand_over(model, self.routes)
        return [words for problems in self.courier.collect().values() for words in problems]

    def deliveries(self, *states: DeliveryState) -> list[Delivery]:
        return self.store.recorded("m", Delivery, Query(deliveries=states or None))


def test_a_failed_message_waits_twice_as_long_each_time_and_keeps_its_key(phone: Phone) -> None:
    house, seen = House(), []
    phone.failing["anna"] = 4
    house.tell(FIRING)
    while house.deliveries(DeliveryState.WAITING):
        (waiting,) = house.deliveries(DeliveryState.WAITING)
        seen.append((waiting.due - house.now) / MINUTE)
        assert house.tell(later=waiting.due - house.now - timedelta(seconds=1)) == []
        house.tell(later=timedelta(seconds=1))
    assert seen == [1, 2, 4, 8]
    assert phone.states() == [["firing"]]
    (sent,) = house.deliveries()
    assert (sent.state, sent.attempts, sent.ended, sent.problem) == (DeliveryState.SENT, 4, house.now, "")


def test_a_receiver_that_asks_for_time_gets_it(phone: Phone) -> None:
    house, phone.failing["anna"], phone.after = House(), 1, 1_800.0
    house.tell(FIRING)
    assert house.deliveries()[0].due == NOON + HOUR / 2


def test_a_message_is_dead_after_twelve_tries_and_lives_again_when_a_person_asks(phone: Phone) -> None:
    house, phone.failing["anna"] = House(), 100
    problems = house.tell(FIRING)
    assert problems == ["the notifier phone failed on alert a1: the line is busy"]
    tries = 1
    while house.deliveries(DeliveryState.WAITING):
        tries += len(house.tell(later=DAY))
    assert tries == MOST_ATTEMPTS == 12
    (dead,) = undelivered("m", house.store)
    assert (dead.state, dead.problem) == (DeliveryState.DEAD, "the line is busy")
    assert house.tell(later=DAY) == []
    phone.failing.clear()
    assert len(due_again("m", house.store, house.now)) == 1
    house.tell()
    assert phone.states() == [["firing"]]
    assert undelivered("m", house.store) == []


def test_news_takes_the_place_of_what_still_waits_about_the_same_alert(phone: Phone) -> None:
    house, phone.failing["anna"] = House(), 1
    house.tell(FIRING)
    house.tell(OVER)
    assert phone.states() == [["ended"]]
    assert [one.state for one in house.deliveries()] == [DeliveryState.REPLACED, DeliveryState.SENT]
    assert len({one.id for one in house.deliveries()}) == 2


def test_a_receiver_that_hangs_delays_neither_the_others_nor_the_run(phone: Phone) -> None:
    house = House(route("hangs"), route("anna"))
    house.store.record("m", [FIRING])
    post_news("m", house.store, house.routes, house.now)
    house.courier.hand_over("m", house.routes)
    while len(house.deliveries(DeliveryState.WAITING)) > 1:
        house.courier.collect(wait=False)
    house.courier.total = 0.0
    (problem,) = house.courier.collect()["m"]
    assert "has not answered" in problem
    assert phone.states() == [["firing"]]
    (waiting,) = house.deliveries(DeliveryState.WAITING)
    assert (waiting.attempts, waiting.receiver) == (1, receiver_of(house.routes[0]))
    # While it hangs it is asked no more, and what it takes in the end is known to have arrived.
    house.tell(later=HOUR)
    assert house.deliveries(DeliveryState.WAITING)[0].attempts == 1
    phone.release.set()
    while house.deliveries(DeliveryState.WAITING):
        house.courier.collect(wait=False)
    assert phone.states("hangs") == [["firing"]]


def test_a_storm_of_500_alerts_is_one_message(phone: Phone) -> None:
    house = House()
    storm = [replace(FIRING, id=f"a{n}", severity=Severity(1 + n % 3)) for n in range(500)]
    house.tell(*storm)
    ((letter,),) = phone.letters.values()
    assert len(letter.alerts) == 500
    assert [alert.severity for alert in letter.alerts] == sorted((a.severity for a in storm), reverse=True)
    assert len(house.deliveries(DeliveryState.SENT)) == 500


def test_of_a_storm_over_many_models_the_first_are_told_at_once_and_the_rest_in_one_message(phone: Phone) -> None:
    house = House()
    house.tell(*(replace(FIRING, model=f"m{n}") for n in range(60)))
    sizes = [len(letter.alerts) for letter in phone.letters["anna"]]
    assert sum(sizes) == 60
    assert len(sizes) <= STORM + 1


def test_a_receiver_gets_what_its_route_says(phone: Phone) -> None:
    pages = route("pages", severity=Severity.PAGE)
    faults = route("faults", causes=(Cause.DATA_FAULT,))
    house = House(pages, faults, route("anna"))
    fault = replace(FIRING, id="a2", cause=Cause.DATA_FAULT, severity=Severity.PAGE)
    house.tell(FIRING, fault)
    got = {to: sorted(a.id for one in letters for a in one.alerts) for to, letters in phone.letters.items()}
    assert got == {"pages": ["a2"], "faults": ["a2"], "anna": ["a1", "a2"]}
    # One that becomes worse concerns those who hear of pages alone, and so does its end.
    house.tell(replace(FIRING, severity=Severity.PAGE))
    house.tell(OVER)
    assert [a.state.value for one in phone.letters["pages"] for a in one.alerts if a.id == "a1"] == ["firing", "ended"]


def test_models_are_chosen_by_pattern_and_tag() -> None:
    by_name, by_tag = Route("file", models=("credit-*",)), Route("file", tags=("team-a", "team-b"))
    assert [by_name.serves(name, ()) for name in ("credit-eu", "fraud")] == [True, False]
    assert [by_tag.serves("x", tags) for tags in (("team-b",), ("team-c",), ())] == [True, False, False]
    assert Route("file").serves("x", ())


def test_an_alert_that_still_fires_is_repeated_as_often_as_the_receiver_wants(phone: Phone) -> None:
    house = House(route(repeat=DAY), route("once"))
    for _ in range(49):
        house.tell(FIRING, later=HOUR)
    assert len(phone.states("anna")) == 3
    assert len(phone.states("once")) == 1
    assert len({letter.key for letter in phone.letters["anna"]}) == 3
    house.tell(OVER)
    house.tell(OVER, later=DAY * 2)
    assert phone.states("anna")[3:] == [["ended"]]


def test_in_quiet_hours_only_pages_are_sent_and_the_rest_afterwards(phone: Phone) -> None:
    house = House(route(quiet=parse_quiet("22:00-07:00 Europe/Berlin")))
    page = replace(FIRING, id="a2", severity=Severity.PAGE)
    house.tell(FIRING, page, later=HOUR * 9)
    assert [[a.id for a in letter.alerts] for letter in phone.letters["anna"]] == [["a2"]]
    house.tell(later=HOUR * 9 - MINUTE)
    assert len(phone.letters["anna"]) == 1
    house.tell(later=MINUTE)
    assert [a.id for a in phone.letters["anna"][1].alerts] == ["a1"]


def test_notices_are_collected_into_one_message_and_nothing_else_waits_for_it(phone: Phone) -> None:
    house = House(route(digest=DAY))
    notices = [replace(FIRING, id=f"n{n}", severity=Severity.NOTICE) for n in range(3)]
    for notice in notices:
        house.tell(notice, later=HOUR)
    house.tell(FIRING)
    assert [[a.id for a in letter.alerts] for letter in phone.letters["anna"]] == [["a1"]]
    house.tell(later=DAY)
    assert [a.id for a in phone.letters["anna"][1].alerts] == ["n0", "n1", "n2"]


class Killed(BaseException):
    """The process is gone."""


class Mortal(MemoryStore):
    """A store whose process dies before or after a write that is counted."""

    left = -1

    def record(self, model: str, nouns: list[Noun], pointers: object = None, **options: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed
        super().record(model, nouns, pointers, **options)
        self.left -= 1
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("kill", range(1, 13))
def test_killed_at_any_write_nothing_is_lost_and_what_comes_twice_has_the_same_key(phone: Phone, kill: int) -> None:
    house = House()
    house.store = store = Mortal()
    story = [[FIRING, replace(FIRING, id="a2")], [OVER]]
    died = False
    for alerts in story:
        house.courier = Courier(store, clock=lambda: house.now)
        store.left = -1
        MemoryStore.record(store, "m", alerts)
        store.left = -1 if died else kill
        try:
            house.tell()
        except Killed:
            died = True
            store.left, house.courier = -1, Courier(store, clock=lambda: house.now)
            house.tell()
        store.left = -1
    assert undelivered("m", store) == []
    by_key = {letter.key: [(a.id, a.state.value) for a in letter.alerts] for letter in phone.letters["anna"]}
    assert sorted(by_key.values()) == [[("a1", "ended")], [("a1", "firing")], [("a2", "firing")]]
    assert len(phone.letters["anna"]) <= len(by_key) + 2


def test_a_test_tells_every_receiver_and_that_it_is_one(phone: Phone) -> None:
    phone.failing["busy"] = 1
    trials = told.try_receivers("m", [route("anna"), route("busy")], NOON)
    assert [one.problem for one in trials] == ["", "the line is busy"]
    assert phone.states() == [["firing"], ["ended"]]
    assert all("TEST" in alert.model for letter in phone.letters["anna"] for alert in letter.alerts)


def test_a_message_that_waits_is_kept_and_one_that_was_sent_is_forgotten_with_time(phone: Phone) -> None:
    house, phone.failing["anna"] = House(), 1
    house.tell(FIRING)
    house.tell(replace(FIRING, id="a2"))
    assert house.store.forget("m", Delivery, NOON + DAY) == 1
    assert [one.state for one in house.deliveries()] == [DeliveryState.WAITING]


@pytest.mark.parametrize("text", ["22-7", "25:00-07:00", "22:00-07:00 Mars/Olympus", ""])
def test_quiet_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="such as 22:00-07:00"):
        parse_quiet(text)


def test_a_quiet_time_of_one_day_does_not_pass_midnight() -> None:
    quiet = parse_quiet("12:30-13:30")
    assert quiet.until(NOON) is None
    assert quiet.until(NOON + HOUR) == NOON + HOUR * 1.5
