"""Telling people: at least once, each change once, and again when telling failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tests.alerts.said import said
from watchkeeper.alerts.policy import withdraw
from watchkeeper.core.alert import Alert, AlertEnd, AlertState, Cause, Severity
from watchkeeper.core.routes import Route
from watchkeeper.run.notify import post_news
from watchkeeper.run.outbox import Courier
from watchkeeper.store.memory import MemoryStore
from watchkeeper.words.alerts import alert_sentence

START = datetime(2024, 3, 4, tzinfo=UTC)
DAY = timedelta(days=1)

FIRING = Alert(
    "a1",
    "m",
    Cause.DATA_FAULT,
    Severity.PAGE,
    AlertState.FIRING,
    START,
    START + DAY,
    ("x",),
    evidence=said("x is 2 times what it was"),
)
OVER = replace(FIRING, state=AlertState.ENDED, end=AlertEnd.CLEARED)
SPREAD = replace(FIRING, columns=("z", "x"), evidence=said("z too", "z"))


_days = count()


def notify(model: str, store: MemoryStore, receivers: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Put the news into the outbox and send what is due, as runs do, a day after the one before."""
    now, routes = START + next(_days) * DAY, [Route(name, options) for name, options in receivers]
    post_news(model, store, routes, now)
    courier = Courier(store, clock=lambda: now)
    for route in routes:
        courier.hand_over(model, [route])
    return list(courier.collect().get(model, ()))


class Receivers:
    """Files that alerts are written to, one for each receiver."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.paths = [folder / name for name in names]
        self.store = MemoryStore()

    def tell(self, *alerts: Alert) -> list[str]:
        self.store.record("m", alerts)
        return notify("m", self.store, [("file", {"path": str(path)}) for path in self.paths])

    def told(self, number: int = 0) -> list[tuple[str, str]]:
        path = self.paths[number]
        lines = path.read_text().splitlines() if path.is_file() else []
        return [(line["state"], line["message"]) for line in map(json.loads, lines)]


@pytest.fixture
def one(tmp_path: Path) -> Receivers:
    return Receivers(tmp_path, "alerts.jsonl")


def test_each_change_of_an_alert_is_told_once(one: Receivers) -> None:
    for alert in (FIRING, FIRING, FIRING, OVER, OVER):
        assert one.tell(alert) == []
    assert [state for state, _ in one.told()] == ["firing", "ended"]


def test_a_pending_alert_is_nobodys_business_and_neither_is_its_end(one: Receivers) -> None:
    pending = replace(FIRING, cause=Cause.DRIFT, state=AlertState.PENDING)
    one.tell(pending)
    one.tell(replace(pending, state=AlertState.ENDED, end=AlertEnd.LAPSED))
    assert one.told() == []


def test_another_number_in_the_message_is_no_news(one: Receivers) -> None:
    one.tell(FIRING)
    one.tell(replace(FIRING, evidence=said("x is 2.1 times what it was")))
    assert len(one.told()) == 1


def test_a_data_fault_that_spreads_to_another_column_is_told(one: Receivers) -> None:
    one.tell(FIRING)
    one.tell(SPREAD)
    one.tell(SPREAD)
    assert one.told() == [("firing", alert_sentence(FIRING)), ("firing", "z too")]


def test_drift_that_spreads_is_no_news(one: Receivers) -> None:
    one.tell(replace(FIRING, cause=Cause.DRIFT))
    one.tell(replace(SPREAD, cause=Cause.DRIFT))
    assert len(one.told()) == 1


def test_what_could_not_be_sent_is_sent_by_the_next_run(tmp_path: Path) -> None:
    both = Receivers(tmp_path, "fine.jsonl", "blocked/alerts.jsonl")
    (tmp_path / "blocked").write_text("a file where a folder should be")
    problems = both.tell(FIRING)
    assert len(problems) == 1
    assert problems[0].startswith("the notifier file failed on alert a1: ")
    assert both.told(0) == [("firing", alert_sentence(FIRING))]
    assert len(both.tell()) == 1
    (tmp_path / "blocked").unlink()
    assert both.tell() == []
    assert [both.told(n) for n in (0, 1)] == [[("firing", alert_sentence(FIRING))]] * 2


def test_an_alert_that_ended_before_it_could_be_sent_is_sent_as_ended(tmp_path: Path) -> None:
    one = Receivers(tmp_path, "blocked/alerts.jsonl")
    (tmp_path / "blocked").write_text("")
    one.tell(FIRING)
    assert len(one.tell(OVER)) == 1
    (tmp_path / "blocked").unlink()
    one.tell()
    one.tell()
    assert one.told() == [("ended", alert_sentence(OVER))]


def test_an_end_that_could_not_be_sent_is_sent_later(tmp_path: Path) -> None:
    one = Receivers(tmp_path, "sub/alerts.jsonl")
    one.tell(FIRING)
    (tmp_path / "sub/alerts.jsonl").rename(tmp_path / "sub/aside")
    (tmp_path / "sub/alerts.jsonl").mkdir()
    assert len(one.tell(OVER)) == 1
    (tmp_path / "sub/alerts.jsonl").rmdir()
    one.tell()
    assert [state for state, _ in one.told()] == ["ended"]


def test_an_alert_that_came_and_went_within_one_run_is_told_once(one: Receivers) -> None:
    one.tell()
    one.tell(OVER)
    one.tell(OVER)
    assert one.told() == [("ended", alert_sentence(OVER))]


def test_a_new_receiver_is_told_what_is_firing_and_not_what_was_over_before(one: Receivers, tmp_path: Path) -> None:
    one.tell(OVER, replace(FIRING, id="a2", evidence=said("still")))
    one.paths.append(tmp_path / "second.jsonl")
    one.tell()
    assert one.told(1) == [("firing", "still")]
    assert one.told(0) == [("firing", "still")]


def test_receivers_may_be_listed_in_another_order(tmp_path: Path) -> None:
    both = Receivers(tmp_path, "one.jsonl", "two.jsonl")
    both.tell(FIRING)
    both.paths.reverse()
    both.tell()
    assert [len(both.told(n)) for n in (0, 1)] == [1, 1]


def test_a_withdrawn_alert_is_told_to_those_who_knew_of_it(one: Receivers) -> None:
    one.tell(FIRING)
    one.tell(withdraw(FIRING))
    assert one.told()[1:] == [("ended", f"withdrawn after late data: {alert_sentence(FIRING)}")]
    unknown = replace(FIRING, id="a2")
    one.tell(withdraw(unknown))
    assert len(one.told()) == 2


def test_a_withdrawn_alert_that_comes_back_is_told_again(one: Receivers) -> None:
    for alert in (FIRING, withdraw(FIRING), FIRING):
        one.tell(alert)
    assert [state for state, _ in one.told()] == ["firing", "ended", "firing"]


def test_an_unknown_notifier_is_a_problem_with_the_nearest_name_and_stops_nobody_else(tmp_path: Path) -> None:
    store = MemoryStore()
    store.record("m", [FIRING])
    path = tmp_path / "alerts.jsonl"
    problems = notify("m", store, [("flie", {}), ("file", {"path": str(path)})])
    assert len(problems) == 1
    assert "did you mean 'file'?" in problems[0]
    assert path.exists()


class Watched(MemoryStore):
    """A store that lists the pointers that are moved and the alerts that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[str] = []
        self.read: list[str] = []

    def record(self, model, nouns, pointers=None, **options):
        self.moves.extend(f"{name} {new}" for name, (_, new) in (pointers or {}).items())
        super().record(model, nouns, pointers, **options)

    def recorded(self, model, kind, query=None):
        answer = super().recorded(model, kind, query)
        self.read.extend(alert.id for alert in answer if kind is Alert)
        return answer


