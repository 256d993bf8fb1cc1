"""Notifiers against a real file, a real terminal stream and a real HTTP server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.alerts.said import said
from watchkeeper.alerts.console import Console
from watchkeeper.alerts.file import File
from watchkeeper.alerts.webhook import Webhook
from watchkeeper.core.alert import Alert, AlertState, Cause, Severity
from watchkeeper.core.errors import DeliveryError, UsageError

ALERT = Alert(
    "a1", "flights", Cause.DATA_FAULT, Severity.PAGE, AlertState.FIRING,
    evidence=said("distance \x1b[2J is 1.609 times what it was"),
    since=datetime(2013, 7, 8, tzinfo=UTC), columns=("distance",),
)  # fmt: skip


class _Receiver(BaseHTTPRequestHandler):
    bodies: list[dict[str, object]]
    status: int

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    server.bodies, server.status = [], 200
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_console_shows_control_characters_instead_of_obeying_them(capsys: pytest.CaptureFixture[str]) -> None:
    Console().send(ALERT, {})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "page firing flights data_fault since 2013-07-08: distance \\x1b[2J is" in shown.err


def test_the_file_gets_one_json_line_per_alert(tmp_path: Path) -> None:
    path = tmp_path / "new" / "alerts.jsonl"
    for _ in range(2):
        File().send(ALERT, {"path": str(path)})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["severity"] == "page"
    assert lines[0]["columns"] == ["distance"]


def test_the_webhook_posts_json(receiver: HTTPServer) -> None:
    Webhook().send(ALERT, {"url": f"http://127.0.0.1:{receiver.server_port}/hook", "timeout": "5s"})
    assert receiver.bodies[0]["cause"] == "data_fault"
    assert receiver.bodies[0]["schema_version"] == 1


@pytest.mark.parametrize("status", [302, 500])
def test_the_webhook_follows_no_redirect_and_hides_no_error(receiver: HTTPServer, status: int) -> None:
    receiver.status = status
    with pytest.raises(DeliveryError, match=str(status)):
        Webhook().send(ALERT, {"url": f"http://127.0.0.1:{receiver.server_port}/hook"})
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://example.org"])
def test_the_webhook_refuses_other_schemes(url: str) -> None:
    with pytest.raises(UsageError, match="http or https"):
        Webhook().send(ALERT, {"url": url})


class _Drips(BaseHTTPRequestHandler):
    """Answers a byte at a time, each long before a socket would be given up, for as long as somebody listens."""

    def do_POST(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                self.wfile.write(b"x")
                self.server.dripped += 1
                time.sleep(0.005)
        except OSError:
            self.server.cut_off.set()

    def log_message(self, *args: object) -> None:
        pass


def test_the_time_out_of_the_webhook_bounds_the_whole_call() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Drips)
    server.dripped, server.cut_off = 0, Event()
    thread = Thread(target=server.handle_request, daemon=True)
    thread.start()
    with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s"):
        Webhook().send(ALERT, {"url": f"http://127.0.0.1:{server.server_port}/hook", "timeout": "0.3s"})
    # The call itself ends too, instead of listening on beside the run.
    assert server.cut_off.wait(60)
    assert server.dripped > 1
    thread.join()
    server.server_close()


def test_a_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait(60) and [])
    with pytest.raises(DeliveryError, match=r"hooks\.example\.org cannot be reached: no answer within 0.05 s"):
        Webhook().send(ALERT, {"url": "http://hooks.example.org/secret", "timeout": "0.05s"})
    answered.set()


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_out_that_is_none_is_refused(timeout: str) -> None:
    with pytest.raises(UsageError, match="a timeout such as 5s"):
        Webhook().send(ALERT, {"url": "http://127.0.0.1:9/hook", "timeout": timeout})