def test_options_of_receivers_are_not_kept_in_the_store() -> None:
    store = Watched()
    store.record("m", [FIRING])
    notify("m", store, [("console", {"token": "a-secret"})])
    assert any(move.startswith("notified/a1/console/") for move in store.moves)
    assert not any("a-secret" in move for move in store.moves)


def test_alerts_that_were_told_and_are_over_are_not_read_again(tmp_path: Path) -> None:
    store, receiver = Watched(), [("file", {"path": str(tmp_path / "alerts.jsonl")})]
    ended = [replace(OVER, id=f"e{number}") for number in range(50)]
    store.record("m", ended)
    notify("m", store, receiver)
    store.read.clear()
    store.record("m", [FIRING, *ended])
    notify("m", store, receiver)
    assert store.read == ["a1"] * 3
    store.record("m", [OVER])
    store.read.clear()
    notify("m", store, receiver)
    assert store.read == ["a1"] * 2
    notify("m", store, receiver)
    assert store.read == ["a1"] * 2


def test_an_end_in_other_words_is_not_told_again(one: Receivers) -> None:
    one.tell(FIRING)
    one.tell(OVER)
    one.tell(replace(OVER, evidence=said("late labels say the same of it")))
    assert [state for state, _ in one.told()] == ["firing", "ended"]


def test_what_an_earlier_version_had_told_is_known(one: Receivers) -> None:
    one.tell()
    (receiver,) = _receivers(one)
    store = one.store
    store.record("m", [], {f"notified/{receiver}": (store.pointer("m", f"notified/{receiver}"), None)})
    told = {receiver: [], f"a1/{receiver}": ["firing", "x"], f"a0/{receiver}": ["ended"]}
    store.record("m", [replace(OVER, id="a0")], {"notified": (None, json.dumps(told))})
    one.tell(FIRING)
    assert one.told() == []
    one.tell(OVER)
    assert [state for state, _ in one.told()] == ["ended"]
    assert store.pointer("m", "notified") is None


def _receivers(receivers: Receivers) -> list[str]:
    """Return what the receivers are known by."""
    watched = Watched()
    notify("m", watched, [("file", {"path": str(path)}) for path in receivers.paths])
    return [move.split()[0].removeprefix("notified/") for move in watched.moves]


class _Hook(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, str]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.answers.pop(0))
        self.end_headers()
        self.seen.append(json.loads(body))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[str]:
    _Hook.seen, _Hook.answers = [], [500, 200]
    with HTTPServer(("127.0.0.1", 0), _Hook) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts"
        server.shutdown()
        thread.join()


def test_a_webhook_that_answers_with_an_error_is_asked_again_by_the_next_run(hook: str) -> None:
    store = MemoryStore()
    store.record("m", [FIRING])
    receiver = [("webhook", {"url": hook})]
    assert len(notify("m", store, receiver)) == 1
    assert notify("m", store, receiver) == []
    assert notify("m", store, receiver) == []
    assert len(_Hook.seen) == 2
